/** Of a row of tabs that is wider than the screen: the one somebody stands in is seen. The page itself does not move. */
export function keepInView(tab: HTMLElement | null): void {
  const row = tab?.parentElement
  if (!tab || !row) return
  const { left, right } = tab.getBoundingClientRect()
  const room = row.getBoundingClientRect()
  if (left < room.left || right > room.right) row.scrollLeft += left - room.left - (room.width - tab.offsetWidth) / 2
}

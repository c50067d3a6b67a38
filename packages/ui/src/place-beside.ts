export type Side = 'top' | 'bottom' | 'right'
export type Align = 'start' | 'center' | 'end'

/** Between what floats and the edge of the window, px. */
const EDGE = 8
/** Between what floats and what it belongs to, px. */
const GAP = 6

interface Box {
  top: number
  left: number
  width: number
  height: number
}

/**
 * Where a floating box goes beside what it belongs to: on the side wanted, on the other one where there is no room, and
 * never out of the window. Pure; all in px from the window's corner.
 */
export function placeBeside(
  anchor: Box,
  size: { width: number; height: number },
  window: { width: number; height: number },
  side: Side,
  align: Align,
): { top: number; left: number } {
  const within = (value: number, length: number, room: number) => Math.max(EDGE, Math.min(value, room - EDGE - length))
  if (side === 'right') {
    const right = anchor.left + anchor.width + GAP
    const fits = right + size.width <= window.width - EDGE
    const left = fits ? right : anchor.left - GAP - size.width
    const top = anchor.top + (anchor.height - size.height) / 2
    return { top: within(top, size.height, window.height), left: within(left, size.width, window.width) }
  }
  const below = anchor.top + anchor.height + GAP
  const above = anchor.top - GAP - size.height
  const fitsBelow = below + size.height <= window.height - EDGE
  const isBelow = side === 'bottom' ? fitsBelow || above < EDGE : above < EDGE && fitsBelow
  const slack = anchor.width - size.width
  const left = anchor.left + (align === 'start' ? 0 : align === 'end' ? slack : slack / 2)
  return {
    top: within(isBelow ? below : above, size.height, window.height),
    left: within(left, size.width, window.width),
  }
}

/** Puts `floating` beside `anchor`; it must be on the page already, so that its size is known. */
export function putBeside(floating: HTMLElement, anchor: Element, side: Side, align: Align): void {
  const { innerWidth: width, innerHeight: height } = window
  const size = { width: floating.offsetWidth, height: floating.offsetHeight }
  const { top, left } = placeBeside(anchor.getBoundingClientRect(), size, { width, height }, side, align)
  floating.style.top = `${top}px`
  floating.style.left = `${left}px`
}

export interface PlacedRows {
  tops: number[]
  /** Of all rows together. */
  height: number
}

/** So many rows beyond the view are drawn too, for whoever goes on with the keyboard. */
const BEYOND = 8

/** Where rows of these heights stand below one another. */
export function placeRows(heights: readonly number[]): PlacedRows {
  const tops: number[] = []
  let height = 0
  for (const one of heights) {
    tops.push(height)
    height += one
  }
  return { tops, height }
}

/**
 * The rows to draw, in their order: those in view, some beyond, and the one that has the focus (-1: none) with its
 * neighbours, for whoever goes on faster than the page scrolls.
 */
export function rowsInView({ tops }: PlacedRows, view: { top: number; height: number }, focused: number): number[] {
  const first = Math.max(0, lastAtOrAbove(tops, view.top) - BEYOND)
  const last = Math.min(tops.length - 1, lastAtOrAbove(tops, view.top + view.height) + BEYOND)
  const rows = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
  if (focused < 0 || focused >= tops.length) return rows
  const around = [focused - 1, focused, focused + 1].filter((row) => row >= 0 && row < tops.length)
  return [...around.filter((row) => row < first), ...rows, ...around.filter((row) => row > last)]
}

/** Of tops that grow, the last that is not below `y`. */
function lastAtOrAbove(tops: readonly number[], y: number): number {
  let low = 0
  let high = tops.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((tops[middle] ?? 0) <= y) low = middle
    else high = middle - 1
  }
  return low
}

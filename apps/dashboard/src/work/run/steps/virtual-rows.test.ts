import { describe, expect, it } from 'vitest'
import { placeRows, rowsInView } from './virtual-rows.ts'

describe('rows of a long list', () => {
  const rows = placeRows(Array.from({ length: 5000 }, (_, index) => (index === 100 ? 70 : 30)))

  it('[PG62] are drawn in view and a little beyond, however many there are', () => {
    expect(rows.height).toBe(5000 * 30 + 40)
    expect(rowsInView(rows, { top: 0, height: 300 }, -1)).toEqual(Array.from({ length: 19 }, (_, index) => index))
    const far = rowsInView(rows, { top: 100_000, height: 300 }, -1)
    expect(far.length).toBeLessThan(40)
    const tops = far.map((index) => rows.tops[index] ?? 0)
    expect(Math.min(...tops)).toBeLessThan(100_000)
    expect(Math.max(...tops)).toBeGreaterThan(100_300)
    expect(rowsInView(placeRows([]), { top: 0, height: 300 }, -1)).toEqual([])
  })

  it('[PG62] keep the one with the focus and its neighbours among them, in their place in the order', () => {
    expect(rowsInView(rows, { top: 100_000, height: 300 }, 3).slice(0, 3)).toEqual([2, 3, 4])
    expect(rowsInView(rows, { top: 0, height: 300 }, 4000).slice(-3)).toEqual([3999, 4000, 4001])
    expect(rowsInView(rows, { top: 0, height: 300 }, 18).slice(-3)).toEqual([17, 18, 19])
    expect(rowsInView(rows, { top: 100_000, height: 300 }, 0).slice(0, 2)).toEqual([0, 1])
    expect(rowsInView(rows, { top: 0, height: 300 }, 5).filter((row) => row === 5)).toHaveLength(1)
  })
})

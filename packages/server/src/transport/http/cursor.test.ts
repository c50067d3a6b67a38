import { describe, expect, it } from 'vitest'
import { collides, currentCursor, cursorAfter } from './cursor.ts'

const EPOCH = Date.UTC(2024, 9, 9)

describe('the cursor of live reads', () => {
  it('[HTTP19] counts intervals of 20 seconds since October 9, 2024', () => {
    expect([0, 19_999, 20_000, 3_600_000].map((ms) => currentCursor(EPOCH + ms))).toEqual(['0', '0', '1', '180'])
  })

  it('[HTTP19] never stands still or goes back for a reader that is as far, and is no more than an hour ahead', () => {
    const now = EPOCH + 1_000 * 20_000
    for (const own of ['1000', '1001', '5000']) {
      const nearest = Number(cursorAfter(own, now, () => 0))
      const furthest = Number(cursorAfter(own, now, () => 0.999_999))
      expect([nearest, furthest], own).toEqual([Number(own) + 1, Number(own) + 180])
    }
    for (const own of ['999', '', 'x', '-5', '1e9', '9'.repeat(30), undefined, ['1000', '1000']]) {
      expect([collides(own, now), cursorAfter(own, now, () => 0.5)], String(own)).toEqual([false, '1000'])
    }
  })
})

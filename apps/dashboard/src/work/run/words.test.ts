import { describe, expect, it } from 'vitest'
import { timeLeftText, took } from './words.ts'

describe('words of a run', () => {
  it('[PG60] tell the time left with its bounds, no more exact than it is', () => {
    expect(timeLeftText({ seconds: 118, low: 62, high: 240 })).toBe('about 2 min, 1 to 4')
    expect(timeLeftText({ seconds: 42, low: 31, high: 58 })).toBe('about 40 s, 30 to 60')
    expect(timeLeftText({ seconds: 40, low: 40, high: 40 })).toBe('about 40 s')
    expect(timeLeftText({ seconds: 7, low: 1, high: 22 })).toBe('about 5 s, less than 5 to 25')
    expect(timeLeftText({ seconds: 1, low: 0, high: 3 })).toBe('a few seconds')
    expect(timeLeftText({ seconds: 3 * 3600, low: 2 * 3600, high: 5 * 3600 })).toBe('about 3 h, 2 to 5')
  })

  it('[PG60] keep the estimate within its bounds when both are rounded', () => {
    for (let seconds = 1; seconds < 10_000; seconds += 7) {
      const [, about, range] = /^about ([\d,]+) \S+(?:, .*?([\d,]+)$)?/.exec(
        timeLeftText({ seconds, low: seconds * 0.8, high: seconds * 1.3 }),
      ) ?? [null, '0', undefined]
      const most = Number((range ?? about)?.replace(',', ''))
      expect(Number(about?.replace(',', ''))).toBeLessThanOrEqual(most)
    }
  })

  it('[PG61] tell lengths of time exactly enough to compare bars', () => {
    expect([0, 340.4, 1290, 42_000, 64_000].map(took)).toEqual(['0 ms', '340 ms', '1.2 s', '42 s', '1 m 04 s'])
  })
})

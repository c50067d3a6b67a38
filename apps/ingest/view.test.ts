import { describe, expect, it } from 'vitest'
import { formatBytes, formatCount, formatDuration, overallPercent, PHASE_WEIGHTS } from './view.ts'

describe('What people read', () => {
  it('[ING9] durations have the two largest units', () => {
    const shown = [0, 4.4, 59.4, 59.6, 64, 3599, 3600, 7500].map(formatDuration)
    expect(shown).toEqual(['0 s', '4 s', '59 s', '1 m 00 s', '1 m 04 s', '59 m 59 s', '1 h 00 m', '2 h 05 m'])
    expect(formatDuration(-3)).toBe('0 s')
  })

  it('[ING9] sizes have a unit of thousands and at most three digits', () => {
    const shown = [0, 640, 999, 1000, 1_240_000, 99_940, 100_000, 999_499, 999_500, 3.2e12].map(formatBytes)
    expect(shown).toEqual([
      '0 B',
      '640 B',
      '999 B',
      '1.0 kB',
      '1.2 MB',
      '99.9 kB',
      '100 kB',
      '999 kB',
      '1.0 MB',
      '3.2 TB',
    ])
  })

  it('[ING9] counts are grouped by thin spaces', () => {
    expect([0, 999, 1000, 12_480, 1_234_567].map(formatCount)).toEqual([
      '0',
      '999',
      '1\u2009000',
      '12\u2009480',
      '1\u2009234\u2009567',
    ])
  })

  it('[ING9] the whole is the weighted sum of its phases, and a hundred only when it is done', () => {
    expect(PHASE_WEIGHTS.reduce((sum, weight) => sum + weight, 0)).toBe(100)
    const phases = (...percents: number[]) => percents.map((percent) => ({ percent }))
    expect(overallPercent({ status: 'queued', phases: [] })).toBe(0)
    expect(overallPercent({ status: 'working', phases: phases(100, 50) })).toBe(35)
    expect(overallPercent({ status: 'failed', phases: phases(100, 33.3) })).toBe(26.7)
    expect(overallPercent({ status: 'done', phases: [] })).toBe(100)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endAhead, makeTimeScale, niceStep, type Span } from './time-scale.ts'

const HOUR = 3_600_000

describe('the axis of a waterfall', () => {
  it('[PG61] gives work the room and draws a long pause as a short break', () => {
    const busy: Span[] = [
      { from: 0, to: 10_000 },
      { from: 20 * HOUR, to: 20 * HOUR + 10_000 },
    ]
    const scale = makeTimeScale({ from: 0, to: 20 * HOUR + 10_000, busy })
    expect(scale.breaks).toHaveLength(1)
    expect(scale.breaks[0]).toMatchObject({ from: 10_000, to: 20 * HOUR })
    expect(scale.breaks[0]?.width).toBeCloseTo(0.05, 5)
    expect(scale.at(10_000)).toBeCloseTo(0.475, 5)
    expect(scale.at(20 * HOUR + 10_000)).toBeCloseTo(1, 5)
  })

  it('[PG61] draws a short pause as it was', () => {
    const busy = [
      { from: 0, to: 10_000 },
      { from: 12_000, to: 22_000 },
    ]
    const scale = makeTimeScale({ from: 0, to: 22_000, busy })
    expect(scale.breaks).toEqual([])
    expect(scale.at(11_000)).toBeCloseTo(0.5, 5)
  })

  it('[PG61] never goes back, begins at 0 and ends at 1, however the work lay', () => {
    const span = fc.tuple(fc.nat(1e9), fc.nat(1e8)).map(([from, length]) => ({ from, to: from + length }))
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), fc.nat(1e9), fc.nat(1e9), (busy, from, length) => {
        const scale = makeTimeScale({ from, to: from + length, busy })
        const places = Array.from({ length: 60 }, (_, index) => scale.at(from + (length * index) / 59))
        expect(scale.at(scale.from)).toBeCloseTo(0, 9)
        expect(scale.at(scale.to)).toBeCloseTo(1, 9)
        expect(places.every((place, index) => place >= (places[index - 1] ?? 0) - 1e-9)).toBe(true)
        expect(scale.breaks.reduce((sum, { width }) => sum + width, 0)).toBeLessThan(0.36)
      }),
    )
  })

  it('[PG61] has a few ticks at round times, none on another', () => {
    const { ticks } = makeTimeScale({ from: 500, to: 64_500, busy: [{ from: 500, to: 64_500 }] })
    expect(ticks.map(({ elapsed }) => elapsed / 1000)).toEqual([0, 15, 30, 45])
    expect([3, 70, 240, 1200, 130_000].map(niceStep)).toEqual([5, 100, 500, 2000, 300_000])
  })

  it('[PG61] stands still for a while when it goes on', () => {
    const ends = new Set<number>()
    for (let now = 60_000; now < 120_000; now += 100) {
      const end = endAhead(0, now)
      expect(end).toBeGreaterThan(now)
      expect(end).toBeLessThan(now * 1.3)
      ends.add(end)
    }
    expect(ends.size).toBeLessThan(17)
  })
})

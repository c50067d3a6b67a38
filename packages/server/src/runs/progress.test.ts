import { isHoldfastError } from '@holdfast/protocol'
import { RunProgress } from '@holdfast/protocol/runs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PhaseWeights, ProgressMeter, type ProgressReport } from './progress.ts'

const meter = (phases?: PhaseWeights | readonly string[], start: RunProgress | null = null, now = 0) =>
  new ProgressMeter({ phases, start, now })

/** Reports `units` steps of one unit each, `everyMs` apart, after `from` at `now`. */
function steady(of: ProgressMeter, units: number, everyMs: number, { from = 0, now = 0, phase = '' } = {}) {
  const named = phase === '' ? {} : { phase }
  for (let unit = 1; unit <= units; unit += 1) of.report({ ...named, done: from + unit }, now + unit * everyMs)
  return now + units * everyMs
}

describe('percent', () => {
  it('[X10a] is of the whole, by the weights of the phases', () => {
    const of = meter({ read: 1, write: 3 })
    expect(of.current(0)).toMatchObject({ percent: 0, phase: 'read', done: 0, total: null })
    expect(of.report({ phase: 'read', done: 5, total: 10 }, 1).percent).toBe(12.5)
    expect(of.report({ done: 10 }, 2).percent).toBe(25)
    expect(of.report({ phase: 'write' }, 3)).toMatchObject({ percent: 25, phase: 'write', done: 0, total: null })
    expect(of.report({ total: 4, done: 1, unit: 'pages' }, 4)).toMatchObject({
      percent: 43.75,
      total: 4,
      unit: 'pages',
    })
    expect(of.report({ done: 4 }, 5).percent).toBe(100)
  })

  it('[X10a] gives phases without weights the same, and work without phases is one', () => {
    expect(meter(['a', 'b', 'c', 'd']).report({ phase: 'c', done: 1, total: 2 }, 0).percent).toBe(62.5)
    expect(meter().report({ done: 1, total: 3 }, 0)).toMatchObject({ percent: 33.33, phase: null })
    expect(meter([]).report({ done: 1, total: 2 }, 0).percent).toBe(50)
  })

  it('[X10a] is a hundred at the end alone', () => {
    const of = meter()
    expect(of.report({ done: 99_999_999, total: 100_000_000 }, 0).percent).toBe(99.99)
    expect(of.report({ done: 100_000_000 }, 0).percent).toBe(100)
    const thirds = meter({ a: 0.1, b: 0.2, c: 0.3 })
    expect(thirds.report({ phase: 'c', done: 1, total: 1 }, 0).percent).toBe(100)
    // Nothing to do is done.
    expect(meter().report({ done: 0, total: 0 }, 0).percent).toBe(100)
  })

  it('[X10b] stands where totals grow, phases come in another order and a new attempt starts over', () => {
    const of = meter(['a', 'b'])
    expect(of.report({ phase: 'a', done: 8, total: 10 }, 1).percent).toBe(40)
    expect(of.report({ total: 100 }, 2)).toMatchObject({ percent: 40, total: 100 })
    const ahead = of.report({ phase: 'b', done: 1, total: 2 }, 3)
    expect(ahead.percent).toBe(75)
    expect(of.report({ phase: 'a', done: 9 }, 4)).toMatchObject({ percent: 75, phase: 'a', done: 9, total: 100 })
    const again = meter(['a', 'b'], ahead, 5)
    expect(again.current(5)).toMatchObject({ percent: 75, phase: 'b', done: 1 })
    expect(again.report({ phase: 'a', done: 0, total: 10 }, 6).percent).toBe(75)
    expect(again.report({ phase: 'b', done: 2, total: 2 }, 7).percent).toBe(100)
  })

  it('[X10b] never falls, whatever is reported, and nothing is ever no number', () => {
    const phases = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.double({ min: 1e-3, max: 1e3, noNaN: true }))
    const amount = fc.oneof(fc.nat(20), fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }))
    const step = fc.record(
      {
        phase: fc.constantFrom('a', 'b', 'c', 'd'),
        done: amount,
        total: fc.option(amount),
        message: fc.string(),
        later: fc.oneof(fc.nat(5_000), fc.integer({ min: -1_000, max: 1e9 })),
        newAttempt: fc.boolean(),
      },
      { requiredKeys: ['later'] },
    )
    fc.assert(
      fc.property(phases, fc.array(step, { maxLength: 120 }), (weights, steps) => {
        let now = 0
        let of = meter(weights)
        let last = of.current(now)
        for (const { later, newAttempt, phase, ...report } of steps) {
          now += later
          if (newAttempt) of = meter(weights, last, now)
          const next = of.report(phase !== undefined && phase in weights ? { ...report, phase } : report, now)
          expect(next.percent).toBeGreaterThanOrEqual(last.percent)
          // The schema takes no NaN and no Infinity, in any of its numbers.
          expect(RunProgress.parse(next)).toEqual(next)
          if (next.left) {
            expect(next.left.low).toBeGreaterThanOrEqual(0)
            expect(next.left.low).toBeLessThanOrEqual(next.left.seconds)
            expect(next.left.seconds).toBeLessThanOrEqual(next.left.high)
          }
          last = next
        }
      }),
    )
  })

  it('[X10b] refuses phases that are not there and what is no count, and nothing has changed then', () => {
    const of = meter(['read', 'write'])
    const before = of.report({ phase: 'write', done: 1, total: 2 }, 0)
    const wrong: [ProgressReport, string][] = [
      [{ phase: 'wrte', done: 2 }, 'phase'],
      [{ phase: '' }, 'phase'],
      [{ done: Number.NaN }, 'done'],
      [{ done: -1 }, 'done'],
      [{ phase: 'read', total: Number.POSITIVE_INFINITY }, 'total'],
    ]
    for (const [report, field] of wrong) {
      const thrown = (() => {
        try {
          of.report(report, 1)
        } catch (error) {
          return error
        }
      })()
      expect(isHoldfastError(thrown, 'INVALID_INPUT') && thrown.errors?.map((one) => one.field)).toEqual([field])
      expect(of.current(0)).toEqual(before)
    }
    expect(() => meter().report({ phase: 'read' }, 0)).toThrow('not valid')
    expect(() => meter({ read: 0 })).toThrow('positive')
    expect(() => meter({ read: Number.NaN, write: 1 })).toThrow('positive')
  })
})

describe('rate', () => {
  it('[X10c] is of the last seconds, and is not told before a second has passed', () => {
    const of = meter()
    of.report({ done: 0, total: 1_000 }, 0)
    expect(of.report({ done: 5 }, 500).rate).toBeNull()
    let now = steady(of, 95, 100, { from: 5, now: 500 })
    expect(of.current(now).rate).toBe(10)
    now = steady(of, 30, 1_000, { from: 100, now })
    expect(of.current(now).rate).toBe(1)
    // Nothing more is done, and time goes on.
    expect(of.current(now + 60_000).rate).toBeLessThan(0.2)
  })

  it('[X10c] counts work that comes in bursts as evenly as work that does not', () => {
    const of = meter()
    of.report({ done: 0, total: 10_000 }, 0)
    for (let burst = 1; burst <= 30; burst += 1) {
      for (let unit = 1; unit <= 20; unit += 1) {
        const { rate } = of.report({ done: (burst - 1) * 20 + unit }, burst * 2_000 + unit)
        // Twenty in twenty milliseconds are not a thousand a second.
        if (burst > 5) expect(Math.abs((rate ?? 0) - 10)).toBeLessThanOrEqual(2)
      }
    }
  })

  it('[X10c] covers several steps where each takes long', () => {
    const of = meter()
    of.report({ done: 0, total: 100 }, 0)
    const now = steady(of, 20, 30_000)
    expect(of.current(now + 15_000).rate).toBeCloseTo(8 / 255, 3)
  })

  it('[X10c] leaves out what was done before, and what is gone over again', () => {
    const first = meter(['read', 'write'])
    first.report({ phase: 'read', done: 0, total: 1_000 }, 0)
    const stored = first.report({ done: 600 }, 1_000)
    const of = meter(['read', 'write'], stored, 100_000)
    for (let done = 0; done <= 600; done += 10) of.report({ phase: 'read', done, total: 1_000 }, 100_000 + done)
    expect(of.current(100_600)).toMatchObject({ rate: null, left: null })
    const now = steady(of, 10, 500, { from: 600, now: 100_600 })
    expect(of.current(now).rate).toBe(2)
  })

  it('[X10c] of a count that begins anew in a new attempt is measured from there', () => {
    const of = meter(undefined, { ...meter().current(0), percent: 50, done: 50, total: 100 }, 0)
    of.report({ done: 0, total: 50 }, 0)
    const now = steady(of, 20, 500)
    expect(of.current(now)).toMatchObject({ rate: 2, percent: 50, left: { seconds: 15 } })
  })
})

describe('time left', () => {
  /** Numbers in [0, 1) that are the same in each run of the tests. */
  function randomsFrom(seed: number): () => number {
    let state = seed
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }

  /** How often the truth lay within the bounds, for work whose 200 steps take what `step` says, asked at any time. */
  function covered(step: (random: () => number) => number): { inside: number; asked: number } {
    const count = { inside: 0, asked: 0 }
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = randomsFrom(seed * 7_919)
      const ends: number[] = []
      for (let unit = 0; unit < 200; unit += 1) ends.push((ends.at(-1) ?? 0) + 1 + step(random))
      const of = meter()
      of.report({ done: 0, total: 200 }, 0)
      const asked = 10 + Math.floor(random() * 180)
      for (const [index, at] of ends.slice(0, asked).entries()) of.report({ done: index + 1 }, at)
      const [before = 0, after = 0] = ends.slice(asked - 1)
      const now = before + random() * (after - before)
      const truth = ((ends.at(-1) ?? 0) - now) / 1_000
      const { left } = of.current(now)
      if (!left) continue
      count.asked += 1
      if (left.low <= truth && truth <= left.high) count.inside += 1
    }
    return count
  }

  it('[X10d] lies within its bounds nearly nine times in ten, however steps of one kind vary', () => {
    const exponential = (random: () => number) => -Math.log(1 - random())
    const kinds = {
      even: () => 300,
      uniform: (random: () => number) => 600 * random(),
      exponential: (random: () => number) => 300 * exponential(random),
      slow: (random: () => number) => 60_000 * exponential(random),
      skewed: (random: () => number) => 100 * exponential(random) ** 2,
    }
    for (const [name, step] of Object.entries(kinds)) {
      const { inside, asked } = covered(step)
      expect(asked, name).toBeGreaterThan(280)
      expect(inside / asked, name).toBeGreaterThan(0.82)
    }
  })

  it('[X10d] is narrow for steady work, goes down as time goes on, and ends at nothing', () => {
    const of = meter()
    of.report({ done: 0, total: 100 }, 0)
    const now = steady(of, 50, 1_000)
    expect(of.current(now).left).toEqual({ seconds: 50, low: 47.5, high: 52.6 })
    expect(of.current(now + 800).left?.seconds).toBeCloseTo(49.2)
    steady(of, 50, 1_000, { from: 50, now })
    expect(of.current(100_000).left).toEqual({ seconds: 0, low: 0, high: 0 })
  })

  it('[X10d] is not told while there is too little to tell it from', () => {
    const of = meter()
    expect(of.report({ done: 0, total: 100 }, 0).left).toBeNull()
    steady(of, 4, 1_000)
    expect(of.current(4_000).left).toBeNull()
    expect(of.report({ done: 5 }, 5_000).left).not.toBeNull()
    const quick = meter()
    quick.report({ done: 0, total: 1_000 }, 0)
    steady(quick, 100, 10)
    expect(quick.current(1_000).left).toBeNull()
  })

  it('[X10d] is not told without a total, while one grows as fast as the work, nor while work stands still', () => {
    const of = meter()
    of.report({ done: 0 }, 0)
    steady(of, 50, 1_000)
    expect(of.current(50_000).left).toBeNull()
    expect(of.report({ total: 100 }, 50_000).left?.seconds).toBe(50)
    expect(of.current(59_000).left).not.toBeNull()
    expect(of.current(61_000).left).toBeNull()
    expect(of.report({ done: 51 }, 62_000).left).not.toBeNull()

    const growing = meter()
    for (let second = 0; second <= 30; second += 1)
      growing.report({ done: second, total: 100 + second }, second * 1_000)
    expect(growing.current(30_000).left).toBeNull()
  })

  it('[X10d] reaches further where the total has grown lately', () => {
    const of = meter()
    for (let second = 0; second <= 30; second += 1) {
      of.report({ done: second * 10, total: 1_000 + second }, second * 1_000)
    }
    const { seconds, high } = of.current(30_000).left ?? { seconds: 0, high: 0 }
    expect(seconds).toBeCloseTo(73)
    expect(high).toBeGreaterThan(73 * 1.1)
  })

  it('[X10d] tells at once of steps that take longer than they did', () => {
    const of = meter()
    of.report({ done: 0, total: 100 }, 0)
    const now = steady(of, 50, 1_000)
    const calm = of.current(now).left
    const late = of.current(now + 9_000).left
    expect(late?.seconds).toBeGreaterThan((calm?.seconds ?? 0) * 1.05)
    expect((late?.high ?? 0) - (late?.low ?? 0)).toBeGreaterThan(3 * ((calm?.high ?? 0) - (calm?.low ?? 0)))
  })

  it('[X10d] follows work that has changed its pace for good', () => {
    const of = meter()
    of.report({ done: 0, total: 300 }, 0)
    const now = steady(of, 100, 100)
    steady(of, 100, 1_000, { from: 100, now })
    const { low, high, seconds } = of.current(now + 100_000).left ?? { low: 0, high: 0, seconds: 0 }
    expect(Math.abs(seconds - 100)).toBeLessThan(15)
    expect(low).toBeLessThan(100)
    expect(high).toBeGreaterThan(100)
  })

  it('[X10d] is wide while phases lie ahead of which nothing is known, and narrower when there is more to tell from', () => {
    const of = meter({ read: 1, write: 1, check: 1 })
    of.report({ phase: 'read', done: 0, total: 20 }, 0)
    steady(of, 10, 1_000)
    const first = of.current(10_000).left
    // Ten seconds of this phase, and two phases of twenty, told by their weights.
    expect(first?.seconds).toBeCloseTo(50)
    expect(first?.low).toBeLessThanOrEqual(10 + 40 / 4)
    expect(first?.high).toBeGreaterThanOrEqual(10 + 40 * 4)
    let now = steady(of, 10, 1_000, { from: 10, now: 10_000 })
    // Just begun: by its weight as well.
    expect(of.report({ phase: 'write', done: 0, total: 40 }, now).left).toMatchObject({ seconds: 40, high: 160 })
    now = steady(of, 20, 500, { now })
    const second = of.current(now).left
    expect(second?.seconds).toBeCloseTo(30)
    expect(second?.high).toBeLessThan(10 * 1.1 + 20 * 2.1)
    expect(of.report({ phase: 'check' }, now).left).toBeNull()
  })
})

describe('what else is told', () => {
  it('[X10a] keeps the message of a phase until another comes, and nothing of any length', () => {
    const of = meter(['a', 'b'])
    expect(of.report({ message: 'Reading x.pdf' }, 0).message).toBe('Reading x.pdf')
    expect(of.report({ done: 1 }, 0).message).toBe('Reading x.pdf')
    expect(of.report({ phase: 'b' }, 0).message).toBeNull()
    const long = of.report({ message: 'x'.repeat(10_000), unit: 'y'.repeat(10_000) }, 0)
    expect(JSON.stringify(long).length).toBeLessThan(500)
  })
})

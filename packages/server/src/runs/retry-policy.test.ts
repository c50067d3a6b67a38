import { ERRORS, type ErrorCode, HoldfastError } from '@holdfast/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_STEP_RETRY, isNotDone, nextTry, notDone, type RetryPolicy } from './retry-policy.ts'

const failed = new Error('The other side hung up.')
const delay = (policy: RetryPolicy, failures: number, random = 0.5, error: unknown = failed) =>
  nextTry(policy, { failures, error, random: () => random })?.delayMs ?? null

const policies = fc.record({
  attempts: fc.integer({ min: 2, max: 50 }),
  minMs: fc.integer({ min: 0, max: 100_000 }),
  maxMs: fc.integer({ min: 0, max: 100_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
})
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('nextTry', () => {
  it('[RETRY1] waits twice as long each time, up to the longest wait, and never less than half of it', () => {
    const policy = { attempts: 10, minMs: 100, maxMs: 1_000 }
    expect([1, 2, 3, 4, 5, 9].map((failures) => delay(policy, failures, 0))).toEqual([50, 100, 200, 400, 500, 500])
    expect([1, 2, 3, 4, 5, 9].map((failures) => delay(policy, failures, 0.999))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ])
  })

  it('[RETRY1] of a step that says nothing is made three times, after a second and after two', () => {
    expect([1, 2, 3].map((failures) => delay(DEFAULT_STEP_RETRY, failures, 0.999))).toEqual([1000, 1999, null])
  })

  it('[RETRY1] lies between half the wait and the wait, whatever the policy', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 49 }), randoms, (policy, failures, random) => {
        fc.pre(failures < policy.attempts)
        const wait = policy.minMs === 0 ? 0 : Math.min(policy.maxMs, policy.minMs * policy.factor ** (failures - 1))
        const ms = delay(policy, failures, random)
        expect(ms).toBeGreaterThanOrEqual(Math.round(wait / 2))
        expect(ms).toBeLessThanOrEqual(Math.round(wait))
        expect(Number.isSafeInteger(ms)).toBe(true)
      }),
    )
  })

  it('[RETRY1] never follows once the tries are used up, also where their number is none', () => {
    fc.assert(
      fc.property(policies, fc.nat(), randoms, (policy, more, random) => {
        expect(delay(policy, policy.attempts + more, random)).toBeNull()
      }),
    )
    expect(delay({ attempts: Number.NaN }, 1)).toBeNull()
    expect(delay({ attempts: Number.POSITIVE_INFINITY, minMs: 1 }, 1e9)).toBe(45_000)
  })

  it('[RETRY2] is never before the time the other side asked for, and is spread after it', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 86_400 }), randoms, (policy, retryAfter, random) => {
        const error = new HoldfastError('TOO_MANY_REQUESTS', undefined, { retryAfter })
        expect(delay(policy, 1, random, error)).toBeGreaterThanOrEqual(retryAfter * 1_000)
        expect(delay(policy, 1, random, error)).toBeGreaterThanOrEqual(delay(policy, 1, random) ?? 0)
      }),
    )
    const busy = new HoldfastError('UNAVAILABLE', undefined, { retryAfter: 600 })
    expect(delay({ attempts: 2 }, 1, 0, busy)).toBe(600_000)
    expect(delay({ attempts: 2 }, 1, 0.8, busy)).toBe(600_400)
  })

  it('[RETRY2] stays a date, whatever was asked for', () => {
    for (const retryAfter of [Number.MAX_VALUE, Number.POSITIVE_INFINITY]) {
      const error = new HoldfastError('UNAVAILABLE', undefined, { retryAfter })
      expect(delay({ attempts: 2 }, 1, 0.5, error)).toBe(30 * 24 * 3_600_000)
    }
    for (const retryAfter of [-5, Number.NaN]) {
      const error = new HoldfastError('UNAVAILABLE', undefined, { retryAfter })
      expect(delay({ attempts: 2 }, 1, 0, error)).toBe(500)
    }
  })

  it('[RETRY3] follows for our errors where the table of errors says that it helps', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(delay({ attempts: 2 }, 1, 0.5, new HoldfastError(code)) !== null, code).toBe(ERRORS[code].retry)
    }
  })

  it('[RETRY3] follows for any other error, unless it says that it does not help', () => {
    for (const error of [failed, 'a text', null, undefined, { retry: true }, { retry: 'false' }]) {
      expect(delay({ attempts: 2 }, 1, 0.5, error)).toBe(750)
    }
    expect(delay({ attempts: 2 }, 1, 0.5, Object.assign(new Error('No such model.'), { retry: false }))).toBeNull()
  })
})

describe('notDone', () => {
  it('[RETRY4] marks the error that was thrown and nothing else of it', () => {
    const refused = new HoldfastError('UNAVAILABLE', 'No connection.')
    expect(notDone(refused)).toBe(refused)
    expect(isNotDone(refused)).toBe(true)
    expect(isNotDone(new HoldfastError('UNAVAILABLE', 'No connection.'))).toBe(false)
    expect(isNotDone(new Error('later', { cause: refused }))).toBe(false)
    expect(JSON.stringify(refused)).toBe(JSON.stringify(new HoldfastError('UNAVAILABLE', 'No connection.')))
    const frozen = Object.freeze(new Error('frozen'))
    expect(isNotDone(notDone(frozen))).toBe(true)
  })

  it('[RETRY4] takes whatever can be thrown', () => {
    for (const thrown of ['a text', 5, null, undefined]) {
      expect(isNotDone(thrown)).toBe(false)
      const marked = notDone(thrown)
      expect(marked).toMatchObject({ message: String(thrown), cause: thrown })
      expect(isNotDone(marked)).toBe(true)
      expect(delay({ attempts: 2 }, 1, 0.5, marked)).toBe(750)
    }
  })
})

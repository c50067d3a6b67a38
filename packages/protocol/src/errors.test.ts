import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CLOSE, shouldReconnect } from './close-codes.ts'
import { ERRORS, type ErrorCode, HoldfastError, isHoldfastError } from './errors.ts'

const codes = Object.keys(ERRORS) as ErrorCode[]
const kinds = ['network', 'validation', 'auth', 'limit', 'conflict', 'not_found', 'unavailable', 'unknown']

describe('problems', () => {
  it('[PROB1] every code makes a whole problem, whatever its details are', () => {
    const options = fc.record(
      {
        cause: fc.constant(new Error('the inside')),
        errors: fc.array(fc.record({ field: fc.string(), message: fc.string() }), { maxLength: 3 }),
        retryAfter: fc.nat(),
        current: fc.record({ revision: fc.nat() }),
      },
      { requiredKeys: [] },
    )
    const detail = fc.option(fc.string({ unit: 'binary' }), { nil: undefined })
    fc.assert(
      fc.property(fc.constantFrom(...codes), detail, options, (code, said, more) => {
        const error = new HoldfastError(code, said, more)
        const problem = error.toProblem('r1')
        const { title, status, kind, retry } = ERRORS[code]
        expect(problem).toMatchObject({ title, status, kind, retry, code, detail: said ?? title, requestId: 'r1' })
        expect(new URL(problem.type).hash).toBe(`#${code.toLowerCase()}`)
        expect(JSON.parse(JSON.stringify(problem))).toEqual(problem)
        expect(JSON.stringify(problem)).not.toContain('the inside')
        const { errors, retryAfter, current } = problem
        expect([errors, retryAfter, current]).toEqual([more.errors, more.retryAfter, more.current])
        expect(error.cause).toBe(more.cause)
      }),
    )
  })

  it('[PROB1] the table is whole: codes in upper case, client and server statuses, kinds that are known', () => {
    for (const [code, { status, kind, title }] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(600)
      expect(kinds).toContain(kind)
      expect(title).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('[PROB2] an error is told from others, and by its code', () => {
    const error = new HoldfastError('NOT_FOUND')
    expect(isHoldfastError(error)).toBe(true)
    expect(isHoldfastError(error, 'NOT_FOUND')).toBe(true)
    expect(isHoldfastError(error, 'FORBIDDEN')).toBe(false)
    expect(isHoldfastError(new Error('NOT_FOUND'))).toBe(false)
    expect(isHoldfastError({ code: 'NOT_FOUND' })).toBe(false)
    expect(error).toMatchObject({ name: 'HoldfastError', status: 404, message: ERRORS.NOT_FOUND.title })
  })
})

describe('close codes', () => {
  it('[CODE1] every code of the table stands in the range that says what it means', () => {
    for (const { code, reconnect, reason } of Object.values(CLOSE)) {
      expect(shouldReconnect(code)).toBe(reconnect)
      // Source: RFC 6455, 5.5: a control frame holds 125 bytes, 2 of them the code.
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
    }
    expect(new Set(Object.values(CLOSE).map(({ code }) => code)).size).toBe(Object.keys(CLOSE).length)
  })

  it('[CODE1] the range decides, also for codes this version does not know', () => {
    fc.assert(fc.property(fc.integer({ min: 4000, max: 4499 }), (code) => shouldReconnect(code)))
    fc.assert(fc.property(fc.integer({ min: 4500, max: 4999 }), (code) => !shouldReconnect(code)))
    expect([1000, 1001, 1005, 1006, 1011, 1012, 1013].map(shouldReconnect)).toEqual(Array(7).fill(true))
    expect([1003, 1008, 1009].map(shouldReconnect)).toEqual([false, false, false])
  })
})

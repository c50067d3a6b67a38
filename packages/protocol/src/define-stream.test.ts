import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { defineStream, type EventBase } from './define-stream.ts'
import { isHoldfastError } from './errors.ts'

const runs = defineStream('users/:user/runs/:run', {
  version: 1,
  events: {
    step_done: z.object({ step: z.string(), took: z.number().check(z.gte(0)), files: z.optional(z.array(z.string())) }),
    ended: z.object({}),
  },
  initial: { steps: 0 },
  fold: (state, event) => (event.type === 'step_done' ? { steps: state.steps + 1 } : state),
  terminal: ['ended'],
  replaces: { step_done: ({ step }) => step },
})

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/
const value = fc.stringMatching(SEGMENT)
const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withSparseArray: true })
const now = Date.UTC(2026, 0, 1)

function refusal(run: () => unknown): { code: string; fields: string[] } | null {
  try {
    run()
    return null
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    return { code: error.code, fields: (error.errors ?? []).map(({ field }) => field) }
  }
}

describe('names', () => {
  it('[DEF1] values make a name, and the name gives the values', () => {
    fc.assert(
      fc.property(value, value, (user, run) => {
        const name = runs.name({ user, run })
        expect(runs.match(name)).toEqual({ user, run })
        expect(new URL(name, 'http://host/v1/stream/').pathname).toBe(`/v1/stream/${name}`)
      }),
      { numRuns: 500 },
    )
  })

  it('[DEF1] a name that fits is the one its values make', () => {
    const part = fc.oneof(fc.constantFrom('users', 'runs', 'Users', ''), value, fc.string())
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const name = parts.join('/')
        const values = runs.match(name)
        if (values) expect(runs.name(values)).toBe(name)
      }),
      { numRuns: 2_000 },
    )
    expect(runs.match('users/u1/runs/r1')).toEqual({ user: 'u1', run: 'r1' })
    for (const other of ['users/u1/runs', 'users/u1/runs/r1/x', 'user/u1/runs/r1', 'users//runs/r1', '']) {
      expect(runs.match(other)).toBeNull()
    }
  })

  it('[DEF2] what cannot be one segment of a path is refused, and fits nothing', () => {
    const wide = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('.', '..', 'a/b', 'a%2Fb', 'é'))
    fc.assert(
      fc.property(wide, (text) => {
        const refused = refusal(() => runs.name({ user: text, run: 'r' }))
        expect(refused?.code ?? null).toBe(SEGMENT.test(text) ? null : 'INVALID_INPUT')
        expect(runs.match(`users/${text}/runs/r`) !== null).toBe(SEGMENT.test(text))
      }),
      { numRuns: 2_000 },
    )
    expect(refusal(() => runs.name({ user: 'u' } as never))?.code).toBe('INVALID_INPUT')
    expect(refusal(() => runs.name({ user: 'a'.repeat(129), run: 'r' }))?.code).toBe('INVALID_INPUT')
  })
})

describe('events', () => {
  it('[DEF3] an event is flat, its schema has been at its fields, and it parses to itself again', () => {
    const fields = fc.record({
      step: fc.string({ unit: 'binary' }),
      took: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      files: fc.option(fc.array(fc.string()), { nil: undefined }),
    })
    fc.assert(
      fc.property(fields, fc.anything(), ({ files, ...rest }, extra) => {
        const given = { type: 'step_done' as const, ...rest, ...(files ? { files } : {}) }
        const event = runs.parse({ ...given, extra } as never, now)
        expect(event).toEqual({ ...given, timestamp: '2026-01-01T00:00:00.000Z' })
        expect(Object.keys(event).slice(0, 2)).toEqual(['type', 'timestamp'])
        expect(runs.parse(event, now + 1)).toEqual(event)
      }),
    )
  })

  it('[DEF4] whatever is given, it is an event of the stream or INVALID_INPUT', () => {
    const type = fc.oneof(fc.constantFrom('step_done', 'ended', 'toString', '__proto__', ''), anything)
    const near = fc.dictionary(fc.constantFrom('step', 'took', 'files', 'timestamp', '__proto__', 'x'), anything)
    const given = fc.oneof(
      anything,
      fc.tuple(type, near).map(([of, fields]) => ({ ...fields, type: of })),
    )
    fc.assert(
      fc.property(given, (event) => {
        const refused = refusal(() => expect(runs.events).toHaveProperty(runs.parse(event as never, now).type))
        expect(refused?.code ?? 'INVALID_INPUT').toBe('INVALID_INPUT')
      }),
      { numRuns: 2_000 },
    )
  })

  it('[DEF4] every field that is wrong is named', () => {
    const wrong = { type: 'step_done', timestamp: 5, took: -1, files: ['a', 2] }
    const refused = refusal(() => runs.parse(wrong as never, now))
    expect(refused).toEqual({ code: 'INVALID_INPUT', fields: ['step', 'took', 'files[1]', 'timestamp'] })
    expect(refusal(() => runs.parse({ type: { toString: 1 } } as never, now))?.fields).toEqual(['type'])
    for (const none of [null, undefined, 5, 'ended', [], ['type']]) {
      expect(refusal(() => runs.parse(none as never, now))?.fields).toEqual(['type'])
    }
  })

  it('[DEF5] a timestamp is kept, given by the clock, or refused', () => {
    const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z') })
    fc.assert(
      fc.property(date, (at) => {
        const timestamp = at.toISOString()
        expect(runs.parse({ type: 'ended', timestamp }, now).timestamp).toBe(timestamp)
        expect(runs.parse({ type: 'ended' }, at.getTime()).timestamp).toBe(timestamp)
      }),
    )
    const bad = ['', 'now', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000+01:00', 5, null]
    bad.push('2026-13-01T00:00:00.000Z', '2026-01-01t00:00:00.000z', '+012026-01-01T00:00:00.000Z')
    for (const timestamp of bad) {
      const refused = refusal(() => runs.parse({ type: 'ended', timestamp } as never, now))
      expect(refused).toEqual({ code: 'INVALID_INPUT', fields: ['timestamp'] })
    }
  })

  it('[DEF6] a type that is not known changes nothing, whatever its name', () => {
    const state = { steps: 3 }
    const type = fc.oneof(fc.string(), fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)))
    fc.assert(
      fc.property(type, (of) => {
        fc.pre(!Object.hasOwn(runs.events, of))
        const event: EventBase = { type: of, timestamp: '2026-01-01T00:00:00.000Z' }
        expect(runs.apply(state, event)).toBe(state)
        expect(runs.replacementKey(event)).toBeNull()
        expect([runs.isTerminal(of), runs.isReplaceable(of)]).toEqual([false, false])
        expect(refusal(() => runs.parse(event as never, now))?.code).toBe('INVALID_INPUT')
      }),
    )
    expect([runs.isTerminal('ended'), runs.isReplaceable('step_done'), runs.isReplaceable('ended')]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('[DEF7] a schema that answers later is an error of the definition', () => {
    const slow = defineStream('slow', {
      version: 1,
      events: {
        added: { '~standard': { version: 1, vendor: 'none', validate: async (value: unknown) => ({ value }) } },
      },
      initial: null,
      fold: () => null,
    })
    expect(refusal(() => slow.parse({ type: 'added' } as never, now))?.code).toBe('INTERNAL_ERROR')
  })
})

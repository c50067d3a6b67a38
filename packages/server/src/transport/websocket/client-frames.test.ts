import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientFrame } from './client-frames.ts'
import { rawEvents } from './raw-events.ts'

describe('rawEvents', () => {
  it('[WS19] finds the elements of any frame, wherever its events stand and whatever stands around them', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('events', '', '"', '\\', 'ev\\u0065nts', ':', ',', ']'))
    const fields = fc.array(fc.tuple(key, fc.jsonValue()), { maxLength: 5 })
    const space = fc.constantFrom('', ' ', '\n\t')
    fc.assert(
      fc.property(fields, fc.array(fc.jsonValue()), fields, space, (before, events, after, gap) => {
        const texts = events.map((event) => JSON.stringify(event))
        const list = `[${gap}${texts.join(`${gap},${gap}`)}${gap}]`
        const others = (given: typeof before) =>
          given
            .filter(([name]) => name !== 'events')
            .map(([name, value]) => `${JSON.stringify(name)}${gap}:${JSON.stringify(value)}`)
        const parts = [...others(before), `"events"${gap}:${gap}${list}`, ...others(after)]
        const text = `${gap}{${parts.join(`${gap},`)}}${gap}`
        expect(JSON.parse(text).events).toEqual(JSON.parse(JSON.stringify(events)))
        expect(rawEvents(text)).toEqual(texts)
      }),
      { numRuns: 500 },
    )
  })

  it('[WS19] takes the last of several, however its name is written', () => {
    const text = String.raw`{"events":[1],"x":{"events":[2]},"\u0065vents":[1e2,"a\"]"],"events2":[3]}`
    expect(rawEvents(text)).toEqual(['1e2', String.raw`"a\"]"`])
    expect(JSON.parse(text).events).toEqual([100, 'a"]'])
  })
})

describe('parseClientFrame', () => {
  it('[WS22] answers every text with a frame or with what is wrong with it, and never throws', () => {
    const type = fc.constantFrom('subscribe', 'unsubscribe', 'append', 'authenticate', 'ping', 'welcome', '__proto__')
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>('s', '-1', 'now', 1, true))
    const names = ['stream', 'from', 'conflate', 'ref', 'events', 'producer', 'seal', 'token']
    const frame = fc.tuple(type, fc.dictionary(fc.constantFrom(...names), field))
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      frame.map(([type, fields]) => JSON.stringify({ type, ...fields })),
    )
    fc.assert(
      fc.property(text, (text) => {
        const parsed = parseClientFrame(text)
        if (parsed.type === 'malformed') expect(parsed.error.code).toBe('INVALID_INPUT')
        else expect(JSON.parse(text)).toMatchObject(JSON.parse(JSON.stringify(parsed)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('[WS22] says what of it could be read, and which field is wrong', () => {
    const refused = (fields: object) => {
      const parsed = parseClientFrame(JSON.stringify(fields))
      return parsed.type === 'malformed' ? [parsed.about, parsed.error.errors?.[0]?.field] : parsed
    }
    expect(refused({ type: 'append', ref: 3, stream: 's', events: 1 })).toEqual([{ ref: 3, stream: 's' }, 'events'])
    expect(refused({ type: 'append', ref: [], stream: 's', events: [] })).toEqual([{ stream: 's' }, 'ref'])
    expect(refused({ type: 'subscribe', stream: 'x'.repeat(513) })).toEqual([{}, 'stream'])
    expect(
      refused({ type: 'append', ref: 1, stream: 's', events: [], producer: { id: 'p', epoch: 2 ** 53, seq: 0 } }),
    ).toEqual([{ ref: 1, stream: 's' }, 'producer'])
    expect(refused({ type: 'ping', later: true })).toEqual({ type: 'ping' })
  })
})

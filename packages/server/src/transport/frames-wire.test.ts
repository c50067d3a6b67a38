import { formatOffset, type Offset, parseOffset, type StreamFrame } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { Delivery } from '../hub/delivery.ts'
import { frameEncodingOf } from './websocket/encodings.ts'
import { rawEvents } from './websocket/raw-events.ts'

const at = (seq: number): Offset => formatOffset({ incarnation: 7, seq })
const encoding = frameEncodingOf('application/json')

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\u2028', '"', '\\'),
)
/** What no program would write again as it was: numbers beyond doubles, doubled keys, white space, escapes. */
const odd = fc.constantFrom(
  '12345678901234567890.000',
  '1e400',
  '-0',
  '{"b":1,"a":2,"b":3}',
  '{ "events" : [ 1 , 2 ] }',
  '[\r\n]',
  '"\\u0041\\/\\ud800"',
  '{"__proto__":{"events":[]}}',
  '"]}"',
)
const json = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(value, fc.constantFrom('', ' ', '\n')).map(([of, space]) => JSON.stringify(of, null, space)),
  },
  { weight: 1, arbitrary: odd },
)
const log = fc.array(json, { maxLength: 12 })

/** The messages in the bytes, as the other end's library reads them. Source: RFC 6455, 5.2. */
function messages(bytes: Buffer, pieces: readonly number[]): string[] {
  const read: string[] = []
  // Not in the types of `ws`, though part of what it offers.
  const { Receiver } = ws as unknown as { Receiver: new (options: object) => NodeJS.WritableStream }
  const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true })
  receiver.on('message', (data: Buffer, isBinary: boolean) => read.push(isBinary ? '(binary)' : data.toString('utf8')))
  receiver.on('error', (error: Error) => {
    throw error
  })
  let from = 0
  for (const size of [...pieces, bytes.length]) {
    if (size > 0 && from < bytes.length) receiver.write(bytes.subarray(from, from + size))
    from += size
  }
  return read
}

/** The log cut into deliveries behind the places named. */
function deliveries(texts: readonly string[], places: readonly number[]): Delivery[] {
  const bounds = [...new Set([0, ...places.map((place) => place % (texts.length + 1)), texts.length])].sort(
    (a, b) => a - b,
  )
  return bounds.slice(1).map((end, index) => {
    const start = bounds[index] ?? 0
    const events = texts.slice(start, end)
    return new Delivery({ stream: 'a/b', after: at(start), offset: at(end), events, sealed: false })
  })
}

type Events = Extract<StreamFrame, { type: 'events' }>
const places = fc.array(fc.nat({ max: 20 }), { maxLength: 5 })

describe('frames on the wire', () => {
  it('[FRAME1] hold the events as they were stored, byte for byte, between their offsets', () => {
    fc.assert(
      fc.property(log, places, fc.array(fc.nat({ max: 30 }), { maxLength: 20 }), (texts, cuts, pieces) => {
        const all = deliveries(texts, cuts)
        const read = messages(Buffer.concat(all.map((delivery) => delivery.encoded(encoding))), pieces)
        expect(read).toHaveLength(all.length)
        for (const [index, { after, offset, events }] of all.entries()) {
          const text = read[index] ?? ''
          expect(text).toContain(`"events":[${events.join(',')}]}`)
          expect(rawEvents(text)).toEqual(events)
          const frame: Events = JSON.parse(text)
          expect(frame).toEqual({
            type: 'events',
            stream: 'a/b',
            after,
            offset,
            events: events.map((of) => JSON.parse(of)),
          })
        }
      }),
      { numRuns: 500 },
    )
  })

  it('[FRAME1] of every length a WebSocket tells differently', () => {
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) {
      const text = JSON.stringify('é'.repeat(length))
      const [delivery] = deliveries([text], [])
      expect(rawEvents(messages(delivery?.encoded(encoding) ?? Buffer.alloc(0), [1, 2, 3])[0] ?? '')).toEqual([text])
    }
  })

  it('[FRAME1] events that are not JSON come as the base64 they are stored in', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 5 }), (bytes) => {
        const stored = bytes.map((of) => Buffer.from(of).toString('base64'))
        const [delivery] = deliveries(stored, [])
        const [text = ''] = messages(
          delivery?.encoded(frameEncodingOf('application/octet-stream')) ?? Buffer.alloc(0),
          [],
        )
        expect((JSON.parse(text) as Events).events).toEqual(stored)
      }),
    )
  })

  it('[FRAME1] and so do the events of an append, wherever they stand among its fields', () => {
    const others = fc.shuffledSubarray([
      '"ref":1',
      '"stream":"s"',
      '"x":{"events":[9]}',
      '"y":["events",{"events":0}]',
      '"z":"events"',
    ])
    fc.assert(
      fc.property(log, others, fc.nat({ max: 5 }), (texts, fields, place) => {
        const all = [...fields.slice(0, place), `"events": [${texts.join(' , ')}] `, ...fields.slice(place)]
        expect(rawEvents(`{ ${all.join(',')} }`)).toEqual(texts)
      }),
      { numRuns: 300 },
    )
  })

  it('[FRAME2] however they are cut, doubled or lost, a reader with one position takes every event once', () => {
    const chances = fc.infiniteStream(fc.constantFrom('take', 'take', 'again', 'lose', 'earlier'))
    fc.assert(
      fc.property(log, places, chances, (texts, cuts, fate) => {
        let position = at(0)
        const taken: unknown[] = []
        let missed = 0
        const take = (frame: Events) => {
          if (frame.offset <= position) return
          if (frame.after !== position) {
            missed += 1
            // Read from the position, as PROTOCOL.md says (W6).
            const { seq } = parseOffset(position) ?? { seq: 0 }
            frame = {
              ...frame,
              after: position,
              events: texts.slice(seq, parseOffset(frame.offset)?.seq).map((of) => JSON.parse(of)),
            }
          }
          taken.push(...frame.events)
          position = frame.offset
        }
        const frames = deliveries(texts, cuts)
          .flatMap((delivery) => messages(delivery.encoded(encoding), []))
          .map((text): Events => JSON.parse(text))
        let lost = 0
        for (const [index, frame] of frames.entries()) {
          const chance = fate.next().value
          // The last one is not lost: nothing comes after it by which that could be seen.
          if (chance === 'lose' && index < frames.length - 1) lost += 1
          else take(frame)
          if (chance === 'again') take(frame)
          if (chance === 'earlier') take(frames[Math.floor(index / 2)] as Events)
        }
        expect(taken).toEqual(texts.map((of) => JSON.parse(of)))
        expect(missed > 0).toBe(lost > 0)
      }),
      { numRuns: 500 },
    )
  })
})

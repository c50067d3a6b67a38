import { formatOffset, type Offset } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Delivery } from '../hub/delivery.ts'
import { SseEncoder } from './http/sse-encoding.ts'

// Read by a parser that knows nothing of us.

const at = (seq: number): Offset => formatOffset({ incarnation: 7, seq })
const nasty = fc.constantFrom(
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\u2028',
  '\u2029',
  '\u0085',
  '\ufeff',
  '\0',
  ' ',
  ':',
  '😀',
  'é',
)
const words = fc.constantFrom('data: x', 'id: 1', 'event: control', 'retry: 1', ': comment', '\\n', '"', '[', ',')
const text = fc
  .array(fc.oneof(nasty, words, fc.string({ unit: 'grapheme' })), { maxLength: 8 })
  .map((all) => all.join(''))
/** Also with halves of surrogate pairs, which JSON escapes. */
const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), text, fc.string({ unit: 'binary' }), fc.constant('\ud800'))
/** JSON as writers write it: any white space between the tokens, nothing escaped that need not be. */
const json = fc
  .tuple(value, fc.constantFrom('', ' ', '\n', '\r\n', '\r', '\t'))
  .map(([of, space]) => JSON.stringify(of, null, 1).replaceAll('\n', space === '' ? '\n' : space))
const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 40 })

/** Feeds the bytes in pieces, cut also within characters. */
function read(bytes: Buffer, sizes: readonly number[]): EventSourceMessage[] {
  const events: EventSourceMessage[] = []
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onError: (error) => {
      throw error
    },
  })
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let from = 0
  for (const size of [...sizes, bytes.length]) {
    parser.feed(decoder.decode(bytes.subarray(from, from + size), { stream: true }))
    from += size
  }
  return events
}

/** Deliveries of a stream in a row, as bytes of one response. */
function written(form: 'json' | 'text' | 'base64', stretches: readonly string[][]): Buffer {
  const encoder = new SseEncoder(new ManualClock())
  let seq = 0
  const writes = stretches.map((events) => {
    const after = at(seq)
    seq += events.length
    const delivery = new Delivery({ stream: 's', after, offset: at(seq), events, sealed: false })
    return encoder.encode(form, delivery, true, null)
  })
  return Buffer.concat(writes)
}

/** What a reader keeps: of each stretch its data, and the positions told beside and after it. */
function told(events: readonly EventSourceMessage[]) {
  return events.map(({ event, data, id }) => ({ event, data, id }))
}

describe('server-sent events on the wire', () => {
  it('[SSE10] a parser of somebody else reads the JSON that was stored, each stretch with its position', () => {
    fc.assert(
      fc.property(fc.array(fc.array(json, { maxLength: 4 }), { maxLength: 4 }), cuts, (stretches, sizes) => {
        const events = told(read(written('json', stretches), sizes))
        let seq = 0
        const expected = stretches.flatMap((texts) => {
          seq += texts.length
          const data = { event: 'data', id: at(seq), data: `[${texts.join(',')}]`.replace(/\r\n?/g, '\n') }
          const control = { event: 'control', id: at(seq), data: expect.stringContaining(`"${at(seq)}"`) }
          return texts.length === 0 ? [control] : [data, control]
        })
        expect(events).toEqual(expected)
        for (const [index, texts] of stretches.filter(({ length }) => length > 0).entries()) {
          const data = events.filter(({ event }) => event === 'data')[index]?.data ?? ''
          expect(JSON.parse(data)).toEqual(texts.map((of) => JSON.parse(of)))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('[SSE10] and the text, whatever stands in it, with its line breaks as line feeds', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), cuts, (texts, sizes) => {
        const stored = texts.map((of) => Buffer.from(of).toString('base64'))
        const [data, control, ...rest] = told(read(written('text', [stored]), sizes))
        expect(data).toEqual({ event: 'data', id: at(texts.length), data: texts.join('').replace(/\r\n?/g, '\n') })
        expect([control?.event, rest]).toEqual(['control', []])
      }),
      { numRuns: 500 },
    )
  })

  it('[SSE10] and the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 }), cuts, (bytes, sizes) => {
        const stored = bytes.map((of) => Buffer.from(of).toString('base64'))
        const [data] = read(written('base64', [stored]), sizes)
        expect(Buffer.from(data?.data ?? '', 'base64')).toEqual(Buffer.concat(bytes))
      }),
    )
  })
})

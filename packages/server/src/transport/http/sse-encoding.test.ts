import { formatOffset } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Delivery } from '../../hub/delivery.ts'
import { controlEvent, dataEvent, SseEncoder } from './sse-encoding.ts'

const offset = formatOffset({ incarnation: 7, seq: 3 })

/** What an event-stream parser makes of one event. Source: WHATWG HTML, 9.2.6. */
function parse(text: string): { event: string; data: string; id: string } {
  const found = { event: '', data: [] as string[], id: '' }
  expect(text.endsWith('\n\n')).toBe(true)
  for (const line of text.slice(0, -2).split(/\r\n|\r|\n/)) {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/s.exec(line) ?? []
    if (name === 'data') found.data.push(value)
    else if (name === 'event' || name === 'id') found[name] = value
  }
  return { ...found, data: found.data.join('\n') }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const breaks = fc.array(
  fc.constantFrom('\r', '\n', '\r\n', 'a', ' ', ':', 'data: x', 'event: control', 'ü', '\u2028', '\u2029'),
)

describe('server-sent events as bytes', () => {
  it('[SSE10] a JSON message keeps its value whatever line breaks stand in it, and ends no event', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { minLength: 1 }),
        fc.constantFrom('\n', '\r', '\r\n'),
        (values, lineBreak) => {
          const texts = values.map((value) => JSON.stringify(value, null, 1).replaceAll('\n', lineBreak))
          const { event, data, id } = parse(dataEvent('json', texts, offset))
          expect([event, id]).toEqual(['data', offset])
          expect(JSON.parse(data)).toEqual(JSON.parse(`[${texts.join(',')}]`))
        },
      ),
    )
  })

  it('[SSE10] a text comes as it is, with its line breaks as line feeds', () => {
    fc.assert(
      fc.property(
        fc.array(
          breaks.map((parts) => parts.join('')),
          { minLength: 1 },
        ),
        (texts) => {
          const { event, data } = parse(dataEvent('text', texts.map(base64), offset))
          expect([event, data]).toEqual(['data', texts.join('').replace(/\r\n|\r/g, '\n')])
        },
      ),
    )
  })

  it('[SSE10] bytes come in base64, one text for all messages of an event', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { minLength: 1 }), (messages) => {
        const stored = messages.map((bytes) => Buffer.from(bytes).toString('base64'))
        const { data } = parse(dataEvent('base64', stored, offset))
        expect(data).toBe(Buffer.concat(messages).toString('base64'))
      }),
    )
  })

  it('[SSE10] says where the reader stands, and gives no cursor at the end', () => {
    const control = (fields: object) =>
      JSON.parse(parse(controlEvent({ offset, cursor: '5', upToDate: false, sealed: false, ...fields })).data)
    expect(control({})).toEqual({ streamNextOffset: offset, streamCursor: '5' })
    expect(control({ upToDate: true })).toEqual({ streamNextOffset: offset, streamCursor: '5', upToDate: true })
    expect(control({ sealed: true })).toEqual({ streamNextOffset: offset, upToDate: true, streamClosed: true })
  })

  it('[SSE11] a delivery is encoded once for all readers; only the control of a reader with a cursor ahead is its own', () => {
    const encoder = new SseEncoder(new ManualClock())
    const delivery = new Delivery({ stream: 's', after: offset, offset, events: ['1'], sealed: false })
    const shared = encoder.encode('json', delivery, true, null)
    expect(encoder.encode('json', delivery, true, null)).toBe(shared)
    expect(encoder.encode('json', delivery, false, null)).not.toBe(shared)
    const own = encoder.encode('json', delivery, true, '99999999').toString()
    expect(own).toContain('"streamCursor":"99999999"')
    expect(own.split('event: control')[0]).toBe(shared.toString().split('event: control')[0])
  })
})

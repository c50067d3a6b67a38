import type { Clock, Offset } from '@holdfast/protocol'
import type { Delivery, Encoding } from '../../hub/delivery.ts'
import type { SseForm } from '../content/media-type.ts'
import { toBody } from '../content/message-bodies.ts'
import { currentCursor } from './cursor.ts'

/**
 * Server-sent events as Durable Streams writes them: a `data` event, and after every one a `control` event with the
 * position, in one write. `id:` stands after the data, so that a plain EventSource comes back with `Last-Event-ID`; the
 * control event has it too, for a reader that has seen no data yet. Source: Durable Streams PROTOCOL.md, 5.8; WHATWG
 * HTML, 9.2.
 */

/**
 * One `data:` line for each line of `text`: a line break of any kind would end the field. A reader takes one space
 * after the colon away, so a line that begins with one is given another.
 */
export function dataLines(text: string): string {
  const first = text.startsWith(' ') ? 'data: ' : 'data:'
  return `${first}${text.replace(/(?:\r\n|\r|\n)( ?)/g, '\ndata:$1$1')}\n`
}

/** The events of a stretch as one `data` event, or nothing where there are none. */
export function dataEvent(form: SseForm, events: readonly string[], offset: Offset): string {
  if (events.length === 0) return ''
  return `event: data\n${dataLines(payload(form, events))}id: ${offset}\n\n`
}

function payload(form: SseForm, events: readonly string[]): string {
  if (form === 'json') return `[${events.join(',')}]`
  // One message is stored as just this text.
  if (form === 'base64' && events.length === 1) return events[0] ?? ''
  return toBody('', events).toString(form === 'text' ? 'utf8' : 'base64')
}

export interface Control {
  offset: Offset
  cursor: string
  upToDate: boolean
  sealed: boolean
}

/** Where the reader stands. Nobody comes back to an ended stream, so there is no cursor for it. */
export function controlEvent({ offset, cursor, upToDate, sealed }: Control): string {
  const control = sealed
    ? { streamNextOffset: offset, upToDate: true, streamClosed: true }
    : { streamNextOffset: offset, streamCursor: cursor, ...(upToDate ? { upToDate } : {}) }
  return `event: control\ndata:${JSON.stringify(control)}\nid: ${offset}\n\n`
}

/** The manners of writing one form of stream: one of each for all readers, so that a delivery is encoded once. */
interface FormEncodings {
  data: Encoding<string>
  /** Data and control of a reader that has everything, and of one that has not. */
  upToDate: Encoding<Buffer>
  behind: Encoding<Buffer>
}

/** Writes deliveries for the readers of server-sent events; one for the whole server. */
export class SseEncoder {
  readonly #clock: Clock
  readonly #forms: Record<SseForm, FormEncodings>

  constructor(clock: Clock) {
    this.#clock = clock
    this.#forms = { json: this.#make('json'), text: this.#make('text'), base64: this.#make('base64') }
  }

  /** A delivery as bytes. All readers share them, but for one that must be told a cursor of its own. */
  encode(form: SseForm, delivery: Delivery, upToDate: boolean, ownCursor: string | null): Buffer {
    const encodings = this.#forms[form]
    if (ownCursor === null) return delivery.encoded(upToDate ? encodings.upToDate : encodings.behind)
    const { offset, sealed } = delivery
    return Buffer.from(delivery.encoded(encodings.data) + controlEvent({ offset, cursor: ownCursor, upToDate, sealed }))
  }

  #make(form: SseForm): FormEncodings {
    const data: Encoding<string> = { encode: ({ events, offset }) => dataEvent(form, events, offset) }
    // The cursor of the first reader's moment is everybody's: a delivery goes out within one turn of the event loop.
    const both = (upToDate: boolean): Encoding<Buffer> => ({
      encode: (delivery) => {
        const { offset, sealed } = delivery
        const cursor = currentCursor(this.#clock.now())
        return Buffer.from(delivery.encoded(data) + controlEvent({ offset, cursor, upToDate, sealed }))
      },
    })
    return { data, upToDate: both(true), behind: both(false) }
  }
}

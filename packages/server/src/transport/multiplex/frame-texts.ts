import type { ServerFrame } from '@holdfast/protocol'
import type { Delivery, Encoding } from '../../hub/delivery.ts'
import { isJson } from '../content/media-type.ts'

/**
 * The JSON of an `events` frame. Events of a JSON stream stand in it as they were written; what is not JSON is stored in
 * base64, and needs quotes. A stream's name needs no escaping: it holds nothing that JSON would escape (log/stream-name.ts).
 */
export function eventsText({ stream, after, offset, events }: Delivery, isJsonStream: boolean): string {
  const list = isJsonStream ? events.join(',') : `"${events.join('","')}"`
  return `{"type":"events","stream":"${stream}","after":"${after}","offset":"${offset}","events":[${list}]}`
}

/** How frames are put into the bytes of one kind of sink. */
export interface FrameBytes {
  encode(frame: ServerFrame): Buffer
  encodingOf(contentType: string): Encoding<Buffer>
}

/** `wrap`: a frame's JSON as it goes over the wire. */
export function frameBytes(wrap: (json: string) => Buffer): FrameBytes {
  const json: Encoding<Buffer> = { encode: (delivery) => wrap(eventsText(delivery, true)) }
  const base64: Encoding<Buffer> = { encode: (delivery) => wrap(eventsText(delivery, false)) }
  return {
    encode: (frame) => wrap(JSON.stringify(frame)),
    encodingOf: (contentType) => (isJson(contentType) ? json : base64),
  }
}

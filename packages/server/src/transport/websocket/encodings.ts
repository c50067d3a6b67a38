import type { Offset, ServerFrame } from '@holdfast/protocol'
import type { Delivery, Encoding } from '../../hub/delivery.ts'
import { isJson } from '../content/media-type.ts'
import { textFrames } from './text-frame.ts'

/** A place in a stream. */
interface Mark {
  stream: string
  offset: Offset
}

/**
 * How a stream is written on a socket: a delivery as WebSocket frames (`textFrames`), and what is said at the marks, if
 * anything.
 */
export interface SocketEncoding extends Encoding<Buffer> {
  upToDate?: (at: Mark) => Buffer
  sealed?: (at: Mark) => Buffer
}

export function encodeFrame(frame: ServerFrame): Buffer {
  return textFrames([JSON.stringify(frame)])
}

const EMPTY = Buffer.alloc(0)

// A stream's name needs no escaping: it holds nothing that JSON would escape (stream names, read-request.ts).
const events = ({ stream, after, offset }: Delivery, list: string) =>
  textFrames([`{"type":"events","stream":"${stream}","after":"${after}","offset":"${offset}","events":[${list}]}`])

const marks = {
  upToDate: ({ stream, offset }: Mark) => encodeFrame({ type: 'up_to_date', stream, after: offset, offset }),
  sealed: ({ stream, offset }: Mark) => encodeFrame({ type: 'sealed', stream, after: offset, offset }),
}

const jsonFrames: SocketEncoding = {
  encode: (delivery) => (delivery.events.length === 0 ? EMPTY : events(delivery, delivery.events.join(','))),
  ...marks,
}

/** What is not JSON is stored in base64, and needs quotes to stand in JSON. */
const base64Frames: SocketEncoding = {
  encode: (delivery) => (delivery.events.length === 0 ? EMPTY : events(delivery, `"${delivery.events.join('","')}"`)),
  ...marks,
}

/** The frames of protocol/frames.ts for a stream of that content type. */
export function frameEncodingOf(contentType: string): SocketEncoding {
  return isJson(contentType) ? jsonFrames : base64Frames
}

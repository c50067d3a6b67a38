import type { Offset, ServerFrame } from '@holdfast/protocol'
import type { Encoding } from '../../hub/delivery.ts'
import { isJson } from '../content/media-type.ts'
import { eventsText } from '../multiplex/frame-texts.ts'
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

const marks = {
  upToDate: ({ stream, offset }: Mark) => encodeFrame({ type: 'up_to_date', stream, after: offset, offset }),
  sealed: ({ stream, offset }: Mark) => encodeFrame({ type: 'sealed', stream, after: offset, offset }),
}

const jsonFrames = framesOf(true)
const base64Frames = framesOf(false)

/** The frames of protocol/frames.ts for a stream of that content type. */
export function frameEncodingOf(contentType: string): SocketEncoding {
  return isJson(contentType) ? jsonFrames : base64Frames
}

function framesOf(isJsonStream: boolean): SocketEncoding {
  return {
    encode: (delivery) => (delivery.events.length === 0 ? EMPTY : textFrames([eventsText(delivery, isJsonStream)])),
    ...marks,
  }
}

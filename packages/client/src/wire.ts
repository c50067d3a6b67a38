import type { EventBase, Offset, StreamFrame } from '@holdfast/protocol'
import { RequestError } from './request.ts'

/** What one WebSocket message means to a reader, whatever form it had on the wire. */
export type Received =
  /** `after` is `null` where the form does not carry it. */
  | { kind: 'events'; after: Offset | null; offset: Offset; events: EventBase[] }
  | { kind: 'sealed'; offset: Offset }
  | { kind: 'error'; error: RequestError }

/** Reads a message; `null` for one that says nothing to this reader (an unknown type of a newer server). */
export type Decode = (text: string) => Received | null

/** The stream form, on `/v1/stream/<name>`: frames of packages/protocol/src/frames.ts. */
export const decodeFrame: Decode = (text) => {
  const frame = parse(text) as StreamFrame | null
  switch (frame?.type) {
    case 'events':
      return { kind: 'events', after: frame.after, offset: frame.offset, events: frame.events as EventBase[] }
    case 'up_to_date':
      return { kind: 'events', after: frame.after, offset: frame.offset, events: [] }
    case 'sealed':
      return { kind: 'sealed', offset: frame.offset }
    case 'error':
      return { kind: 'error', error: RequestError.fromProblem(frame.error) }
    default:
      return null
  }
}

/** The app form: one event a message, its JSON with `offset` added as a field. */
export const decodeEvent: Decode = (text) => {
  const message = parse(text)
  if (typeof message?.offset !== 'string' || typeof message.type !== 'string') return null
  const { offset, ...event } = message
  return { kind: 'events', after: null, offset: offset as Offset, events: [event as unknown as EventBase] }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

import type { IncomingHttpHeaders } from 'node:http'
import { HoldfastError } from '@holdfast/protocol'
import type { Producer } from '../../log/stream-log.ts'

const INTEGER = /^(?:0|[1-9]\d*)$/
// Source: RFC 3339, 5.6. Leap seconds are not taken: no clock of ours has them.
const TIMESTAMP =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/
const PRODUCER_ID_MAX_LENGTH = 255
const STREAM_SEQ_MAX_LENGTH = 255

/** One value of a header; `undefined` where it was not sent. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.join(', ')
}

/** Whether a write is to end the stream. Any other value is as none. Source: Durable Streams PROTOCOL.md, 4.1. */
export function asksToClose(headers: IncomingHttpHeaders): boolean {
  return headerOf(headers, 'stream-closed')?.toLowerCase() === 'true'
}

/** How long a new stream is to live. Throws INVALID_INPUT for what is no time, and for two of them. */
export function lifetimeOf(headers: IncomingHttpHeaders): { ttl?: number; expiresAt?: number } {
  const ttl = headerOf(headers, 'stream-ttl')
  const expiresAt = headerOf(headers, 'stream-expires-at')
  if (ttl !== undefined && expiresAt !== undefined) {
    throw new HoldfastError('INVALID_INPUT', 'A stream has Stream-TTL or Stream-Expires-At, not both.')
  }
  if (ttl !== undefined) return { ttl: integer('Stream-TTL', ttl) }
  if (expiresAt !== undefined) return { expiresAt: timestamp('Stream-Expires-At', expiresAt) }
  return {}
}

/** Who appends; absent where no header of a producer was sent. Throws INVALID_INPUT where only some were. */
export function producerOf(headers: IncomingHttpHeaders): Producer | undefined {
  const id = headerOf(headers, 'producer-id')
  const epoch = headerOf(headers, 'producer-epoch')
  const seq = headerOf(headers, 'producer-seq')
  if (id === undefined && epoch === undefined && seq === undefined) return undefined
  if (id === undefined || epoch === undefined || seq === undefined) {
    throw new HoldfastError('INVALID_INPUT', 'Producer-Id, Producer-Epoch and Producer-Seq go together.')
  }
  if (id === '' || id.length > PRODUCER_ID_MAX_LENGTH) {
    throw new HoldfastError('INVALID_INPUT', `Producer-Id has 1 to ${PRODUCER_ID_MAX_LENGTH} characters.`)
  }
  return { id, epoch: integer('Producer-Epoch', epoch), seq: integer('Producer-Seq', seq) }
}

/** The writer's own order; absent where there is none. */
export function streamSeqOf(headers: IncomingHttpHeaders): string | undefined {
  const value = headerOf(headers, 'stream-seq')
  if (value === undefined) return undefined
  if (value === '' || value.length > STREAM_SEQ_MAX_LENGTH) {
    throw new HoldfastError('INVALID_INPUT', `Stream-Seq has 1 to ${STREAM_SEQ_MAX_LENGTH} characters.`)
  }
  return value
}

/** Strictly decimal, at most 2^53 - 1. Throws INVALID_INPUT naming the header. */
export function integer(name: string, text: string): number {
  const value = INTEGER.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new HoldfastError('INVALID_INPUT', `${name} is not a whole number.`)
  return value
}

function timestamp(name: string, text: string): number {
  const value = TIMESTAMP.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN
  if (Number.isNaN(value)) throw new HoldfastError('INVALID_INPUT', `${name} is not a time (RFC 3339).`)
  return value
}

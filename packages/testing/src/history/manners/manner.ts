import type { Offset } from '@holdfast/protocol'
import type { Connection, Delivery, History } from '../history.ts'
import type { Place } from '../place.ts'

/** One sitting of a reader: from a position on, in one manner, until the line is cut or the signal comes. */
export interface Follow {
  place: Place
  history: History
  reader: string
  /** The name of the manner. */
  manner: string
  stream: string
  /** Its own position, or `-1`, `now` or `state` in its first sitting. */
  from: Offset
  /** Whether to come back as an EventSource does, by `Last-Event-ID`; only where `from` is an offset. */
  byEventId: boolean
  signal: AbortSignal
  take(delivery: Omit<Delivery, 'manner'>): void
}

/**
 * - `lost`: come back with the last offset. - `sealed`: it ended, and said so. - `refused`: the server would not serve
 * this position; said in the history where that may not be.
 */
export type End = 'lost' | 'sealed' | 'refused'

/** A way of reading, as PROTOCOL.md has it. */
export interface Manner {
  readonly name: string
  /** Whether it can begin at the state (`from` is `state`). */
  readonly knowsState?: boolean
  /** Never rejects. */
  follow(follow: Follow): Promise<End>
}

/** Notes that the reader has been given something on this line, whose end at the reader has that port. */
export function connected({ history, reader, stream, manner }: Follow, port?: number): Connection {
  return history.connected({ reader, stream, manner }, port)
}

/** A refusal: 503 is a server that goes or cannot just now; of a reader's own position nothing else may be said. */
export function refusal({ history, reader, stream, from, manner }: Follow, code: string): End {
  if (code === 'UNAVAILABLE' || code === '503') return 'lost'
  history.complaints.push({ stream, text: `${reader} (${manner}, from ${from}) was refused: ${code}` })
  return 'refused'
}

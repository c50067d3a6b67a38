import type { LinkConnection, TransportName } from './connection-policy.ts'

/** How a stream is connected: what hooks and screens show. The README has what each means to a person. */
export type ConnectionState =
  | 'connecting'
  | 'connected'
  | 'reconnecting'
  | 'degraded'
  | 'disconnected'
  | 'error'
  | 'completed'

export interface Connection {
  state: ConnectionState
  /** What carries it, or is being tried; `null` where nothing does. */
  transport: TransportName | null
  /** The try awaited or under way, while `reconnecting`, or the last one, in `error`; else 0. */
  attempt: number
  /** When the next try is due (Unix ms), while it is waited for. */
  retryAt: number | null
  /** When this state began (Unix ms); for `reconnecting`, and the `error` it ends in, the moment of the loss. */
  since: number
}

/**
 * What a client does with one stream: nothing; reading its state for the first time; following it; it has come to its
 * end; it cannot be read.
 */
export type Reading = 'idle' | 'loading' | 'live' | 'ended' | 'failed'

/** Of a stream nobody reads. */
export const NOT_CONNECTED: Connection = { state: 'disconnected', transport: null, attempt: 0, retryAt: null, since: 0 }

/**
 * A stream's connection, from the one that all streams share and what is done with this one. Pure.
 *
 * | reading \ link | disconnected | connecting | connected  | degraded   | reconnecting | error |
 * | -------------- | ------------ | ---------- | ---------- | ---------- | ------------ | ----- |
 * | idle           | disconnected | …          | …          | …          | …            | …     |
 * | loading        | connecting   | connecting | connecting | connecting | reconnecting | error |
 * | live           | connecting   | connecting | connected  | degraded   | reconnecting | error |
 * | ended          | completed    | …          | …          | …          | …            | …     |
 * | failed         | error        | …          | …          | …          | …            | …     |
 */
export function viewConnection(link: LinkConnection, reading: Reading, readingSince: number): Connection {
  const own = { transport: null, attempt: 0, retryAt: null, since: readingSince }
  if (reading === 'idle') return { ...own, state: 'disconnected' }
  if (reading === 'ended') return { ...own, state: 'completed' }
  if (reading === 'failed') return { ...own, state: 'error' }
  const { transport, attempt, retryAt, since } = link
  if (link.state === 'reconnecting' || link.state === 'error')
    return { state: link.state, transport, attempt, retryAt, since }
  const isWorking = link.state === 'connected' || link.state === 'degraded'
  if (isWorking && reading === 'live') {
    return { ...own, state: link.state as ConnectionState, transport, since: Math.max(since, readingSince) }
  }
  return { ...own, state: 'connecting', transport }
}

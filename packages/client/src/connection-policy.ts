/**
 * When to connect, when to wait and when to stop: a pure state machine. Sockets and timers are elsewhere
 * (stream-connection.ts); they tell what happened and do what the state says.
 *
 * - `disconnected` nobody reads. The beginning, and the end by one's own wish.
 * - `connecting` the first try is under way.
 * - `connected` events flow.
 * - `reconnecting` it was lost. With `retryAt` it waits until then; without, a try is under way. `attempt` is the
 *   number of that try.
 * - `error` given up: the last attempt failed, or the server said that coming back will not help.
 * - `completed` the story has been told to its end. Nothing leads out of it.
 *
 * | from \ input  | connect    | opened    | received    | lost                  | due     | ended     | refused | disconnect   |
 * | ------------- | ---------- | --------- | ----------- | --------------------- | ------- | --------- | ------- | ------------ |
 * | disconnected  | connecting | -         | -           | -                     | -       | -         | -       | -            |
 * | connecting    | -          | connected | -           | reconnecting 1        | -       | completed | error   | disconnected |
 * | connected     | -          | -         | attempt = 0 | reconnecting          | -       | completed | error   | disconnected |
 * | reconnecting  | try now    | connected | -           | reconnecting or error | try now | completed | error   | disconnected |
 * | error         | connecting | -         | -           | -                     | -       | -         | -       | disconnected |
 * | completed     | -          | -         | -           | -                     | -       | -         | -       | -            |
 *
 * A server that accepts and drops at once must not be asked every second for ever: `connected` keeps the count until
 * something was received, or until it has stood for STABLE_MS.
 */
export type ConnectionState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting' | 'error' | 'completed'

export interface Connection {
  state: ConnectionState
  /** The try awaited or under way since the connection was last good; 0 before the first loss. */
  attempt: number
  /** When the next try is due (Unix ms), while it is waited for. */
  retryAt: number | null
  /** When this state began (Unix ms); for `reconnecting`, and the `error` it ends in, the moment of the loss. */
  since: number
}

export type ConnectionInput =
  /** Somebody wants it: at the start, or by the button after an error. */
  | 'connect'
  | 'opened'
  /** The first word of the server on this connection. */
  | 'received'
  /** Closed with a code that says come back, not opened in time, or not reachable. */
  | 'lost'
  /** The wait is over, or the network came back. */
  | 'due'
  /** The terminal event, or a close code that says completed. */
  | 'ended'
  /** An answer that another try will not change. */
  | 'refused'
  | 'disconnect'

/** Tries after a loss, before it is left to a person. */
export const MAX_ATTEMPTS = 10
/** How long a connection may take to open, ms. */
export const CONNECT_TIMEOUT_MS = 20_000
/** A silent connection that stood this long was a good one, ms. */
export const STABLE_MS = 10_000
const LONGEST_WAIT_MS = 30_000
const JITTER = 0.2

export const IDLE: Connection = { state: 'disconnected', attempt: 0, retryAt: null, since: 0 }

/** Wait before try number `attempt` (from 1): 1, 2, 4, 8 … seconds, at most 30, give or take a fifth, in ms. */
export function retryDelay(attempt: number, random: () => number): number {
  const base = Math.min(1000 * 2 ** (attempt - 1), LONGEST_WAIT_MS)
  return Math.round(Math.min(base * (1 + JITTER * (2 * random() - 1)), LONGEST_WAIT_MS))
}

/** The next state; the same object where the input changes nothing. */
export function nextConnection(
  connection: Connection,
  input: ConnectionInput,
  now: number,
  random: () => number,
): Connection {
  const { state } = connection
  if (state === 'completed') return connection
  if (input === 'disconnect') return state === 'disconnected' ? connection : enter('disconnected', now)
  if (state === 'disconnected' || state === 'error') {
    return input === 'connect' ? enter('connecting', now) : connection
  }
  switch (input) {
    case 'connect':
    case 'due':
      return connection.retryAt === null ? connection : { ...connection, retryAt: null }
    case 'opened':
      return state === 'connected' ? connection : { ...enter('connected', now), attempt: connection.attempt }
    case 'received':
      return state === 'connected' && connection.attempt > 0 ? { ...connection, attempt: 0 } : connection
    case 'lost':
      return lose(connection, now, random)
    case 'ended':
      return enter('completed', now)
    case 'refused':
      return { ...enter('error', now), attempt: connection.attempt }
  }
}

function lose(connection: Connection, now: number, random: () => number): Connection {
  // Already waiting: two signs of one loss.
  if (connection.retryAt !== null) return connection
  const wasStable = connection.state === 'connected' && now - connection.since >= STABLE_MS
  const attempt = (wasStable ? 0 : connection.attempt) + 1
  const since = connection.state === 'reconnecting' ? connection.since : now
  if (attempt > MAX_ATTEMPTS) return { state: 'error', attempt: MAX_ATTEMPTS, retryAt: null, since }
  return { state: 'reconnecting', attempt, retryAt: now + retryDelay(attempt, random), since }
}

function enter(state: ConnectionState, now: number): Connection {
  return { state, attempt: 0, retryAt: null, since: now }
}

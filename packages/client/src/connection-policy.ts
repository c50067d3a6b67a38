/**
 * When to connect and by what, when to wait and when to stop: a pure state machine. Sockets, requests and timers are
 * elsewhere (direct-link.ts); they tell what happened and do what the state says.
 *
 * The states:
 *
 * - `disconnected` nobody reads. The beginning, and the end by one's own wish.
 * - `connecting` the first try is under way.
 * - `connected` the WebSocket works.
 * - `degraded` another transport works. At `probeAt` the WebSocket is tried again beside it; when that opens, it takes over.
 * - `reconnecting` nothing works. With `retryAt` it waits until then; without, try number `attempt` is under way.
 * - `error` given up: the last attempt failed, or the server said that coming back will not help.
 *
 * (`completed` is of a stream, not of the connection: see stream-store.ts. A stream that has ended asks for nothing.)
 *
 * A **try** begins with the WebSocket. Where that has failed three times in a row, the same try goes on down the ladder,
 * without waiting: server-sent events, long-poll, poll. Attempts are counted only while no transport works.
 *
 * How a transport fails decides where the try goes:
 *
 * - `unopened` no connection came about, or it was refused. Of the WebSocket it is one failure.
 * - `silent` it opened, and then nothing was heard for too long: something between swallows what comes (a proxy that
 *   gathers answers before it hands them on). More of the same will not help: down the ladder at once.
 * - `lost` it was open, and was cut. The next try begins with the WebSocket.
 * - `unreachable` a request got no answer at all, or was told to come later: no transport will work, the try is over.
 *
 * | from \ input  | connect    | opened ws | opened other  | failed: unopened, silent            | failed: lost, unreachable | due, wake | refused | disconnect   |
 * | ------------- | ---------- | --------- | ------------- | ----------------------------------- | ------------------------- | --------- | ------- | ------------ |
 * | disconnected  | connecting | -         | -             | -                                   | -                         | -         | -       | -            |
 * | connecting    | -          | connected | degraded      | next rung, else reconnecting 1      | reconnecting 1            | -         | error   | disconnected |
 * | connected     | -          | -         | -             | next rung (silent)                  | reconnecting 1            | -         | error   | disconnected |
 * | degraded      | probe      | connected | -             | ws: stays; other: next rung         | reconnecting 1            | probe     | error   | disconnected |
 * | reconnecting  | try now    | connected | degraded      | next rung, else attempt + 1, error  | attempt + 1, error        | try now   | error   | disconnected |
 * | error         | connecting | -         | -             | -                                   | -                         | -         | -       | disconnected |
 *
 * A server that accepts and drops at once must not be asked every second for ever: the count goes on until a stream's
 * word came through, or the connection has stood for STABLE_MS. While the device says that it has no network a wait
 * is the longest there is and counts for nothing; should the device be wrong, the try at its end finds out.
 */
export type LinkState = 'disconnected' | 'connecting' | 'connected' | 'degraded' | 'reconnecting' | 'error'

/** The ways to read, best first. */
export const TRANSPORTS = ['websocket', 'sse', 'long-poll', 'poll'] as const
export type TransportName = (typeof TRANSPORTS)[number]

/** How a transport came to its end. */
export type Failure = 'unopened' | 'silent' | 'lost' | 'unreachable'

export interface LinkConnection {
  state: LinkState
  /** The one that works, or is being tried. */
  transport: TransportName | null
  /** The try awaited or under way since a connection was last good; 0 before the first loss. */
  attempt: number
  /** When the next try is due (Unix ms), while it is waited for. */
  retryAt: number | null
  /** When this state began (Unix ms); for `reconnecting`, and the `error` it ends in, the moment of the loss. */
  since: number
  /** How often in a row the WebSocket has failed. */
  socketFailures: number
  /** When the WebSocket is tried again (Unix ms), while another transport works. */
  probeAt: number | null
}

export type ConnectionInput =
  /** Somebody wants it: at the start, or by the button after an error. */
  | { type: 'connect' | 'disconnect' }
  /** A transport has said its first word. */
  | { type: 'opened'; transport: TransportName }
  /** The first word about a stream on this connection. */
  | { type: 'received' }
  /** `retryAfterMs`: when the server said to come back. */
  | { type: 'failed'; transport: TransportName; how: Failure; isOnline: boolean; retryAfterMs?: number | undefined }
  /** The wait is over; or the network came back, or the page is looked at again. */
  | { type: 'due' | 'wake' }
  /** An answer that another try will not change. */
  | { type: 'refused' }

/** Tries after a loss, before it is left to a person. */
export const MAX_ATTEMPTS = 10
/** How long a WebSocket may take to say its first word, ms. */
export const CONNECT_TIMEOUT_MS = 20_000
/** The WebSocket's failures in a row after which others are tried. */
export const SOCKET_FAILURES = 3
/** How often the WebSocket is tried again while another transport works, ms. */
export const PROBE_MS = 30_000
/** A connection that stood this long was a good one, ms. */
export const STABLE_MS = 10_000
const LONGEST_WAIT_MS = 30_000
const JITTER = 0.2

export const IDLE: LinkConnection = {
  state: 'disconnected',
  transport: null,
  attempt: 0,
  retryAt: null,
  since: 0,
  socketFailures: 0,
  probeAt: null,
}

/**
 * Wait before try number `attempt` (from 1): 1, 2, 4, 8 … seconds, at most 30, give or take a fifth, in ms; longer where
 * the server said so, in seconds, up to an hour.
 */
export function retryDelay(attempt: number, random: () => number, retryAfter = 0): number {
  const base = Math.min(1000 * 2 ** (attempt - 1), LONGEST_WAIT_MS)
  const wait = Math.min(base * (1 + JITTER * (2 * random() - 1)), LONGEST_WAIT_MS)
  return Math.round(Math.max(wait, Math.min(retryAfter, 3600) * 1000))
}

/** The next state; the same object where the input changes nothing. */
export function nextConnection(
  before: LinkConnection,
  input: ConnectionInput,
  now: number,
  random: () => number,
): LinkConnection {
  const { state } = before
  if (input.type === 'disconnect') return state === 'disconnected' ? before : { ...IDLE, since: now }
  if (state === 'disconnected' || state === 'error') {
    return input.type === 'connect' ? { ...IDLE, state: 'connecting', transport: 'websocket', since: now } : before
  }
  switch (input.type) {
    case 'connect':
    case 'wake':
    case 'due':
      return goOn(before, now)
    case 'opened':
      return open(before, input.transport, now)
    case 'received':
      return before.attempt > 0 && isOpen(before) ? { ...before, attempt: 0 } : before
    case 'failed':
      return fail(before, input, now, random)
    case 'refused':
      return { ...before, state: 'error', transport: null, retryAt: null, probeAt: null, since: now }
  }
}

/** Whether a transport works. */
export function isOpen({ state }: LinkConnection): boolean {
  return state === 'connected' || state === 'degraded'
}

/** Whether a try is under way. */
export function isTrying({ state, retryAt }: LinkConnection): boolean {
  return state === 'connecting' || (state === 'reconnecting' && retryAt === null)
}

function goOn(before: LinkConnection, now: number): LinkConnection {
  if (before.retryAt !== null) return { ...before, retryAt: null, transport: 'websocket' }
  // However early the timer runs: no other follows it.
  return before.state === 'degraded' ? { ...before, probeAt: now + PROBE_MS } : before
}

function open(before: LinkConnection, transport: TransportName, now: number): LinkConnection {
  if (transport === 'websocket') {
    return { ...before, state: 'connected', transport, retryAt: null, since: now, socketFailures: 0, probeAt: null }
  }
  if (transport !== before.transport) return before
  return { ...before, state: 'degraded', retryAt: null, since: now, probeAt: now + PROBE_MS }
}

function fail(
  before: LinkConnection,
  { transport, how, isOnline, retryAfterMs }: Extract<ConnectionInput, { type: 'failed' }>,
  now: number,
  random: () => number,
): LinkConnection {
  const isSocket = transport === 'websocket'
  // Of the WebSocket beside the one that works, or of one that is given up already.
  if (transport !== before.transport || before.retryAt !== null) return before
  const grown = isSocket && how === 'unopened' ? before.socketFailures + 1 : before.socketFailures
  const socketFailures = how === 'silent' && isSocket ? SOCKET_FAILURES : grown
  const failed = { ...before, socketFailures }
  const next = TRANSPORTS[TRANSPORTS.indexOf(transport) + 1]
  const goesDown = how === 'silent' || how === 'unopened'
  if (goesDown && next && socketFailures >= SOCKET_FAILURES) return descend(failed, next, now)
  return lose(failed, isOnline, now, retryAfterMs, random)
}

/** The same try, with the next transport. */
function descend(before: LinkConnection, transport: TransportName, now: number): LinkConnection {
  if (!isOpen(before)) return { ...before, transport }
  return {
    ...before,
    state: 'reconnecting',
    transport,
    attempt: Math.max(1, before.attempt),
    since: now,
    probeAt: null,
  }
}

function lose(
  before: LinkConnection,
  isOnline: boolean,
  now: number,
  retryAfterMs: number | undefined,
  random: () => number,
): LinkConnection {
  const wasStable = isOpen(before) && now - before.since >= STABLE_MS
  const counted = wasStable ? 0 : before.attempt
  const since = before.state === 'reconnecting' ? before.since : now
  const lost = { ...before, transport: null, probeAt: null, since }
  if (!isOnline) {
    const attempt = Math.max(1, counted)
    return { ...lost, state: 'reconnecting', attempt, retryAt: now + LONGEST_WAIT_MS }
  }
  const attempt = counted + 1
  if (attempt > MAX_ATTEMPTS) return { ...lost, state: 'error', attempt: MAX_ATTEMPTS, retryAt: null }
  const wait = Math.min(retryAfterMs ?? retryDelay(attempt, random), LONGEST_WAIT_MS)
  return { ...lost, state: 'reconnecting', attempt, retryAt: now + wait }
}

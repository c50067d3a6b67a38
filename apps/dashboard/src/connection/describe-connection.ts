import type { RequestError } from '@holdfast/client'
import { duration, type Tone } from '@holdfast/ui'

/** What is known of how the page is connected. */
export interface ConnectionFacts {
  connection: {
    state: 'connecting' | 'connected' | 'reconnecting' | 'degraded' | 'disconnected' | 'error' | 'completed'
    transport: 'websocket' | 'sse' | 'long-poll' | 'poll' | null
    /** The try awaited or under way; only while reconnecting. */
    attempt: number
    /** Unix ms; only while reconnecting. */
    retryAt: number | null
    /** Unix ms. */
    since: number
  }
  /** The device says it has no network. */
  isOffline: boolean
  /** Changes made here that wait to be sent. */
  queued: number
  /** Whether this tab holds the connection, or another one of this browser. */
  role: 'alone' | 'leader' | 'follower'
  error: RequestError | null
}

/** What a person is told of it. */
export interface ConnectionWords {
  look: 'live' | 'connecting' | 'reconnecting' | 'degraded' | 'offline' | 'given-up' | 'idle'
  tone: Tone
  /** On the mark. */
  word: string
  /** On the mark after the word, where there is room; moves with the clock. */
  detail?: string
  /** What it means for what is seen, and what still works. */
  meaning: string
  /** Whether a person can make it try at once. */
  canReconnect: boolean
}

/** How the page is connected in words; a pure function of what is known. */
export function describeConnection(facts: ConnectionFacts, now: number): ConnectionWords {
  const { connection, isOffline, queued, error } = facts
  // What is not there is told by the page itself; the connection is not at fault, and another would not help.
  const isMissing = connection.state === 'error' && error?.status === 404
  if (connection.state === 'error' && !isMissing) return givenUp(facts)
  if (isOffline) return offline(facts, now)
  switch (connection.state) {
    case 'connecting':
      return {
        look: 'connecting',
        tone: 'quiet',
        word: 'Connecting',
        meaning: 'The first connection is being made. What is shown was read when the page came.',
        canReconnect: false,
      }
    case 'connected':
      return {
        look: 'live',
        tone: 'done',
        word: 'Live',
        meaning: 'Changes are shown the moment they happen.',
        canReconnect: false,
      }
    case 'degraded':
      return degraded(facts)
    case 'reconnecting':
      return reconnecting(facts, now)
    default:
      return {
        look: 'idle',
        tone: 'quiet',
        word: 'Idle',
        meaning: queued > 0 ? waits(queued) : 'Nothing on this page changes by itself, so nothing is being read.',
        canReconnect: false,
      }
  }
}

const FALLBACKS = {
  websocket: '',
  sse: 'over server-sent events, as quickly as before',
  'long-poll': 'by long polling, within a second',
  poll: 'by asking every 2 s',
} as const

function degraded({ connection, queued }: ConnectionFacts): ConnectionWords {
  const how = FALLBACKS[connection.transport ?? 'poll']
  return {
    look: 'degraded',
    tone: 'waiting',
    word: 'Degraded',
    meaning: sentences(
      `No WebSocket gets through. Everything works: changes come ${how}.`,
      'A WebSocket is tried again every 30 s.',
      queued > 0 && waits(queued),
    ),
    canReconnect: true,
  }
}

function reconnecting({ connection, queued }: ConnectionFacts, now: number): ConnectionWords {
  const { attempt, retryAt, since } = connection
  const when = retryAt === null ? 'now' : `in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`
  return {
    look: 'reconnecting',
    tone: 'waiting',
    word: 'Reconnecting',
    detail: `attempt ${attempt} ${when}`,
    meaning: sentences(
      `The connection was lost ${duration(now - since)} ago. What you see is as of then; the work on the server goes on.`,
      queued > 0 && waits(queued),
    ),
    canReconnect: true,
  }
}

function offline({ connection, queued }: ConnectionFacts, now: number): ConnectionWords {
  const isLost = connection.state === 'reconnecting'
  return {
    look: 'offline',
    tone: 'waiting',
    word: 'Offline',
    ...(isLost && { detail: `for ${duration(now - connection.since)}` }),
    meaning: sentences(
      'This device has no network.',
      isLost && `What you see is as of ${clockTime(connection.since)}.`,
      'It goes on by itself when the network is back.',
      queued > 0 && waits(queued),
    ),
    canReconnect: true,
  }
}

function givenUp({ connection, queued, error }: ConnectionFacts): ConnectionWords {
  return {
    look: 'given-up',
    tone: 'failed',
    word: 'Not connected',
    meaning: sentences(
      error ? error.message : 'The server could not be reached.',
      `What you see is as of ${clockTime(connection.since)}. It is not tried again by itself.`,
      queued > 0 && waits(queued),
    ),
    canReconnect: true,
  }
}

function waits(queued: number): string {
  return queued === 1 ? '1 change waits here to be sent.' : `${queued} changes wait here to be sent.`
}

const TRANSPORTS = {
  websocket: 'WebSocket',
  sse: 'Server-sent events',
  'long-poll': 'Long polling',
  poll: 'Polling every 2 s',
} as const

const ROLES = {
  alone: 'This tab, for itself',
  leader: 'This tab, for all tabs of this browser',
  follower: 'Another tab of this browser',
} as const

/** The facts behind the words, one a line. */
export function connectionDetails(facts: ConnectionFacts): [name: string, value: string][] {
  const { connection, queued, role } = facts
  const isOn = connection.state === 'connected' || connection.state === 'degraded'
  const lines: [string, string | false][] = [
    ['Comes over', isOn && connection.transport !== null && TRANSPORTS[connection.transport]],
    ['Since', connection.since > 0 && connection.state !== 'disconnected' && clockTime(connection.since)],
    ['Waiting to be sent', queued > 0 ? `${queued} ${queued === 1 ? 'change' : 'changes'}` : 'Nothing'],
    ['Held by', ROLES[role]],
  ]
  return lines.filter((line): line is [string, string] => line[1] !== false)
}

function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

function sentences(...parts: (string | false)[]): string {
  return parts.filter(Boolean).join(' ')
}

import {
  type ClientWorld,
  Credentials,
  DirectLink,
  type LinkConnection,
  placeOf,
  RequestError,
  type StreamReader,
} from '@holdfast/client'
import { type EventBase, formatOffset, OFFSET_START, type Offset, parseOffset } from '@holdfast/protocol'

export interface FollowOptions {
  world: ClientWorld
  /** Name of the stream. */
  stream: string
  /** Where to begin. Default: at the start. */
  from?: Offset
  /** Every event once and in order; `offset` is the position after it. */
  onEvent(event: EventBase, offset: Offset): void
  /** Told of a loss, of every wait, and when it is good again. */
  onConnection(connection: LinkConnection): void
  /** Ends the following. */
  signal: AbortSignal
}

/**
 * Follows a stream to its end, through losses of the connection and restarts of the server, without a gap and without
 * telling anything twice. Resolves `ended`, or `aborted` by the signal; rejects with a RequestError when the server
 * refuses, or when it could not be reached for as long as the client's policy tries.
 */
export function followStream(options: FollowOptions): Promise<'ended' | 'aborted'> {
  const { world, stream, onConnection, signal } = options
  const link = new DirectLink({ credentials: new Credentials(world), role: 'alone' })
  return new Promise<'ended' | 'aborted'>((resolve, reject) => {
    if (signal.aborted) return resolve('aborted')
    signal.addEventListener('abort', () => resolve('aborted'))
    let before = link.status.connection
    link.onStatus(() => {
      const { connection, error } = link.status
      const isNew = connection.state !== before.state || connection.retryAt !== before.retryAt
      before = connection
      if (connection.state === 'error') reject(error ?? RequestError.unreachable())
      else if (isNew && connection.state !== 'disconnected') onConnection(connection)
    })
    link.open(stream, readerOf(options, link, { end: () => resolve('ended'), fail: reject }))
  }).finally(() => link.close())
}

function readerOf(
  { stream, from, onEvent }: FollowOptions,
  link: DirectLink,
  over: { end(): void; fail(error: RequestError): void },
): StreamReader {
  let position = from ?? OFFSET_START
  return {
    get position() {
      return position
    },
    receive(frame) {
      const place = placeOf(position, frame)
      if (place === 'gap') link.align(stream, position)
      if (place !== 'next') return
      position = frame.offset
      const events = frame.type === 'events' ? (frame.events as EventBase[]) : []
      for (const [index, event] of events.entries()) onEvent(event, offsetOf(position, events.length - 1 - index))
      if (frame.type === 'sealed') over.end()
    },
    reset: over.fail,
    fail: over.fail,
  }
}

/** The position that many events before another: each takes one place. */
function offsetOf(last: Offset, before: number): Offset {
  const position = parseOffset(last)
  return position ? formatOffset({ ...position, seq: position.seq - before }) : last
}

/** `reconnecting (attempt 2, in 4 s)`, or `null` where there is nothing to say. */
export function describeReconnecting({ state, attempt, retryAt }: LinkConnection, now: number): string | null {
  if (state !== 'reconnecting') return null
  const when = retryAt === null ? 'now' : `in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`
  return `reconnecting (attempt ${attempt}, ${when})`
}

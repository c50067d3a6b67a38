import { type ClientWorld, type Connection, type Decode, RequestError, StreamConnection } from '@holdfast/client'
import { type EventBase, OFFSET_START, type Offset } from '@holdfast/protocol'

export interface FollowOptions {
  world: ClientWorld
  /** Path of the WebSocket. */
  path: string
  decode: Decode
  /** Where to begin. Default: at the start. */
  from?: Offset
  /** Asks the server whether `path` can be read from `offset`; throws RequestError where it cannot. */
  check(offset: Offset, signal: AbortSignal): Promise<unknown>
  /** Every event once and in order; `offset` is the position after the last of them. */
  onEvents(events: EventBase[], offset: Offset): 'ended' | undefined
  /** Told of a loss, of every wait, and when it is good again. */
  onConnection(connection: Connection): void
  /** Ends the following. */
  signal: AbortSignal
}

/**
 * Follows a stream to its end, through losses of the connection and restarts of the server, without a gap and without
 * telling anything twice. Resolves `ended`, or `aborted` by the signal; rejects with a RequestError when the server
 * refuses, or when it could not be reached for as long as the client's policy tries.
 */
export function followStream(options: FollowOptions): Promise<'ended' | 'aborted'> {
  const { world, path, decode, check, onEvents, onConnection, signal } = options
  let position = options.from ?? OFFSET_START
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve('aborted')
    const connection = new StreamConnection({
      world,
      path,
      decode,
      // A socket that never opened does not say why; a request does.
      locate: async (attempt) => {
        await check(position, attempt)
        return position
      },
      onEvents: (events, offset) => {
        position = offset
        return events.length > 0 ? onEvents(events, offset) : undefined
      },
      onChange: (now, error) => {
        if (now.state === 'completed') resolve('ended')
        else if (now.state === 'error') reject(error ?? RequestError.unreachable())
        else onConnection(now)
      },
    })
    signal.addEventListener('abort', () => {
      connection.disconnect()
      resolve('aborted')
    })
    connection.connect()
  })
}

/** `reconnecting (attempt 2, in 4 s)`, or `null` where there is nothing to say. */
export function describeReconnecting({ state, attempt, retryAt }: Connection, now: number): string | null {
  if (state !== 'reconnecting') return null
  const when = retryAt === null ? 'now' : `in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`
  return `reconnecting (attempt ${attempt}, ${when})`
}

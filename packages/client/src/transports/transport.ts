import type { Offset, ServerFrame } from '@holdfast/protocol'
import type { Failure, TransportName } from '../connection-policy.ts'
import type { RequestError } from '../request.ts'
import type { ClientWorld } from '../world.ts'

/** A stream that is to be read. */
export interface Wanted {
  stream: string
  /** The position read from. */
  from: Offset
  /** Asks for its state where each stream has to be asked about again and again. Absent: its events are asked for. */
  poll?: ((signal: AbortSignal) => Promise<void>) | undefined
}

export type Welcome = Extract<ServerFrame, { type: 'welcome' }>

/** Whom a transport serves. Nothing is told after `failed` or `refused`, or after the transport was closed. */
export interface TransportHost {
  readonly world: ClientWorld
  wanted(): Wanted[]
  /** The first word: this transport works. */
  opened(welcome: Welcome | null): void
  frame(frame: ServerFrame): void
  /** It is over. `retryAfterMs`: when the server said to come back. */
  failed(how: Failure, error?: RequestError, retryAfterMs?: number): void
  /** It is over, and another try will not change that. */
  refused(error: RequestError): void
}

/** A way to read the host's streams, all of them on one connection. It takes up what is wanted when it opens. */
export interface Transport {
  readonly name: TransportName
  subscribe(stream: string, from: Offset): void
  unsubscribe(stream: string): void
  /** Sends a frame where frames can be sent; `false` where they cannot. */
  send(frame: object): boolean
  /** Signed in anew. */
  authenticate(token: string): void
  /** Finds out whether it still works, where that is in doubt: after sleep, or another network. */
  check(): void
  close(): void
}

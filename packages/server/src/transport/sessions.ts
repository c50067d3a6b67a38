import { CLOSE, type Clock } from '@holdfast/protocol'
import type { WebSocket } from 'ws'
import type { Hub } from '../hub/hub.ts'
import type { ReadRequest } from './read-request.ts'
import { type SocketEncoding, SocketSession } from './socket-session.ts'

/** A live response over HTTP: server-sent events, or a long-poll that waits. */
export interface LiveResponse {
  /** Bytes held for it. */
  readonly buffered: number
  /** Says what there is to say and ends; the peer comes back with its offset. */
  close(): void
}

/** The live connections of this node: opens them, counts them, and sends them home when the server drains. */
export class Sessions {
  readonly #hub: Hub
  readonly #clock: Clock
  readonly #sockets = new Set<SocketSession>()
  readonly #responses = new Set<LiveResponse>()

  constructor(hub: Hub, clock: Clock) {
    this.#hub = hub
    this.#clock = clock
  }

  /** Reads a stream on a WebSocket, in the given manner of writing. */
  openSocket(socket: WebSocket, { info, from }: ReadRequest, encoding: SocketEncoding): void {
    const options = { hub: this.#hub, clock: this.#clock, stream: info.name, from, encoding }
    const session = new SocketSession(socket, options)
    this.#sockets.add(session)
    socket.once('close', () => this.#sockets.delete(session))
  }

  /**
   * Counts a live response among the connections of its peer's address until the function it answers is called. To be
   * asked before the first byte is written.
   */
  add(response: LiveResponse, _address: string): () => void {
    this.#responses.add(response)
    return () => this.#responses.delete(response)
  }

  get size(): { sockets: number; responses: number } {
    return { sockets: this.#sockets.size, responses: this.#responses.size }
  }

  /** Bytes held for readers that have not taken them yet, over all connections. */
  get buffered(): number {
    let bytes = 0
    for (const session of this.#sockets) bytes += session.buffered
    for (const session of this.#responses) bytes += session.buffered
    return bytes
  }

  /** Tells everybody to come back later, with their offsets. */
  drain(): void {
    for (const session of this.#sockets) session.close(CLOSE.DRAINING)
    for (const session of this.#responses) session.close()
  }
}

import { CLOSE, type Clock } from '@holdfast/protocol'
import type { FastifyReply } from 'fastify'
import type { WebSocket } from 'ws'
import type { Hub } from '../hub/hub.ts'
import type { ReadRequest } from './read-request.ts'
import { type SocketEncoding, SocketSession } from './socket-session.ts'
import { SseSession } from './sse-session.ts'

/** The live connections of this node: opens them, counts them, and sends them home when the server drains. */
export class Sessions {
  readonly #hub: Hub
  readonly #clock: Clock
  readonly #sockets = new Set<SocketSession>()
  readonly #responses = new Set<SseSession>()

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

  /** Reads a stream as server-sent events; takes the reply over, with the headers set on it so far. */
  openSse(reply: FastifyReply, { info, from }: ReadRequest): void {
    reply.hijack()
    const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
    // A proxy that buffers would keep the events to itself. Source: nginx, proxy_buffering.
    reply.raw.writeHead(200, { ...definedHeaders(headers), 'x-accel-buffering': 'no' })
    reply.raw.flushHeaders()
    const session = new SseSession(reply.raw, { hub: this.#hub, clock: this.#clock, stream: info.name, from })
    this.#responses.add(session)
    reply.raw.once('close', () => this.#responses.delete(session))
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

function definedHeaders(headers: Record<string, number | string | string[] | undefined>) {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

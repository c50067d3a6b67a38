import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Hub } from '../hub/hub.ts'
import { processTurn, type Turn } from '../hub/turn.ts'
import type { Limits } from './limits.ts'
import type { ReadRequest } from './read-request.ts'
import { SocketSession } from './socket-session.ts'
import type { Connection } from './websocket/connection.ts'
import { frameEncodingOf, type SocketEncoding } from './websocket/encodings.ts'
import { Heartbeats } from './websocket/heartbeats.ts'
import type { PeerOptions } from './websocket/peer.ts'

/** A live response over HTTP: server-sent events, or a long-poll that waits. */
export interface LiveResponse {
  /** Bytes held for it. */
  readonly buffered: number
  /** Says what there is to say and ends; the peer comes back with its offset. */
  close(): void
}

export interface SessionsOptions {
  hub: Hub
  clock: Clock
  limits: Limits
  turn?: Turn
}

/** A number for each kind of live connection. */
export interface PerKind {
  /** WebSockets for many streams. */
  connections: number
  /** WebSockets on one stream. */
  sockets: number
  /** Server-sent events and long-polls. */
  responses: number
}

/** The live connections of this node: opens them, counts them, and sends them home when the server drains. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #turn: Turn
  readonly #heartbeats: Heartbeats
  readonly #connections = new Set<Connection>()
  readonly #sockets = new Set<SocketSession>()
  readonly #responses = new Set<LiveResponse>()
  readonly #perAddress = new Map<string, number>()
  /** The answers that upgrades would have been refused with. */
  readonly #answers = new WeakMap<Socket, ServerResponse>()
  // One for all, not one each.
  readonly #forgetSocket = (session: SocketSession) => void this.#sockets.delete(session)
  readonly #forgetConnection = (connection: Connection) => void this.#connections.delete(connection)

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#turn = options.turn ?? processTurn
    this.#heartbeats = new Heartbeats(options.clock)
  }

  /**
   * Counts an upgrade among the connections of its peer's address until its socket closes. To be asked before the
   * upgrade; throws TOO_MANY_CONNECTIONS.
   */
  admit(request: FastifyRequest, reply: FastifyReply): void {
    const { socket } = request.raw
    socket.once('close', this.#enter(request.ip))
    this.#answers.set(socket, reply.raw)
  }

  /** Reads a stream on a WebSocket, in the given manner of writing; absent: the frames of the protocol. */
  openSocket(socket: WebSocket, request: FastifyRequest, { info, from }: ReadRequest, encoding?: SocketEncoding): void {
    const peer = this.#peerOf(socket, request)
    const session = new SocketSession(peer, {
      hub: this.#options.hub,
      stream: info.name,
      from,
      encoding: encoding ?? frameEncodingOf(info.contentType),
      onClosed: this.#forgetSocket,
    })
    this.#sockets.add(session)
  }

  /** Opens a WebSocket for many streams. */
  openConnection(
    socket: WebSocket,
    request: FastifyRequest,
    open: (peer: PeerOptions, onClosed: (connection: Connection) => void) => Connection,
  ): void {
    this.#connections.add(open(this.#peerOf(socket, request), this.#forgetConnection))
  }

  /**
   * Counts a live response among the connections of its peer's address until the function it answers is called. To be
   * asked before the first byte is written; throws TOO_MANY_CONNECTIONS.
   */
  add(response: LiveResponse, address: string): () => void {
    const leave = this.#enter(address)
    this.#responses.add(response)
    return () => {
      if (this.#responses.delete(response)) leave()
    }
  }

  get size(): PerKind {
    return { connections: this.#connections.size, sockets: this.#sockets.size, responses: this.#responses.size }
  }

  /** Streams read by the connections for many. */
  get subscriptions(): number {
    return sum(this.#connections, ({ subscriptions }) => subscriptions)
  }

  /** Bytes held for readers that have not taken them yet. */
  get buffered(): PerKind {
    const of = ({ buffered }: { buffered: number }) => buffered
    return {
      connections: sum(this.#connections, of),
      sockets: sum(this.#sockets, of),
      responses: sum(this.#responses, of),
    }
  }

  /** Tells everybody to come back later, with their offsets. */
  drain(): void {
    for (const connection of this.#connections) connection.drain()
    for (const session of this.#sockets) session.drain()
    for (const response of this.#responses) response.close()
  }

  #peerOf(socket: WebSocket, request: FastifyRequest): PeerOptions {
    const raw = request.raw.socket
    // The request and its answer, some 8 KB, would otherwise live as long as the connection.
    this.#answers.get(raw)?.detachSocket(raw)
    this.#answers.delete(raw)
    socket.removeAllListeners('error')
    return {
      socket,
      raw,
      clock: this.#options.clock,
      turn: this.#turn,
      heartbeats: this.#heartbeats,
      limit: this.#options.limits.sendBufferBytes,
    }
  }

  #enter(address: string): () => void {
    const most = this.#options.limits.connectionsPerAddress
    const count = this.#perAddress.get(address) ?? 0
    if (count >= most) {
      throw new HoldfastError('TOO_MANY_CONNECTIONS', `One address has at most ${most} live connections.`)
    }
    this.#perAddress.set(address, count + 1)
    return () => this.#leave(address)
  }

  #leave(address: string): void {
    const left = (this.#perAddress.get(address) ?? 0) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
  }
}

function sum<Item>(items: Iterable<Item>, of: (item: Item) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}

import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyRequest } from 'fastify'
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

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#turn = options.turn ?? processTurn
    this.#heartbeats = new Heartbeats(options.clock)
  }

  /**
   * Counts an upgrade among the connections of its peer's address until its socket closes. To be asked before the
   * upgrade; throws TOO_MANY_CONNECTIONS.
   */
  admit(request: FastifyRequest): void {
    request.raw.socket.once('close', this.#enter(request.ip))
  }

  /** Reads a stream on a WebSocket, in the given manner of writing; absent: the frames of the protocol. */
  openSocket(socket: WebSocket, request: FastifyRequest, { info, from }: ReadRequest, encoding?: SocketEncoding): void {
    const peer = this.#peerOf(socket, request)
    const session = new SocketSession(peer, {
      hub: this.#options.hub,
      stream: info.name,
      from,
      encoding: encoding ?? frameEncodingOf(info.contentType),
    })
    this.#sockets.add(session)
    socket.once('close', () => this.#sockets.delete(session))
  }

  /** Opens a WebSocket for many streams. */
  openConnection(socket: WebSocket, request: FastifyRequest, open: (peer: PeerOptions) => Connection): void {
    const connection = open(this.#peerOf(socket, request))
    this.#connections.add(connection)
    socket.once('close', () => this.#connections.delete(connection))
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
    return {
      socket,
      raw: request.raw.socket,
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

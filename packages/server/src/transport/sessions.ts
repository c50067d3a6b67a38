import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { CLOSE, type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Command } from '../hub/broker/broker.ts'
import type { OnFault } from '../hub/faults.ts'
import type { Hub } from '../hub/hub.ts'
import { processTurn, type Turn } from '../hub/turn.ts'
import type { Credential, Holder } from './credential.ts'
import { Expiries } from './expiries.ts'
import type { Limits } from './limits.ts'
import type { ReadRequest } from './read-request.ts'
import { SocketSession } from './socket-session.ts'
import type { Connection } from './websocket/connection.ts'
import { frameEncodingOf, type SocketEncoding } from './websocket/encodings.ts'
import { Heartbeats } from './websocket/heartbeats.ts'
import type { PeerOptions } from './websocket/peer.ts'

/** A live response over HTTP: server-sent events, or a long-poll that waits. Ends with the token it was asked with. */
export interface LiveResponse {
  /** Bytes held for it. */
  readonly buffered: number
  /** Says what there is to say and ends; the peer comes back with its offset. */
  close(): void
  /** Ends with what is wrong. */
  refuse(error: HoldfastError): void
  /** The server goes: says so and ends. Absent: `close`. */
  drain?(): void
  /** Streams it reads, where it reads many. */
  readonly subscriptions?: number
}

export interface SessionsOptions {
  hub: Hub
  onFault: OnFault
  clock: Clock
  limits: Limits
  turn?: Turn
  /** Whether a credential counts no more. Default: all count. */
  isVoid?: (credential: Credential) => boolean
  /** Whose token that is; `null` for nobody's. `address`: where it came from. Default: nobody's. */
  identify?: (token: string, address: string) => Promise<Holder | null>
  /** Tells the other nodes, where there are any. */
  tell?: (command: Command) => void
}

/** What a connection for many streams tells of itself. */
export interface ConnectionEvents {
  /** It is somebody's with another credential than `before`. */
  onSignedIn: (connection: Connection, before: Credential | null) => void
  /** It is over. */
  onClosed: (connection: Connection) => void
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

/**
 * The live connections of this node: opens them, counts them, ends those of whoever may not have them any more, and
 * sends them home when the server drains.
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #turn: Turn
  readonly #identify: (token: string, address: string) => Promise<Holder | null>
  readonly #heartbeats: Heartbeats
  readonly #connections = new Set<Connection>()
  readonly #sockets = new Set<SocketSession>()
  // With what each was asked.
  readonly #responses = new Map<LiveResponse, Credential | null>()
  readonly #perAddress = new Map<string, number>()
  /** The answers that upgrades would have been refused with. */
  readonly #answers = new WeakMap<Socket, ServerResponse>()
  readonly #expiries: Expiries<Connection | SocketSession | LiveResponse>
  // One for all, not one each.
  readonly #forgetSocket = (session: SocketSession) => {
    this.#sockets.delete(session)
    this.#expiries.remove(session, session.credential?.expiresAt)
  }
  readonly #forgetConnection = (connection: Connection) => {
    this.#connections.delete(connection)
    this.#expiries.remove(connection, connection.credential?.expiresAt)
  }
  readonly #signedIn = (live: Connection | SocketSession, before: Credential | null) => {
    this.#expiries.remove(live, before?.expiresAt)
    this.#watch(live)
  }

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#turn = options.turn ?? processTurn
    this.#identify = options.identify ?? (async () => null)
    this.#heartbeats = new Heartbeats(options.clock)
    this.#expiries = new Expiries(options.clock, expire)
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
      onFault: this.#options.onFault,
      stream: info.name,
      from,
      encoding: encoding ?? frameEncodingOf(info.contentType),
      credential: request.credential,
      address: request.ip,
      identify: this.#identify,
      onSignedIn: this.#signedIn,
      onClosed: this.#forgetSocket,
    })
    this.#sockets.add(session)
    this.#watch(session)
  }

  /** Opens a WebSocket for many streams. */
  openConnection(
    socket: WebSocket,
    request: FastifyRequest,
    open: (peer: PeerOptions, events: ConnectionEvents) => Connection,
  ): void {
    const events = { onSignedIn: this.#signedIn, onClosed: this.#forgetConnection }
    const connection = open(this.#peerOf(socket, request), events)
    this.#connections.add(connection)
    this.#watch(connection)
  }

  /**
   * Counts a live response among the connections of its peer's address until the function it answers is called, and
   * refuses it (`refuse`) once what it was asked with counts no more: a token that expires, a session that is ended. To
   * be asked before the first byte is written; throws TOO_MANY_CONNECTIONS, and UNAUTHENTICATED where that is so already.
   */
  add(response: LiveResponse, { ip, credential }: Pick<FastifyRequest, 'ip' | 'credential'>): () => void {
    if (this.#isVoid(credential)) throw signedOut()
    const expiresAt = credential?.expiresAt ?? null
    if (expiresAt !== null && expiresAt <= this.#options.clock.now()) throw tokenExpired()
    const leave = this.#enter(ip)
    this.#responses.set(response, credential)
    this.#expiries.add(response, expiresAt)
    return () => {
      if (!this.#responses.delete(response)) return
      this.#expiries.remove(response, expiresAt)
      leave()
    }
  }

  get size(): PerKind {
    return { connections: this.#connections.size, sockets: this.#sockets.size, responses: this.#responses.size }
  }

  /** Streams read by the connections and responses for many. */
  get subscriptions(): number {
    const ofConnections = sum(this.#connections, ({ subscriptions }) => subscriptions)
    return ofConnections + sum(this.#responses.keys(), ({ subscriptions = 0 }) => subscriptions)
  }

  /** Bytes held for readers that have not taken them yet. */
  get buffered(): PerKind {
    const of = ({ buffered }: { buffered: number }) => buffered
    return {
      connections: sum(this.#connections, of),
      sockets: sum(this.#sockets, of),
      responses: sum(this.#responses.keys(), of),
    }
  }

  /** Ends every live connection of a principal, on all nodes, whatever it was opened with. They may come back. */
  kick(principal: string): void {
    this.#kickHere(principal)
    this.#options.tell?.({ type: 'session_kick', principal })
  }

  /** What another node told. */
  hear(command: Command): void {
    if (command.type === 'session_kick') this.#kickHere(command.principal)
  }

  /** Ends those that were opened with what counts no more. */
  endVoid(): void {
    for (const connection of this.#connections) {
      if (this.#isVoid(connection.credential)) connection.end(CLOSE.SIGNED_OUT, signedOut())
    }
    for (const session of this.#sockets) {
      if (this.#isVoid(session.credential)) session.end(CLOSE.SIGNED_OUT, signedOut())
    }
    for (const [response, credential] of this.#responses) {
      if (this.#isVoid(credential)) response.refuse(signedOut())
    }
  }

  /** Tells everybody to come back later, with their offsets. */
  drain(): void {
    for (const connection of this.#connections) connection.drain()
    for (const session of this.#sockets) session.drain()
    for (const response of this.#responses.keys()) {
      if (response.drain) response.drain()
      else response.close()
    }
  }

  /** Ends it when what it was opened with counts no more; at once, where that is so already. */
  #watch(live: Connection | SocketSession): void {
    if (this.#isVoid(live.credential)) live.end(CLOSE.SIGNED_OUT, signedOut())
    else this.#expiries.add(live, live.credential?.expiresAt)
  }

  #isVoid(credential: Credential | null): boolean {
    return credential !== null && this.#options.isVoid?.(credential) === true
  }

  #kickHere(principal: string): void {
    for (const connection of this.#connections) {
      if (connection.credential?.principal === principal) connection.end(CLOSE.KICKED)
    }
    for (const session of this.#sockets) {
      if (session.credential?.principal === principal) session.end(CLOSE.KICKED)
    }
    for (const [response, credential] of this.#responses) if (credential?.principal === principal) response.close()
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

function expire(live: Connection | SocketSession | LiveResponse): void {
  if ('refuse' in live) live.refuse(tokenExpired())
  else live.end(CLOSE.TOKEN_EXPIRED, tokenExpired())
}

function tokenExpired(): HoldfastError {
  return new HoldfastError('UNAUTHENTICATED', 'That token has expired.')
}

function signedOut(): HoldfastError {
  return new HoldfastError('UNAUTHENTICATED', 'You were signed out everywhere.')
}

function sum<Item>(items: Iterable<Item>, of: (item: Item) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}

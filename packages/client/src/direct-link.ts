import type { Offset, ServerFrame } from '@holdfast/protocol'
import {
  type ConnectionInput,
  IDLE,
  isOpen,
  isTrying,
  type LinkConnection,
  nextConnection,
  retryDelay,
  type TransportName,
} from './connection-policy.ts'
import type { Credentials } from './credentials.ts'
import type { Append, Appended, Link, LinkStatus, Role, StreamReader } from './link.ts'
import { isBefore } from './position.ts'
import { RequestError, send } from './request.ts'
import { RequestTransport } from './transports/requests.ts'
import type { Transport, TransportHost, Wanted, Welcome } from './transports/transport.ts'
import { WebSocketTransport } from './transports/websocket.ts'

export interface DirectLinkOptions {
  credentials: Credentials
  role: Role
  /** Told what the server says at the beginning. */
  onWelcome?: ((welcome: Welcome) => void) | undefined
}

/** A stream that somebody reads. */
interface Stream {
  readers: Set<StreamReader>
  /** How far it was handed on; `null` until somebody has a position. */
  position: Offset | null
  /** When it was begun again last, and the way to call off that it is done once more. */
  alignedAt: number
  cancelAlign: (() => void) | null
  failures: number
}

interface Waiting {
  resolve(appended: Appended): void
  reject(error: RequestError): void
}

/** Timers of browsers overflow beyond 2^31 ms. */
const LONGEST_TIMER_MS = 24 * 3600 * 1000
/** One stream is begun again at most this often, ms. */
const ALIGN_MS = 250

/**
 * A connection of one's own: does what the policy says (connection-policy.ts), hands on what comes, and goes on with
 * every stream where it was, whatever carries it.
 */
export class DirectLink implements Link {
  readonly #options: DirectLinkOptions
  readonly #streams = new Map<string, Stream>()
  readonly #listeners = new Set<() => void>()
  readonly #appends = new Map<number, Waiting>()
  #status: LinkStatus
  #transport: Transport | null = null
  /** The WebSocket that is tried beside the transport that works. */
  #probe: Transport | null = null
  #cancelTimer: (() => void) | null = null
  #cancelRenewal: (() => void) | null = null
  #unsubscribe: (() => void) | null = null
  #refs = 0
  /** Grows when what was being opened is not wanted any more. */
  #generation = 0

  constructor(options: DirectLinkOptions) {
    this.#options = options
    this.#status = { connection: IDLE, error: null, role: options.role }
  }

  get status(): LinkStatus {
    return this.#status
  }

  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(stream: string, reader: StreamReader): () => void {
    const known = this.#streams.get(stream)
    if (known) known.readers.add(reader)
    else {
      const fresh = { position: null, alignedAt: Number.NEGATIVE_INFINITY, cancelAlign: null, failures: 0 }
      this.#streams.set(stream, { readers: new Set([reader]), ...fresh })
    }
    if (reader.position !== null) this.align(stream, reader.position)
    this.#begin()
    return () => {
      const left = this.#streams.get(stream)
      if (left?.readers.delete(reader) && left.readers.size === 0) this.#leave(stream)
    }
  }

  align(stream: string, position: Offset): void {
    const known = this.#streams.get(stream)
    if (!known) return
    if (known.position === null) {
      known.position = position
      this.#transport?.subscribe(stream, position)
    } else if (isBefore(position, known.position)) {
      this.#beginAgain(stream, known, position)
    }
  }

  append(append: Append): Promise<Appended> {
    this.#begin()
    if (!isOpen(this.#status.connection)) return Promise.reject(this.#status.error ?? RequestError.unreachable())
    this.#refs += 1
    const ref = this.#refs
    if (!this.#transport?.send({ type: 'append', ref, ...append })) return this.#post(append)
    return new Promise((resolve, reject) => this.#appends.set(ref, { resolve, reject }))
  }

  reconnect(): void {
    if (this.#streams.size > 0) this.#input({ type: 'connect' })
  }

  close(): void {
    for (const stream of [...this.#streams.keys()]) this.#leave(stream)
    this.#end()
  }

  /** Somebody signed in anew. */
  authenticate(token: string): void {
    this.#transport?.authenticate(token)
  }

  #begin(): void {
    this.#unsubscribe ??= this.#world.connectivity.subscribe(() => this.#onConnectivity())
    if (this.#status.connection.state === 'disconnected') this.#input({ type: 'connect' })
  }

  #leave(stream: string): void {
    const known = this.#streams.get(stream)
    if (!known) return
    known.cancelAlign?.()
    this.#streams.delete(stream)
    if (known.position !== null) this.#transport?.unsubscribe(stream)
    this.#endWhenIdle()
  }

  #endWhenIdle(): void {
    if (this.#streams.size === 0 && this.#appends.size === 0) this.#end()
  }

  #end(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#input({ type: 'disconnect' })
  }

  get #world() {
    return this.#options.credentials.world
  }

  #onConnectivity(): void {
    if (!this.#world.connectivity.online()) return
    const { connection, error } = this.#status
    this.#transport?.check()
    // Given up for want of a network, and now there is one; an answer of the server's is not asked for again.
    if (connection.state === 'error' && error?.retry !== false) this.#input({ type: 'connect' })
    else this.#input({ type: 'wake' })
  }

  #input(input: ConnectionInput, error?: RequestError): void {
    const { clock, random } = this.#world
    const before = this.#status.connection
    const connection = nextConnection(before, input, clock.now(), random)
    if (connection === before) return
    const known = isOpen(connection) ? null : (error ?? this.#status.error)
    this.#status = { ...this.#status, connection, error: known }
    this.#follow(before, connection)
    for (const listener of [...this.#listeners]) listener()
  }

  /** Brings sockets, requests and timers to where the state is. */
  #follow(before: LinkConnection, now: LinkConnection): void {
    const { clock } = this.#world
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (isTrying(now) && !(isTrying(before) && before.transport === now.transport)) this.#try(now.transport)
    if (!isTrying(now) && !isOpen(now)) this.#drop()
    if (now.state === 'degraded' && now.probeAt !== before.probeAt && before.state === 'degraded')
      void this.#openProbe()
    const dueAt = now.retryAt ?? now.probeAt
    if (dueAt !== null) this.#cancelTimer = clock.after(dueAt - clock.now(), () => this.#input({ type: 'due' }))
  }

  #drop(): void {
    this.#dropProbe()
    this.#transport?.close()
    this.#transport = null
    this.#cancelRenewal?.()
    this.#refuseAppends()
  }

  #dropProbe(): void {
    this.#generation += 1
    this.#probe?.close()
    this.#probe = null
  }

  /** What became of them is not known; they may be sent again. */
  #refuseAppends(): void {
    const waiting = [...this.#appends.values()]
    this.#appends.clear()
    for (const { reject } of waiting) reject(RequestError.unreachable())
  }

  #try(name: TransportName | null): void {
    this.#drop()
    if (name === null) return
    if (name === 'websocket') {
      void this.#openSocket((transport) => {
        this.#transport = transport
      })
    } else {
      this.#transport = new RequestTransport(
        name,
        this.#host(name, () => this.#transport),
      )
    }
  }

  async #openProbe(): Promise<void> {
    this.#dropProbe()
    await this.#openSocket((transport) => {
      this.#probe = transport
    })
  }

  /** Not before a token is there; by then it may not be wanted any more. */
  async #openSocket(keep: (transport: Transport) => void): Promise<void> {
    const generation = this.#generation
    let token: string | undefined
    try {
      token = await this.#options.credentials.token()
    } catch (error) {
      if (this.#generation === generation) this.#onFailed('websocket', 'unreachable', RequestError.from(error))
      return
    }
    if (this.#generation !== generation) return
    let transport: Transport | null = null
    const host = this.#host('websocket', () => transport)
    transport = new WebSocketTransport(host, token)
    keep(transport)
  }

  /** What a transport is told of, and tells. What comes of one that is not used any more is not heard. */
  #host(name: TransportName, self: () => Transport | null): TransportHost {
    const isUsed = () => self() !== null && (self() === this.#transport || self() === this.#probe)
    return {
      world: this.#world,
      wanted: () => this.#wanted(),
      opened: (welcome) => {
        if (!isUsed()) return
        const opened = self()
        if (opened === this.#probe) this.#takeOver()
        this.#input({ type: 'opened', transport: name })
        this.#renewInTime()
        if (welcome) this.#options.onWelcome?.(welcome)
      },
      frame: (frame) => {
        if (isUsed()) this.#receive(frame)
      },
      failed: (how, error, retryAfterMs) => {
        if (!isUsed()) return
        if (self() === this.#probe) this.#probe = null
        else this.#onFailed(name, how, error, retryAfterMs)
      },
      refused: (error) => {
        if (self() === this.#probe) this.#probe = null
        else if (isUsed()) this.#refuse(error)
      },
    }
  }

  #onFailed(
    transport: TransportName,
    how: 'unopened' | 'silent' | 'lost' | 'unreachable',
    error?: RequestError,
    retryAfterMs?: number,
  ): void {
    const isOnline = this.#world.connectivity.online()
    this.#input({ type: 'failed', transport, how, isOnline, retryAfterMs }, error ?? RequestError.unreachable())
  }

  #refuse(error: RequestError): void {
    this.#options.credentials.drop()
    this.#input({ type: 'refused' }, error)
  }

  /** The WebSocket works again, and the transport beside it has done its part. */
  #takeOver(): void {
    const fallback = this.#transport
    this.#transport = this.#probe
    this.#probe = null
    fallback?.close()
  }

  #wanted(): Wanted[] {
    return [...this.#streams].flatMap(([stream, { position, readers }]) => {
      if (position === null) return []
      const asking = [...readers].filter(({ poll }) => poll)
      const poll = asking.length === readers.size ? (signal: AbortSignal) => all(asking, signal) : undefined
      return [{ stream, from: position, poll }]
    })
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'subscribed':
      case 'events':
      case 'up_to_date':
      case 'sealed':
      case 'reset':
        this.#receiveOf(frame.stream, frame)
        break
      case 'appended':
        this.#input({ type: 'received' })
        this.#settle(frame.ref, ({ resolve }) => resolve({ offset: frame.offset }))
        break
      case 'error': {
        const error = RequestError.fromProblem(frame.error)
        if (frame.ref !== undefined) this.#settle(frame.ref, ({ reject }) => reject(error))
        else if (frame.stream !== undefined) this.#failStream(frame.stream, error)
      }
    }
  }

  #receiveOf(stream: string, frame: Extract<ServerFrame, { stream: string; offset: Offset }>): void {
    const known = this.#streams.get(stream)
    if (!known) return
    known.position = frame.offset
    known.failures = 0
    this.#input({ type: 'received' })
    const readers = [...known.readers]
    // Whoever reads it now has its end to take in; whoever comes later begins again.
    if (frame.type === 'sealed') this.#streams.delete(stream)
    for (const reader of readers) {
      if (frame.type === 'reset') reader.reset(RequestError.fromProblem(frame.error))
      else if (frame.type !== 'subscribed' && frame.type !== 'appended') reader.receive(frame)
    }
    if (frame.type === 'sealed') this.#endWhenIdle()
  }

  #failStream(stream: string, error: RequestError): void {
    const known = this.#streams.get(stream)
    if (!known?.position) return
    if (error.retry) {
      known.failures += 1
      const { clock, random } = this.#world
      known.cancelAlign?.()
      known.cancelAlign = clock.after(retryDelay(known.failures, random), () => {
        if (known.position !== null) this.#transport?.subscribe(stream, known.position)
      })
      return
    }
    this.#streams.delete(stream)
    for (const reader of [...known.readers]) reader.fail(error)
    this.#endWhenIdle()
  }

  #beginAgain(stream: string, known: Stream, position: Offset): void {
    const { clock } = this.#world
    const wait = known.alignedAt + ALIGN_MS - clock.now()
    known.position = position
    known.cancelAlign?.()
    const task = () => {
      known.alignedAt = clock.now()
      known.cancelAlign = null
      if (known.position === null) return
      this.#transport?.unsubscribe(stream)
      this.#transport?.subscribe(stream, known.position)
    }
    if (wait <= 0 || wait > ALIGN_MS) task()
    else known.cancelAlign = clock.after(wait, task)
  }

  #settle(ref: unknown, what: (waiting: Waiting) => void): void {
    const waiting = this.#appends.get(ref as number)
    if (!waiting) return
    this.#appends.delete(ref as number)
    what(waiting)
    this.#endWhenIdle()
  }

  async #post({ stream, events, producer, seal }: Append): Promise<Appended> {
    const headers = {
      'content-type': 'application/json',
      'producer-id': producer.id,
      'producer-epoch': String(producer.epoch),
      'producer-seq': String(producer.seq),
      ...(seal && { 'stream-closed': 'true' }),
    }
    const body = JSON.stringify(events)
    const response = await send(this.#world, `/v1/stream/${stream}`, { method: 'POST', headers, body })
    return { offset: response.headers.get('stream-next-offset') ?? '' }
  }

  #renewInTime(): void {
    const { clock } = this.#world
    const { credentials } = this.#options
    this.#cancelRenewal?.()
    this.#cancelRenewal = null
    if (!Number.isFinite(credentials.renewAt)) return
    const wait = Math.min(Math.max(0, credentials.renewAt - clock.now()), LONGEST_TIMER_MS)
    this.#cancelRenewal = clock.after(wait, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    try {
      const token = await this.#options.credentials.token()
      if (token !== undefined) this.#transport?.authenticate(token)
      this.#renewInTime()
    } catch {
      // The server will say so when the old one counts no more; until then the connection is good.
      const { clock, random } = this.#world
      this.#cancelRenewal = clock.after(retryDelay(MAX_RENEWAL_WAIT, random), () => void this.#renew())
    }
  }
}

/** A token that could not be had is asked for again after as long as the fourth attempt waits. */
const MAX_RENEWAL_WAIT = 4

async function all(readers: StreamReader[], signal: AbortSignal): Promise<void> {
  await Promise.all(readers.map((reader) => reader.poll?.(signal)))
}

import type { Offset, ServerFrame } from '@holdfast/protocol'
import {
  type ConnectionInput,
  type Failure,
  IDLE,
  isOpen,
  isTrying,
  type LinkConnection,
  nextConnection,
  PROBE_MS,
  retryDelay,
  type TransportName,
} from './connection-policy.ts'
import type { Credentials } from './credentials.ts'
import { RequestError } from './request.ts'
import type { Transport, TransportHost, Wanted, Welcome } from './transports/transport.ts'
import { WebSocketTransport } from './transports/websocket.ts'

export interface CarrierOptions {
  credentials: Credentials
  /** What is to be read, asked whenever a transport opens. */
  wanted(): Wanted[]
  onFrame(frame: ServerFrame): void
  onWelcome?: ((welcome: Welcome) => void) | undefined
  /** The state has changed. */
  onChange(): void
  /** What was under way on the transport is not answered any more. */
  onDropped(): void
}

/** Timers of browsers overflow beyond 2^31 ms. */
const LONGEST_TIMER_MS = 24 * 3600 * 1000
/** A token that could not be had is asked for again after as long as this attempt waits. */
const RENEWAL_ATTEMPT = 4

/** Does what the policy says (connection-policy.ts): opens and drops transports, waits, tries the WebSocket again. */
export class Carrier {
  readonly #options: CarrierOptions
  #connection = IDLE
  #error: RequestError | null = null
  #transport: Transport | null = null
  /** The WebSocket that is tried beside the transport that works. */
  #probe: Transport | null = null
  #cancelTimer: (() => void) | null = null
  #cancelRenewal: (() => void) | null = null
  #unsubscribe: (() => void) | null = null
  /** Grows when what was being opened is not wanted any more. */
  #generation = 0

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  get connection(): LinkConnection {
    return this.#connection
  }

  get error(): RequestError | null {
    return this.#error
  }

  /** Begins, where it does not yet go on by itself; `isWish`: somebody wants it now. */
  connect(isWish = false): void {
    this.#unsubscribe ??= this.#world.connectivity.subscribe(() => this.#onConnectivity())
    if (isWish || this.#connection.state === 'disconnected') this.#input({ type: 'connect' })
  }

  disconnect(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#input({ type: 'disconnect' })
  }

  /** A word about a stream came through. */
  received(): void {
    this.#input({ type: 'received' })
  }

  subscribe(stream: string, from: Offset): void {
    this.#transport?.subscribe(stream, from)
  }

  unsubscribe(stream: string): void {
    this.#transport?.unsubscribe(stream)
  }

  /** Whether it could be sent as a frame. */
  send(frame: object): boolean {
    return this.#transport?.send(frame) ?? false
  }

  get #world() {
    return this.#options.credentials.world
  }

  #onConnectivity(): void {
    if (!this.#world.connectivity.online()) return
    this.#transport?.check()
    // Given up for want of a network, and now there is one; an answer of the server's is not asked for again.
    const isGivenUp = this.#connection.state === 'error' && this.#error?.retry !== false
    this.#input({ type: isGivenUp ? 'connect' : 'wake' })
  }

  #input(input: ConnectionInput, error?: RequestError): void {
    const { clock, random } = this.#world
    const before = this.#connection
    const now = nextConnection(before, input, clock.now(), random)
    if (now === before) return
    this.#connection = now
    this.#error = isOpen(now) || now.state === 'disconnected' ? null : (error ?? this.#error)
    this.#follow(before, now)
    this.#options.onChange()
  }

  /** Brings sockets, requests and timers to where the state is. */
  #follow(before: LinkConnection, now: LinkConnection): void {
    const { clock } = this.#world
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (isTrying(now) && !(isTrying(before) && before.transport === now.transport)) {
      this.#drop()
      if (now.transport) void this.#open(now.transport)
    } else if (!isTrying(now) && !isOpen(now)) {
      this.#drop()
    }
    const isProbe = now.state === 'degraded' && before.state === 'degraded' && now.probeAt !== before.probeAt
    if (isProbe) {
      this.#dropProbe()
      void this.#open('websocket')
    }
    const dueAt = now.retryAt ?? now.probeAt
    // No wait is longer, whatever a clock says that was set back.
    const wait = (dueAt ?? 0) - clock.now()
    if (dueAt !== null) this.#cancelTimer = clock.after(Math.min(wait, PROBE_MS), () => this.#input({ type: 'due' }))
  }

  #drop(): void {
    this.#dropProbe()
    this.#transport?.close()
    this.#transport = null
    this.#cancelRenewal?.()
    this.#options.onDropped()
  }

  #dropProbe(): void {
    this.#generation += 1
    this.#probe?.close()
    this.#probe = null
  }

  /** Not before what it needs is there; by then it may not be wanted any more. */
  async #open(name: TransportName): Promise<void> {
    const generation = this.#generation
    let open: (host: TransportHost) => Transport
    try {
      if (name === 'websocket') {
        const token = await this.#options.credentials.token()
        open = (host) => new WebSocketTransport(host, token)
      } else {
        const { RequestTransport } = await loadRequests()
        open = (host) => new RequestTransport(name, host)
      }
    } catch (error) {
      if (this.#generation === generation) this.#onFailed(name, 'unreachable', RequestError.from(error))
      return
    }
    if (this.#generation !== generation) return
    let self: Transport | null = null
    self = open(this.#host(name, () => self))
    if (this.#transport) this.#probe = self
    else this.#transport = self
  }

  /** What a transport is told of, and tells. What comes of one that is not used any more is not heard. */
  #host(name: TransportName, self: () => Transport | null): TransportHost {
    const { wanted, onFrame, onWelcome } = this.#options
    return {
      world: this.#world,
      wanted,
      opened: (welcome) => {
        if (self() === this.#probe) this.#takeOver()
        if (self() !== this.#transport) return
        this.#input({ type: 'opened', transport: name })
        this.#renewInTime()
        // Where it will be needed it may not be had any more.
        loadRequests().catch(nothing)
        if (welcome) onWelcome?.(welcome)
      },
      frame: (frame) => {
        if (self() === this.#transport) onFrame(frame)
      },
      failed: (how, error, retryAfterMs) => {
        if (self() === this.#probe) this.#probe = null
        else if (self() === this.#transport) this.#onFailed(name, how, error, retryAfterMs)
      },
      refused: (error) => {
        if (self() === this.#probe) this.#probe = null
        else if (self() === this.#transport) this.#refuse(error)
      },
    }
  }

  #onFailed(transport: TransportName, how: Failure, error = RequestError.unreachable(), retryAfterMs?: number): void {
    // A token that has expired by the server's clock may not have by this one's.
    if (error.kind === 'auth') this.#options.credentials.drop()
    const isOnline = this.#world.connectivity.online()
    this.#input({ type: 'failed', transport, how, isOnline, retryAfterMs }, error)
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

  #renewInTime(): void {
    const { credentials } = this.#options
    this.#renewIn(credentials.renewAt - this.#world.clock.now())
  }

  #renewIn(ms: number): void {
    this.#cancelRenewal?.()
    if (ms === Number.POSITIVE_INFINITY) return
    const wait = Math.min(Math.max(ms, 0), LONGEST_TIMER_MS)
    this.#cancelRenewal = this.#world.clock.after(wait, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const transport = this.#transport
    try {
      const token = await this.#options.credentials.token()
      if (transport !== this.#transport) return
      if (token !== undefined) transport?.authenticate(token)
      this.#renewInTime()
    } catch {
      // The server will say so when the old one counts no more; until then the connection is good.
      if (transport === this.#transport) this.#renewIn(retryDelay(RENEWAL_ATTEMPT, this.#world.random))
    }
  }
}

/** What other transports take: not what a page waits for. */
function loadRequests() {
  return import('./transports/requests.ts')
}

function nothing(): void {}

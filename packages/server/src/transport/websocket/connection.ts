import {
  CLOSE,
  type ClientFrame,
  type Clock,
  HoldfastError,
  isHoldfastError,
  type ServerFrame,
} from '@holdfast/protocol'
import type { Hub } from '../../hub/hub.ts'
import type { StreamLog } from '../../log/stream-log.ts'
import type { StreamRegistry } from '../../log/stream-registry.ts'
import type { Credential } from '../credential.ts'
import type { Limits } from '../limits.ts'
import type { OutsideAppend } from '../outside-append.ts'
import { type AppendFrame, Appends } from './appends.ts'
import { parseClientFrame } from './client-frames.ts'
import { encodeFrame } from './encodings.ts'
import { HEARTBEAT_MS } from './heartbeats.ts'
import { type Goodbye, Peer, type PeerOptions, type PeerUse } from './peer.ts'
import { type Reading, Subscriptions } from './subscriptions.ts'

/** Who is at the other end. Replaced whole when they sign in again. */
export interface Holder {
  /** What they signed in with. */
  readonly credential: Credential | null
  can(action: 'read' | 'append', stream: string): boolean
}

/** What all connections share. */
export interface ConnectionWorld {
  hub: Hub
  log: StreamLog
  registry: StreamRegistry
  outside: OutsideAppend
  limits: Limits
  clock: Clock
  random: () => number
  /** Whose token that is; `null` for nobody's. `address`: where it came from. */
  identify: (token: string, address: string) => Holder | null
}

/** What is of this connection alone. */
export interface Opened {
  holder: Holder
  address: string
  /** It is over. */
  onClosed: (connection: Connection) => void
}

// After a restart everybody comes back within this time, spread over it, and nobody before the server can be up again.
const RETRY_MIN_MS = 500
const RETRY_SPREAD_MS = 4_500
// What the answer to a subscription may hold: a state.
const STATE_WEIGHT = 65_536

/** A peer on `/v1/ws`: reads many streams, appends, signs in again. */
export class Connection implements PeerUse, Reading {
  readonly #world: ConnectionWorld
  readonly #address: string
  readonly #onClosed: (connection: Connection) => void
  readonly peer: Peer
  readonly #subscriptions: Subscriptions
  #appends: Appends | null = null
  #holder: Holder

  constructor(peer: PeerOptions, world: ConnectionWorld, { holder, address, onClosed }: Opened) {
    const { limits, clock } = world
    this.#world = world
    this.#address = address
    this.#holder = holder
    this.#onClosed = onClosed
    this.peer = new Peer(peer, this)
    this.#subscriptions = new Subscriptions(world, this)
    this.#say({
      type: 'welcome',
      protocol: 1,
      time: timeOf(clock),
      heartbeatMs: HEARTBEAT_MS,
      limits: {
        subscriptions: limits.subscriptions,
        frameBytes: limits.requestBytes,
        appendEvents: limits.appendMessages,
      },
    })
  }

  get buffered(): number {
    return this.peer.buffered
  }

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  /** What whoever is at the other end signed in with last. */
  get credential(): Credential | null {
    return this.#holder.credential
  }

  message(text: string | null): { done: Promise<void>; weight: number } | undefined {
    const frame = parseClientFrame(text)
    if (frame.type === 'malformed') {
      this.peer.refuse(frame.error, frame.about)
      return undefined
    }
    if (frame.type !== 'authenticate') this.peer.accept()
    return this.#handle(frame, text ?? '')
  }

  /** Whether its principal may read the stream, as things are now. */
  mayRead(stream: string): boolean {
    return this.#holder.can('read', stream)
  }

  room(): void {
    this.#subscriptions.room()
  }

  heartbeat(): Buffer {
    return heartbeatAt(this.#world.clock.now())
  }

  stop(): void {
    this.#subscriptions.close()
  }

  closed(): void {
    this.#onClosed(this)
  }

  /** Now, and where something is wrong with that first. */
  end(goodbye: Goodbye, error?: HoldfastError): void {
    if (error) this.peer.error(error)
    this.peer.close(goodbye)
  }

  /** The server goes. */
  drain(): void {
    const retryAfterMs = Math.round(RETRY_MIN_MS + RETRY_SPREAD_MS * this.#world.random())
    this.#say({ type: 'drain', retryAfterMs })
    this.peer.close(CLOSE.DRAINING)
  }

  #handle(frame: ClientFrame, text: string): { done: Promise<void>; weight: number } | undefined {
    switch (frame.type) {
      case 'subscribe': {
        const { stream } = frame
        const done = this.#subscriptions.subscribe(frame).catch((error) => this.#fail(error, { stream }))
        return { done, weight: frame.from === 'state' ? STATE_WEIGHT : 0 }
      }
      case 'append':
        return { done: this.#append(frame, text), weight: 0 }
      case 'unsubscribe':
        this.#subscriptions.unsubscribe(frame.stream)
        return undefined
      case 'authenticate':
        this.#authenticate(frame)
        return undefined
      case 'ping':
        this.#say({ type: 'pong', ...refOf(frame), time: timeOf(this.#world.clock) })
        return undefined
    }
  }

  async #append(frame: AppendFrame, text: string): Promise<void> {
    const { stream, ref } = frame
    try {
      if (!this.#holder.can('append', stream)) {
        throw new HoldfastError('FORBIDDEN', `You may not append to "${stream}".`)
      }
      const { log, outside, limits } = this.#world
      this.#appends ??= new Appends({ log, outside, maxEvents: limits.appendMessages })
      this.#say(await this.#appends.append(frame, text))
    } catch (error) {
      this.#fail(error, { stream, ref })
    }
  }

  #authenticate(frame: Extract<ClientFrame, { type: 'authenticate' }>): void {
    const holder = this.#world.identify(frame.token, this.#address)
    if (!holder) {
      this.peer.refuse(new HoldfastError('UNAUTHENTICATED', 'That token is not valid.'), refOf(frame))
      return
    }
    this.peer.accept()
    this.#holder = holder
    this.#say({ type: 'authenticated', ...refOf(frame) })
    this.#subscriptions.check()
  }

  #fail(error: unknown, about: { stream: string; ref?: string | number }): void {
    const known = isHoldfastError(error) ? error : new HoldfastError('INTERNAL_ERROR', undefined, { cause: error })
    this.peer.error(known, about)
  }

  #say(frame: ServerFrame): void {
    this.peer.write(encodeFrame(frame))
  }
}

let lastHeartbeat: { at: number; bytes: Buffer } = { at: Number.NaN, bytes: Buffer.alloc(0) }

/** One for all connections that beat at the same moment. */
function heartbeatAt(at: number): Buffer {
  if (lastHeartbeat.at !== at) {
    lastHeartbeat = { at, bytes: encodeFrame({ type: 'heartbeat', time: new Date(at).toISOString() }) }
  }
  return lastHeartbeat.bytes
}

function timeOf(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}

function refOf({ ref }: { ref?: string | number }): { ref?: string | number } {
  return ref === undefined ? {} : { ref }
}

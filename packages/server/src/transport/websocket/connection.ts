import { CLOSE, type ClientFrame, type Clock, HoldfastError, type ServerFrame } from '@holdfast/protocol'
import { asHoldfastError, knownOf, type OnFault } from '../../hub/faults.ts'
import type { Hub } from '../../hub/hub.ts'
import type { StreamLog } from '../../log/stream-log.ts'
import type { StreamRegistry } from '../../log/stream-registry.ts'
import type { AccessRefusal, Credential, Holder } from '../credential.ts'
import type { Limits } from '../limits.ts'
import { authenticatedFrame, drainFrame, timeOf, welcomeFrame } from '../multiplex/connection-frames.ts'
import { type Reading, Subscriptions } from '../multiplex/subscriptions.ts'
import type { OutsideAppend } from '../outside-append.ts'
import { type AppendFrame, Appends } from './appends.ts'
import { parseClientFrame } from './client-frames.ts'
import { encodeFrame } from './encodings.ts'
import { HEARTBEAT_MS } from './heartbeats.ts'
import { ALL_ATTENTION, type Goodbye, Peer, type PeerOptions, type PeerUse } from './peer.ts'

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
  identify: (token: string, address: string) => Promise<Holder | null>
  /** Somebody was not let do something. */
  onRefused: (refusal: AccessRefusal) => void
  onFault: OnFault
}

/** What is of this connection alone. */
export interface Opened {
  holder: Holder
  address: string
  /** It is somebody's with another credential than `before`. */
  onSignedIn: (connection: Connection, before: Credential | null) => void
  /** It is over. */
  onClosed: (connection: Connection) => void
}

// What the answer to a subscription may hold: a state.
const STATE_WEIGHT = 65_536

/** A peer on `/v1/ws`: reads many streams, appends, signs in again. */
export class Connection implements PeerUse, Reading {
  readonly #world: ConnectionWorld
  readonly #address: string
  readonly #onSignedIn: Opened['onSignedIn']
  readonly #onClosed: Opened['onClosed']
  readonly peer: Peer
  readonly #subscriptions: Subscriptions
  #appends: Appends | null = null
  #holder: Holder

  constructor(peer: PeerOptions, world: ConnectionWorld, { holder, address, onSignedIn, onClosed }: Opened) {
    const { limits, clock } = world
    this.#world = world
    this.#address = address
    this.#holder = holder
    this.#onSignedIn = onSignedIn
    this.#onClosed = onClosed
    this.peer = new Peer(peer, this)
    this.#subscriptions = new Subscriptions(world, this)
    this.#say(welcomeFrame(limits, clock, HEARTBEAT_MS, holder))
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
    return this.#may('read', stream)
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
    this.#say(drainFrame(this.#world.random))
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
        return { done: this.#authenticate(frame), weight: ALL_ATTENTION }
      case 'ping':
        this.#say({ type: 'pong', ...refOf(frame), time: timeOf(this.#world.clock) })
        return undefined
    }
  }

  async #append(frame: AppendFrame, text: string): Promise<void> {
    const { stream, ref } = frame
    try {
      if (!this.#may('append', stream)) {
        throw new HoldfastError('FORBIDDEN', `You may not append to "${stream}".`)
      }
      const { log, outside, limits } = this.#world
      this.#appends ??= new Appends({ log, outside, maxEvents: limits.appendMessages })
      this.#say(await this.#appends.append(frame, text))
    } catch (error) {
      this.#fail(error, { stream, ref })
    }
  }

  async #authenticate(frame: Extract<ClientFrame, { type: 'authenticate' }>): Promise<void> {
    const holder = await this.#world.identify(frame.token, this.#address)
    if (this.peer.isOver) return
    if (!holder) {
      this.peer.refuse(new HoldfastError('UNAUTHENTICATED', 'That token is not valid.'), refOf(frame))
      return
    }
    this.peer.accept()
    const before = this.credential
    this.#holder = holder
    this.#say(authenticatedFrame(holder, frame.ref))
    this.#subscriptions.check()
    this.#onSignedIn(this, before)
  }

  #may(action: 'read' | 'append', stream: string): boolean {
    if (this.#holder.can(action, stream)) return true
    const principal = this.credential?.principal
    this.#world.onRefused({ principal, action, stream, address: this.#address })
    return false
  }

  #fail(error: unknown, about: { stream: string; ref?: string | number }): void {
    // A subscription told of it already.
    const isTold = about.ref === undefined
    const known = isTold ? asHoldfastError(error) : knownOf(error, about.stream, this.#world.onFault)
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

function refOf({ ref }: { ref?: string | number }): { ref?: string | number } {
  return ref === undefined ? {} : { ref }
}

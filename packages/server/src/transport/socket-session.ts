import { CLOSE, type ClientFrame, HoldfastError, type Offset } from '@holdfast/protocol'
import type { Delivery } from '../hub/delivery.ts'
import { knownOf, type OnFault } from '../hub/faults.ts'
import type { Hub, Subscriber, Subscription } from '../hub/hub.ts'
import type { Credential, Holder } from './credential.ts'
import { authenticatedFrame } from './multiplex/connection-frames.ts'
import { parseClientFrame } from './websocket/client-frames.ts'
import { encodeFrame, type SocketEncoding } from './websocket/encodings.ts'
import { ALL_ATTENTION, type Goodbye, Peer, type PeerOptions, type PeerUse } from './websocket/peer.ts'

export interface SocketSessionOptions {
  hub: Hub
  stream: string
  from: Offset | null
  encoding: SocketEncoding
  onFault: OnFault
  /** What it was opened with, and from where. */
  credential: Credential | null
  address: string
  /** Whose token that is; `null` for nobody's. */
  identify: (token: string, address: string) => Promise<Holder | null>
  /** It is somebody's with another credential than `before`. */
  onSignedIn: (session: SocketSession, before: Credential | null) => void
  /** It is over. */
  onClosed: (session: SocketSession) => void
}

/**
 * One WebSocket that reads one stream: delivers, pauses while the peer is slow, and ends with a close code that says
 * whether to come back.
 */
export class SocketSession implements Subscriber, PeerUse {
  readonly #peer: Peer
  readonly #options: SocketSessionOptions
  readonly #subscription: Subscription
  #credential: Credential | null
  #saidUpToDate = false

  constructor(peer: PeerOptions, options: SocketSessionOptions) {
    this.#options = options
    this.#credential = options.credential
    this.#peer = new Peer(peer, this)
    this.#subscription = options.hub.subscribe(options.stream, options.from, this)
  }

  get buffered(): number {
    return this.#peer.buffered
  }

  /** What whoever is at the other end signed in with last. */
  get credential(): Credential | null {
    return this.#credential
  }

  deliver(delivery: Delivery, upToDate: boolean): boolean | 'refused' {
    if (this.#peer.isFull) return 'refused'
    const { encoding } = this.#options
    if (delivery.events.length > 0) this.#peer.write(delivery.encoded(encoding))
    if (upToDate && !this.#saidUpToDate && !delivery.sealed) {
      this.#saidUpToDate = true
      if (encoding.upToDate) this.#peer.write(encoding.upToDate(delivery))
    }
    if (delivery.sealed && encoding.sealed) this.#peer.write(encoding.sealed(delivery))
    return !this.#peer.isFull
  }

  complete(): void {
    this.#peer.closeWhenTaken(CLOSE.COMPLETED)
  }

  fail(error: HoldfastError): void {
    const { stream, onFault } = this.#options
    this.#peer.error(knownOf(error, stream, onFault), { stream })
    if (error.code === 'OFFSET_GONE') this.#peer.closeWhenTaken(CLOSE.OFFSET_GONE)
    else if (error.code === 'NOT_FOUND' || error.code === 'STREAM_GONE') this.#peer.closeWhenTaken(CLOSE.NOT_FOUND)
    else this.#peer.closeWhenTaken(CLOSE.UNAVAILABLE)
  }

  message(text: string | null): { done: Promise<void>; weight: number } | undefined {
    const frame = parseClientFrame(text)
    if (frame.type === 'authenticate') return { done: this.#authenticate(frame), weight: ALL_ATTENTION }
    this.#peer.refuse(new HoldfastError('INVALID_INPUT', 'This connection only reads.'))
    return undefined
  }

  room(): void {
    this.#subscription.resume()
  }

  stop(): void {
    this.#subscription.close()
  }

  closed(): void {
    this.#options.onClosed(this)
  }

  /** Now, and where something is wrong with that first. */
  end(goodbye: Goodbye, error?: HoldfastError): void {
    if (error) this.#peer.error(error)
    this.#peer.close(goodbye)
  }

  async #authenticate(frame: Extract<ClientFrame, { type: 'authenticate' }>): Promise<void> {
    const { stream, address, identify, onSignedIn } = this.#options
    const holder = await identify(frame.token, address)
    if (this.#peer.isOver) return
    if (!holder)
      return this.#peer.refuse(new HoldfastError('UNAUTHENTICATED', 'That token is not valid.'), { ref: frame.ref })
    if (!holder.can('read', stream)) {
      return this.end(CLOSE.FORBIDDEN, new HoldfastError('FORBIDDEN', `You may not read "${stream}".`))
    }
    this.#peer.accept()
    const before = this.#credential
    this.#credential = holder.credential
    this.#peer.write(encodeFrame(authenticatedFrame(holder, frame.ref)))
    onSignedIn(this, before)
  }

  /** The server goes. */
  drain(): void {
    this.#peer.close(CLOSE.DRAINING)
  }
}

import { CLOSE, HoldfastError, type Offset } from '@holdfast/protocol'
import type { Delivery } from '../hub/delivery.ts'
import type { Hub, Subscriber, Subscription } from '../hub/hub.ts'
import type { SocketEncoding } from './websocket/encodings.ts'
import { type Goodbye, Peer, type PeerOptions, type PeerUse } from './websocket/peer.ts'

export interface SocketSessionOptions {
  hub: Hub
  stream: string
  from: Offset | null
  encoding: SocketEncoding
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
  #saidUpToDate = false

  constructor(peer: PeerOptions, options: SocketSessionOptions) {
    this.#options = options
    this.#peer = new Peer(peer, this)
    this.#subscription = options.hub.subscribe(options.stream, options.from, this)
  }

  get buffered(): number {
    return this.#peer.buffered
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
    this.#peer.error(error, { stream: this.#options.stream })
    if (error.code === 'OFFSET_GONE') this.#peer.closeWhenTaken(CLOSE.OFFSET_GONE)
    else if (error.code === 'NOT_FOUND' || error.code === 'STREAM_GONE') this.#peer.closeWhenTaken(CLOSE.NOT_FOUND)
    else this.#peer.closeWhenTaken(CLOSE.UNAVAILABLE)
  }

  message(): undefined {
    this.#peer.refuse(new HoldfastError('INVALID_INPUT', 'This connection only reads.'))
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

  /** The server goes. */
  drain(): void {
    this.#peer.close(CLOSE.DRAINING)
  }
}

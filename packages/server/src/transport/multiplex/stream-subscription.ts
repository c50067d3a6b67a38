import type { EventBase, HoldfastError, Offset } from '@holdfast/protocol'
import type { Delivery, Encoding } from '../../hub/delivery.ts'
import type { Hub, Subscriber, Subscription } from '../../hub/hub.ts'
import type { StreamInfo } from '../../log/stream-log.ts'
import type { FrameSink } from './frame-sink.ts'

/** What a subscription asks of its connection. */
export interface SubscriptionOwner {
  readonly peer: FrameSink
  wait(subscription: StreamSubscription): void
  didRead(subscription: StreamSubscription): void
  ended(subscription: StreamSubscription, error: HoldfastError | null): void
  reset(subscription: StreamSubscription, gone: HoldfastError): Promise<void>
}

/** One stream on a connection of many. */
export class StreamSubscription implements Subscriber {
  readonly stream: string
  /** Has its turn. The owner's to say. */
  isReading = false
  readonly #owner: SubscriptionOwner
  readonly #hub: Hub
  readonly #replacementKey: ((event: EventBase) => string | null) | undefined
  #encoding: Encoding<Buffer> | null = null
  #subscription: Subscription | null = null
  /** What `subscribed` says, as long as it has not been said. */
  #announcement: { contentType: string; sealed: boolean } | null = null
  #saidUpToDate = false
  /** Its position is no more: its next turn is for another one. */
  #gone: HoldfastError | null = null
  #isClosed = false

  constructor(
    owner: SubscriptionOwner,
    hub: Hub,
    stream: string,
    replacementKey: ((event: EventBase) => string | null) | undefined,
  ) {
    this.#owner = owner
    this.#hub = hub
    this.stream = stream
    this.#replacementKey = replacementKey
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Reads from `from` on, when it is its turn. That the subscription stands is said with the first thing read, for only
   * then is it known that the position can be served; with a state, whose position can be, at once.
   */
  begin(info: StreamInfo, from: Offset | null, state?: { state: unknown; version: number }): void {
    this.#announcement = { contentType: info.contentType, sealed: info.sealed }
    if (state && from !== null) this.#announce(from, state)
    this.#start(info, from)
  }

  /** The same from a new position, which the peer has been told. */
  restart(info: StreamInfo, from: Offset): void {
    this.#announcement = null
    this.#saidUpToDate = false
    this.#gone = null
    this.#start(info, from)
  }

  /** It is its turn. */
  read(): void {
    if (this.#gone) void this.#owner.reset(this, this.#gone)
    else this.#subscription?.resume()
  }

  close(): void {
    this.#isClosed = true
    this.#subscription?.close()
  }

  deliver(delivery: Delivery, upToDate: boolean): boolean | 'refused' {
    const { peer } = this.#owner
    if (peer.isFull || this.#encoding === null) {
      this.#owner.wait(this)
      return 'refused'
    }
    const { stream, offset } = delivery
    if (this.#announcement) this.#announce(delivery.after)
    if (delivery.events.length > 0) peer.write(delivery.encoded(this.#encoding))
    if (upToDate && !this.#saidUpToDate && !delivery.sealed) {
      this.#saidUpToDate = true
      peer.say({ type: 'up_to_date', stream, after: offset, offset })
    }
    if (delivery.sealed) peer.say({ type: 'sealed', stream, after: offset, offset })
    if (upToDate || delivery.sealed) {
      this.#owner.didRead(this)
      return true
    }
    // The others of the connection come first.
    this.#owner.wait(this)
    return false
  }

  complete(): void {
    this.#owner.ended(this, null)
  }

  fail(error: HoldfastError): void {
    if (error.code === 'OFFSET_GONE') {
      this.#gone = error
      this.#owner.wait(this)
    } else {
      this.#owner.ended(this, error)
    }
  }

  #start(info: StreamInfo, from: Offset | null): void {
    const { peer } = this.#owner
    this.#encoding = peer.encodingOf(info.contentType)
    const options = {
      held: true,
      ...(this.#replacementKey ? { replacementKey: this.#replacementKey } : {}),
      ...(peer.pageLength === undefined ? {} : { pageLength: peer.pageLength }),
    }
    this.#subscription = this.#hub.subscribe(this.stream, from, this, options)
    this.#owner.wait(this)
  }

  #announce(offset: Offset, state?: { state: unknown; version: number }): void {
    const { stream } = this
    if (!this.#announcement) return
    this.#owner.peer.say({ type: 'subscribed', stream, offset, ...this.#announcement, ...state })
    this.#announcement = null
  }
}

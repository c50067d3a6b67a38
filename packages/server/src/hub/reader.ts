import { conflateTexts, type EventBase, type HoldfastError, type Offset } from '@holdfast/protocol'
import { Delivery } from './delivery.ts'
import { asHoldfastError } from './faults.ts'
import type { Subscriber, Subscription } from './hub.ts'
import type { Topic } from './topic.ts'

export interface ReaderOptions {
  topic: Topic
  from: Offset | null
  subscriber: Subscriber
  replacementKey: ((event: EventBase) => string | null) | undefined
  pageLength: number | undefined
}

/**
 * One reader's place in a stream. Modes: `waiting` (no room, or not begun) -> `catching-up` -> `live`, back to either
 * at any time; `closed` at last.
 */
export class Reader implements Subscription {
  readonly #options: ReaderOptions
  #mode: 'waiting' | 'catching-up' | 'live' | 'closed' = 'waiting'
  #position: Offset | null

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#position = options.from
  }

  get position(): Offset | null {
    return this.#position
  }

  /** Its place while it is live; otherwise `null`. */
  get livePosition(): Offset | null {
    return this.#mode === 'live' ? this.#position : null
  }

  resume(): void {
    if (this.#mode === 'waiting') void this.#catchUp()
  }

  /** Reads by itself what follows its place, where it is live. */
  catchUp(): void {
    if (this.#mode === 'live') void this.#catchUp()
  }

  close(): void {
    if (this.#mode === 'closed') return
    this.#mode = 'closed'
    this.#options.topic.leave(this)
  }

  /** Reading cannot go on. */
  fail(error: HoldfastError): void {
    if (this.#mode === 'closed') return
    this.close()
    this.#options.subscriber.fail(error)
  }

  /**
   * Takes a live delivery, where it is the next one for this reader. Answers `false` where something between is missing
   * (a lost or early signal, or one without its events): the log has it.
   */
  offer(delivery: Delivery): boolean {
    if (this.#mode !== 'live' || this.#position === null) return true
    // A stream may end without a last event: the end is then all there is to tell.
    if (delivery.offset <= this.#position && !delivery.sealed) return true
    // Half of it was read from the log in this very turn.
    const next = delivery.after < this.#position ? delivery.rest(this.#position) : delivery
    if (next?.after !== this.#position || (next.events.length === 0 && !next.sealed)) return false
    this.#deliverLive(next)
    return true
  }

  #deliverLive(delivery: Delivery): void {
    try {
      if (!this.#deliver(delivery, true)) this.#wait()
    } catch (error) {
      // It is this reader's, or its encoding's; the others go on.
      this.fail(asHoldfastError(error))
    }
  }

  async #catchUp(): Promise<void> {
    const { topic, replacementKey, pageLength } = this.#options
    const limit = pageLength === undefined ? undefined : { maxLength: pageLength }
    this.#mode = 'catching-up'
    try {
      while (this.#mode === 'catching-up') {
        const { heard } = topic
        const page = await topic.retry.insist(
          () => topic.log.read(topic.stream, this.#position, limit),
          () => !this.#isClosed(),
        )
        if (!page) return
        const caughtUp = page.upToDate && topic.hasNothingAfter(page, heard)
        const events = replacementKey ? conflateTexts(page.events, replacementKey) : page.events
        const { after, offset, sealed } = page
        const room = this.#deliver(new Delivery({ stream: topic.stream, after, offset, events, sealed }), caughtUp)
        if (!room) return this.#wait()
        if (caughtUp && this.#mode === 'catching-up') this.#mode = 'live'
      }
    } catch (error) {
      this.fail(asHoldfastError(error))
    }
  }

  /** Whether there is room for more. */
  #deliver(delivery: Delivery, upToDate: boolean): boolean {
    const before = this.#position
    // Before the call: whoever closes the subscription within it looks at the position.
    this.#position = delivery.offset
    const room = this.#options.subscriber.deliver(delivery, upToDate)
    if (room === 'refused') {
      this.#position = before
      return false
    }
    if (!delivery.sealed || this.#isClosed()) return room
    this.close()
    this.#options.subscriber.complete()
    return true
  }

  // A method, since the mode changes between two looks: in a read that waits, within a delivery.
  #isClosed(): boolean {
    return this.#mode === 'closed'
  }

  #wait(): void {
    if (this.#mode !== 'closed') this.#mode = 'waiting'
  }
}

import { HoldfastError, type Offset } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'
import { Delivery } from './delivery.ts'

/** All the hub asks of whoever keeps the events: what follows a position (`null`: the start). */
export interface StreamReader {
  read(
    stream: string,
    after: Offset | null,
  ): Promise<{ after: Offset; offset: Offset; events: string[]; upToDate: boolean; sealed: boolean }>
}

/** Somebody who reads a stream: a connection's side of a subscription. */
export interface Subscriber {
  /**
   * Takes the next stretch; it starts where the last one ended, nothing is missing and nothing comes twice.
   * `upToDate` is true on the delivery with which the reader has everything there is, which comes even when it is
   * empty, so that every reader has a position. Answers whether there is room for more; after `false` nothing comes
   * until `resume`.
   */
  deliver(delivery: Delivery, upToDate: boolean): boolean
  /** The stream ended and everything was delivered. The last call. */
  complete(): void
  /** Reading cannot go on (OFFSET_GONE, NOT_FOUND, UNAVAILABLE). The last call. */
  fail(error: HoldfastError): void
}

export interface Subscription {
  /** Position after the last delivery; `null` before the first. */
  readonly position: Offset | null
  /** There is room again. Harmless at any time. */
  resume(): void
  /** No further calls. Harmless when repeated. */
  close(): void
}

interface Topic {
  /** The highest tail heard of since somebody reads; what is at or before it can be read. */
  tail: Offset | null
  readers: Set<Reader>
}

/**
 * Who listens on this node. A reader first catches up from the log and then goes over to live deliveries; the step
 * between the two is taken in one turn of the event loop, against the tail heard of while reading, so nothing falls
 * between. A reader that has no room drops to its position and catches up later, so the hub never queues for anyone.
 */
export class Hub {
  readonly #log: StreamReader
  readonly #topics = new Map<string, Topic>()

  constructor(log: StreamReader) {
    this.#log = log
  }

  /** Reads `stream` from after `from`, or from its start with `null`. Deliveries come later than this call returns. */
  subscribe(stream: string, from: Offset | null, subscriber: Subscriber): Subscription {
    let topic = this.#topics.get(stream)
    if (!topic) {
      topic = { tail: null, readers: new Set() }
      this.#topics.set(stream, topic)
    }
    const reader = new Reader(this.#log, stream, topic, from, subscriber, () => this.#forget(stream, reader))
    topic.readers.add(reader)
    reader.resume()
    return reader
  }

  /** Word of a commit. Costs one look-up for a stream nobody reads. */
  broadcast(committed: readonly Committed[]): void {
    for (const { stream, after, tail, events, sealed } of committed) {
      const topic = this.#topics.get(stream)
      if (!topic) continue
      if (topic.tail === null || topic.tail < tail) topic.tail = tail
      const delivery = new Delivery({ stream, after, offset: tail, events, sealed })
      for (const reader of topic.readers) reader.offer(delivery)
    }
  }

  /** How many streams are read, by how many readers. */
  get size(): { streams: number; readers: number } {
    let readers = 0
    for (const topic of this.#topics.values()) readers += topic.readers.size
    return { streams: this.#topics.size, readers }
  }

  #forget(stream: string, reader: Reader): void {
    const topic = this.#topics.get(stream)
    if (!topic?.readers.delete(reader)) return
    if (topic.readers.size === 0) this.#topics.delete(stream)
  }
}

/** Modes: `waiting` (no room, or not begun) -> `catching-up` -> `live`, back to either at any time; `closed` at last. */
class Reader implements Subscription {
  readonly #log: StreamReader
  readonly #stream: string
  readonly #topic: Topic
  readonly #subscriber: Subscriber
  readonly #onClose: () => void
  #mode: 'waiting' | 'catching-up' | 'live' | 'closed' = 'waiting'
  #position: Offset | null

  constructor(
    log: StreamReader,
    stream: string,
    topic: Topic,
    from: Offset | null,
    subscriber: Subscriber,
    onClose: () => void,
  ) {
    this.#log = log
    this.#stream = stream
    this.#topic = topic
    this.#position = from
    this.#subscriber = subscriber
    this.#onClose = onClose
  }

  get position(): Offset | null {
    return this.#position
  }

  resume(): void {
    if (this.#mode === 'waiting') void this.#catchUp()
  }

  close(): void {
    if (this.#mode === 'closed') return
    this.#mode = 'closed'
    this.#onClose()
  }

  offer(delivery: Delivery): void {
    if (this.#mode !== 'live' || this.#position === null) return
    if (delivery.offset <= this.#position) return
    // Something between is missing (a lost or early signal, or one without its events): the log has it.
    if (delivery.after !== this.#position || delivery.events.length === 0) void this.#catchUp()
    else if (!this.#deliver(delivery, true)) this.#wait()
  }

  async #catchUp(): Promise<void> {
    this.#mode = 'catching-up'
    try {
      while (this.#mode === 'catching-up') {
        const page = await this.#log.read(this.#stream, this.#position)
        if (this.#isClosed()) return
        const tail = this.#topic.tail
        const caughtUp = page.upToDate && (tail === null || tail <= page.offset)
        if (!this.#deliver(new Delivery({ ...page, stream: this.#stream }), caughtUp)) return this.#wait()
        if (caughtUp && this.#mode === 'catching-up') this.#mode = 'live'
      }
    } catch (error) {
      if (this.#isClosed()) return
      this.close()
      this.#subscriber.fail(asHoldfastError(error))
    }
  }

  #deliver(delivery: Delivery, upToDate: boolean): boolean {
    this.#position = delivery.offset
    const room = this.#subscriber.deliver(delivery, upToDate)
    if (!delivery.sealed || this.#isClosed()) return room
    this.close()
    this.#subscriber.complete()
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

function asHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  return new HoldfastError('INTERNAL_ERROR', undefined, { cause: error })
}

import { type EventBase, HoldfastError, type Offset } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'
import { type Delivery, Stretches } from './delivery.ts'
import { Reader } from './reader.ts'
import { type Gathered, processTurn, type Turn } from './turn.ts'

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
   * until `resume`. `'refused'` is that, and this one was not taken either: it comes again.
   */
  deliver(delivery: Delivery, upToDate: boolean): boolean | 'refused'
  /** The stream ended and everything was delivered. The last call. */
  complete(): void
  /** Reading cannot go on (OFFSET_GONE, NOT_FOUND, UNAVAILABLE). The last call. */
  fail(error: HoldfastError): void
}

export interface SubscribeOptions {
  /**
   * With it, pages read from the log are conflated by what it answers (protocol/conflate.ts); live deliveries never
   * are. `after` and `offset` stay those of the full page.
   */
  replacementKey?: (event: EventBase) => string | null
  /** Reads nothing before the first `resume`. */
  held?: boolean
}

export interface Subscription {
  /** Position after the last delivery; `null` before the first. */
  readonly position: Offset | null
  /** There is room again. Harmless at any time. */
  resume(): void
  /** No further calls. Harmless when repeated. */
  close(): void
}

/** A stream with readers. */
export interface Topic {
  readonly stream: string
  /** The highest tail heard of since somebody reads; what is at or before it can be read. */
  tail: Offset | null
  /** Heard of its end since somebody reads. It may end without a last event, at a tail that is known already. */
  sealed: boolean
  readonly readers: Set<Reader>
  /** Heard in this turn and not delivered yet. */
  readonly pending: Stretches
}

/**
 * Who listens on this node. A reader first catches up from the log and then goes over to live deliveries; the step
 * between the two is taken in one turn of the event loop, against the tail heard of while reading, so nothing falls
 * between. A reader that has no room drops to its position and catches up later, so the hub never queues for anyone
 * beyond the end of the turn.
 */
export class Hub implements Gathered {
  readonly #log: StreamReader
  readonly #turn: Turn
  readonly #topics = new Map<string, Topic>()
  #moved: Topic[] = []

  constructor(log: StreamReader, turn: Turn = processTurn) {
    this.#log = log
    this.#turn = turn
  }

  /** Reads `stream` from after `from`, or from its start with `null`. Deliveries come later than this call returns. */
  subscribe(
    stream: string,
    from: Offset | null,
    subscriber: Subscriber,
    { replacementKey, held = false }: SubscribeOptions = {},
  ): Subscription {
    let topic = this.#topics.get(stream)
    if (!topic) {
      topic = { stream, tail: null, sealed: false, readers: new Set(), pending: new Stretches(stream) }
      this.#topics.set(stream, topic)
    }
    const reader = new Reader({ log: this.#log, topics: this.#topics, topic, from, subscriber, replacementKey })
    topic.readers.add(reader)
    if (!held) reader.resume()
    return reader
  }

  /**
   * Word of a commit. Readers are given it at the end of the turn, together with whatever else was committed to the
   * stream by then. Costs one look-up for a stream nobody reads.
   */
  broadcast(committed: readonly Committed[]): void {
    for (const word of committed) {
      const topic = this.#topics.get(word.stream)
      if (!topic) continue
      if (word.removed) {
        removed(topic)
        continue
      }
      if (topic.tail === null || topic.tail < word.tail) topic.tail = word.tail
      if (word.sealed) topic.sealed = true
      if (topic.pending.isEmpty && this.#moved.push(topic) === 1) this.#turn.deliver(this)
      topic.pending.add(word)
    }
  }

  /** Delivers what was told since the last time. The turn calls it. */
  flush(): void {
    const moved = this.#moved
    this.#moved = []
    for (const topic of moved) deliverPending(topic)
  }

  /** Whether anybody on this node reads the stream. */
  hasReaders(stream: string): boolean {
    return this.#topics.has(stream)
  }

  /** How many streams are read, by how many readers. */
  get size(): { streams: number; readers: number } {
    let readers = 0
    for (const topic of this.#topics.values()) readers += topic.readers.size
    return { streams: this.#topics.size, readers }
  }
}

function deliverPending(topic: Topic): void {
  for (const delivery of topic.pending.take()) {
    for (const reader of topic.readers) reader.offer(delivery)
  }
}

/** At once, and not at the end of the turn: whoever subscribes from here on reads what has the name then. */
function removed(topic: Topic): void {
  deliverPending(topic)
  topic.tail = null
  topic.sealed = false
  for (const reader of [...topic.readers]) {
    reader.fail(new HoldfastError('NOT_FOUND', `The stream "${topic.stream}" was deleted.`))
  }
}

import { type Clock, type EventBase, type HoldfastError, type Offset, systemClock } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'
import type { Delivery } from './delivery.ts'
import { Reader } from './reader.ts'
import { Retry } from './retry.ts'
import { type StreamReader, Topic } from './topic.ts'
import { type Gathered, processTurn, type Turn } from './turn.ts'

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
  /** Reading cannot go on (OFFSET_GONE, NOT_FOUND). A log that is out of reach is waited for. The last call. */
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
  /** UTF-16 code units of text in a page read from the log for it; at least one event. Default: as much as the log gives. */
  pageLength?: number
}

export interface Subscription {
  /** Position after the last delivery; `null` before the first. */
  readonly position: Offset | null
  /** There is room again. Harmless at any time. */
  resume(): void
  /** No further calls. Harmless when repeated. */
  close(): void
}

/** Told which streams are read on this node. */
export interface TopicListener {
  opened(stream: string): void
  closed(stream: string): void
}

export interface HubOptions {
  turn?: Turn
  clock?: Clock
  /** Evenly spread from 0 to below 1. Default `Math.random`. */
  random?: () => number
}

/**
 * Who listens on this node. A reader first catches up from the log and then goes over to live deliveries; the step
 * between the two is taken in one turn of the event loop, against the tail heard of while reading, so nothing falls
 * between. A reader that has no room drops to its position and catches up later, so the hub never queues for anyone
 * beyond the end of the turn. While the log cannot be read, readers stay and wait.
 */
export class Hub implements Gathered {
  readonly #log: StreamReader
  readonly #turn: Turn
  readonly #retry: Retry
  readonly #topics = new Map<string, Topic>()
  #moved: Topic[] = []
  #listener: TopicListener | null = null

  constructor(log: StreamReader, { turn = processTurn, clock = systemClock, random = Math.random }: HubOptions = {}) {
    this.#log = log
    this.#turn = turn
    this.#retry = new Retry(clock, random)
  }

  /** One listener, before anybody subscribes. */
  onTopics(listener: TopicListener): void {
    this.#listener = listener
  }

  /** Reads `stream` from after `from`, or from its start with `null`. Deliveries come later than this call returns. */
  subscribe(
    stream: string,
    from: Offset | null,
    subscriber: Subscriber,
    { replacementKey, held = false, pageLength }: SubscribeOptions = {},
  ): Subscription {
    const topic = this.#topics.get(stream) ?? this.#open(stream)
    const reader = new Reader({ topic, from, subscriber, replacementKey, pageLength })
    topic.enter(reader)
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
      if (word.removed) topic.removed()
      else if (topic.add(word) && this.#moved.push(topic) === 1) this.#turn.deliver(this)
    }
  }

  /** Word of what another node or program wrote. What does not come with its events is read from the log. */
  receive(signals: readonly Committed[]): void {
    for (const word of signals) {
      if (word.events.length > 0) this.broadcast([word])
      // Which life of the name was removed only the log knows.
      else if (word.removed) this.#topics.get(word.stream)?.refresh()
      else this.#topics.get(word.stream)?.moved(word.tail, word.sealed)
    }
  }

  /** Where a stream stands according to the log; `null`: there is none. What its readers lack is read. */
  compare(stream: string, found: { tail: Offset; sealed: boolean } | null): void {
    const topic = this.#topics.get(stream)
    if (found) topic?.moved(found.tail, found.sealed)
    else topic?.refresh()
  }

  /** Delivers what was told since the last time. The turn calls it. */
  flush(): void {
    const moved = this.#moved
    this.#moved = []
    for (const topic of moved) topic.flush()
  }

  /** Whether anybody on this node reads the stream. */
  hasReaders(stream: string): boolean {
    return this.#topics.has(stream)
  }

  /** The streams that are read on this node. */
  streams(): string[] {
    return [...this.#topics.keys()]
  }

  /** How many streams are read, by how many readers. */
  get size(): { streams: number; readers: number } {
    let readers = 0
    for (const topic of this.#topics.values()) readers += topic.size
    return { streams: this.#topics.size, readers }
  }

  #open(stream: string): Topic {
    const topic = new Topic({
      stream,
      log: this.#log,
      retry: this.#retry,
      onEmpty: () => {
        this.#topics.delete(stream)
        this.#listener?.closed(stream)
      },
    })
    this.#topics.set(stream, topic)
    this.#listener?.opened(stream)
    return topic
  }
}

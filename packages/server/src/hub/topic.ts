import { HoldfastError, type Offset } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'
import { Delivery, Stretches } from './delivery.ts'
import type { Reader } from './reader.ts'
import type { Retry } from './retry.ts'

/**
 * All the hub asks of whoever keeps the events: what follows a position (`null`: the start). `maxLength`: UTF-16 code units
 * of text, at least one event; absent: as much as it thinks fit.
 */
export interface StreamReader {
  read(
    stream: string,
    after: Offset | null,
    limit?: { maxLength: number },
  ): Promise<{ after: Offset; offset: Offset; events: string[]; upToDate: boolean; sealed: boolean }>
}

export interface TopicOptions {
  stream: string
  log: StreamReader
  retry: Retry
  /** The last reader has left. */
  onEmpty: () => void
}

/**
 * A stream with readers. Whoever is live is given the same deliveries; what they lack, because it was written elsewhere
 * or word of it was lost, is read from the log once for all of them.
 */
export class Topic {
  readonly stream: string
  readonly log: StreamReader
  readonly retry: Retry
  readonly #onEmpty: () => void
  readonly #readers = new Set<Reader>()
  /** Heard in this turn and not delivered yet. */
  readonly #pending: Stretches
  /** The highest tail heard of since somebody reads; what is at or before it can be read. */
  #tail: Offset | null = null
  /** Heard of its end since somebody reads. It may end without a last event, at a tail that is known already. */
  #sealed = false
  #heard = 0
  #isRefreshing = false
  /** How often a refresh was asked for: one that comes while another reads may be of something newer. */
  #asked = 0

  constructor({ stream, log, retry, onEmpty }: TopicOptions) {
    this.stream = stream
    this.log = log
    this.retry = retry
    this.#onEmpty = onEmpty
    this.#pending = new Stretches(stream)
  }

  get size(): number {
    return this.#readers.size
  }

  enter(reader: Reader): void {
    this.#readers.add(reader)
  }

  leave(reader: Reader): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.#onEmpty()
  }

  /** How often a tail was heard of. */
  get heard(): number {
    return this.#heard
  }

  /**
   * Whether a page that reached the tail reached what was heard of meanwhile, too. `heard`: as it was before the page was
   * asked for. What had been heard of by then the log would have had: it was not true, or of a life that is over.
   */
  hasNothingAfter({ offset, sealed }: { offset: Offset; sealed: boolean }, heard: number): boolean {
    return heard === this.#heard || ((this.#tail === null || this.#tail <= offset) && (!this.#sealed || sealed))
  }

  /** Word of a commit, to be delivered at the end of the turn. Answers whether it is the first of this turn. */
  add(word: Committed): boolean {
    this.#note(word.tail, word.sealed)
    const isFirst = this.#pending.isEmpty
    this.#pending.add(word)
    return isFirst
  }

  flush(): void {
    for (const delivery of this.#pending.take()) this.#deliver(delivery)
  }

  /** Where the stream stands. What its live readers lack of it is read; the others find it out by themselves. */
  moved(tail: Offset, sealed: boolean): void {
    this.#note(tail, sealed)
    const from = this.#liveFrom()
    if (from !== null && (tail > from || sealed)) this.refresh()
  }

  /** It was taken away: at once, and not at the end of the turn, for whoever subscribes from here on reads what has the name then. */
  removed(): void {
    this.flush()
    this.#tail = null
    this.#sealed = false
    for (const reader of [...this.#readers]) {
      reader.fail(new HoldfastError('NOT_FOUND', `The stream "${this.stream}" was deleted.`))
    }
  }

  /** Reads what follows for the live readers, once for all of them. */
  refresh(): void {
    this.#asked += 1
    if (this.#isRefreshing) return
    this.#isRefreshing = true
    void this.#read()
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const from = this.#liveFrom()
        if (from === null) return
        const asked = this.#asked
        const page = await this.retry.insist(
          () => this.log.read(this.stream, from),
          () => this.size > 0,
        )
        if (!page) return
        const { after, offset, events, sealed } = page
        if (events.length > 0 || sealed) {
          this.#deliver(new Delivery({ stream: this.stream, after, offset, events, sealed }))
        }
        if (page.upToDate && asked === this.#asked) return
      }
    } catch {
      // Trimmed, deleted, begun anew: each reader learns what became of its own position.
      for (const reader of [...this.#readers]) reader.catchUp()
    } finally {
      // In the same breath as the last look at what was asked for.
      this.#isRefreshing = false
    }
  }

  #deliver(delivery: Delivery): void {
    let isMissed = delivery.events.length === 0 && !delivery.sealed
    for (const reader of this.#readers) if (!reader.offer(delivery)) isMissed = true
    if (isMissed) this.refresh()
  }

  #note(tail: Offset, sealed: boolean): void {
    this.#heard += 1
    if (this.#tail === null || this.#tail < tail) this.#tail = tail
    if (sealed) this.#sealed = true
  }

  /** The place of the live reader that is furthest behind; `null` while none is live. */
  #liveFrom(): Offset | null {
    let from: Offset | null = null
    for (const { livePosition } of this.#readers) {
      if (livePosition !== null && (from === null || livePosition < from)) from = livePosition
    }
    return from
  }
}

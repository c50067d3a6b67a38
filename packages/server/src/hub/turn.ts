/** Something gathered during a turn, to be passed on at its end. */
export interface Gathered {
  /** Passes on everything gathered; called once for each time it was announced. Must not throw. */
  flush(): void
}

/**
 * The end of a turn of the event loop: what was gathered during the turn is delivered, and then written, each once.
 * So ten commits of one turn cost a reader one delivery, and a connection whatever came for it one write. Deliveries
 * go first, since they give the connections something to write.
 *
 * The end is `setImmediate`, which runs right after the callbacks of the same poll: a lone event waits some
 * microseconds, and what the poll brought together stays together. A microtask would end after each callback and
 * gather nothing of what several requests did at once.
 */
export class Turn {
  readonly #atEnd: (task: () => void) => void
  readonly #deliveries: Gathered[] = []
  readonly #writes: Gathered[] = []
  #awaited = false
  readonly #end = () => this.#flush()

  constructor(atEnd: (task: () => void) => void = setImmediate) {
    this.#atEnd = atEnd
  }

  /** `gathered` has deliveries. To be said once until it is flushed. */
  deliver(gathered: Gathered): void {
    this.#deliveries.push(gathered)
    this.#await()
  }

  /** `gathered` has something to write. To be said once until it is flushed. */
  write(gathered: Gathered): void {
    this.#writes.push(gathered)
    this.#await()
  }

  #await(): void {
    if (this.#awaited) return
    this.#awaited = true
    this.#atEnd(this.#end)
  }

  #flush(): void {
    // By index: a flush may announce more, which belongs to this end too.
    for (let index = 0; index < this.#deliveries.length; index += 1) this.#deliveries[index]?.flush()
    this.#deliveries.length = 0
    for (let index = 0; index < this.#writes.length; index += 1) this.#writes[index]?.flush()
    this.#writes.length = 0
    this.#awaited = false
    // A write may have brought word of a commit along, though none does so in the same breath.
    if (this.#deliveries.length > 0) this.#await()
  }
}

/** The one all hubs and connections of a process share unless told otherwise. */
export const processTurn = new Turn()

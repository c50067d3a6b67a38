interface Snapshot {
  state: unknown
  seq: number
  /** Up to where a snapshot is stored; 0 where none is. */
  storedSeq: number
}

/** The states folded last, so that the next look folds only what is new. Bounded: the longest unused goes first. */
export class SnapshotCache {
  readonly #entries = new Map<string, Snapshot>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(incarnation: number, version: number): Snapshot | undefined {
    const key = `${incarnation}/${version}`
    const found = this.#entries.get(key)
    if (found) {
      this.#entries.delete(key)
      this.#entries.set(key, found)
    }
    return found
  }

  set(incarnation: number, version: number, snapshot: Snapshot): void {
    const key = `${incarnation}/${version}`
    const known = this.#entries.get(key)
    if (known && known.seq > snapshot.seq) return
    this.#entries.delete(key)
    this.#entries.set(key, snapshot)
    const oldest = this.#entries.keys().next().value
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest)
  }
}

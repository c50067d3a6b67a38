/** A state as it was folded up to a place. */
export interface Folded {
  state: unknown
  seq: number
  /** Up to where a snapshot is stored; 0 where none is. */
  storedSeq: number
  /** Of its JSON, UTF-8. */
  bytes: number
}

/** The states folded last, so that the next look folds only what is new. Bounded: the longest unused go first. */
export class SnapshotCache {
  readonly #entries = new Map<string, Folded>()
  readonly #capacity: number
  #bytes = 0

  /** `capacity` in bytes of JSON; an entry weighs at least 1 KB. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(incarnation: number, version: number): Folded | undefined {
    const key = `${incarnation}/${version}`
    const found = this.#entries.get(key)
    if (found) {
      this.#entries.delete(key)
      this.#entries.set(key, found)
    }
    return found
  }

  set(incarnation: number, version: number, folded: Folded): void {
    const key = `${incarnation}/${version}`
    const known = this.#entries.get(key)
    if (known && known.seq > folded.seq) return
    this.#drop(key)
    this.#entries.set(key, folded)
    this.#bytes += weight(folded)
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#capacity) break
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry) this.#bytes -= weight(entry)
    this.#entries.delete(key)
  }
}

function weight({ bytes }: Folded): number {
  return Math.max(1024, bytes)
}

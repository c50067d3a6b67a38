import type { Clock } from '@holdfast/protocol'
import type { StreamRow } from './streams-table.ts'

/**
 * When streams end. The last uses of those with a TTL are kept here and written down now and then, so that a read
 * costs no write; whoever asks meanwhile is answered by what is here.
 */
export class LastUse {
  readonly #clock: Clock
  readonly #hasReaders: (stream: string) => boolean
  #deadlines = new Map<number, number>()
  #flushing: ReadonlyMap<number, number> = new Map()

  constructor(clock: Clock, hasReaders: (stream: string) => boolean) {
    this.#clock = clock
    this.#hasReaders = hasReaders
  }

  touch(incarnation: number, ttl: number | null): void {
    if (ttl !== null) this.#deadlines.set(incarnation, this.#clock.now() + ttl * 1000)
  }

  /** When a stream that can expire ends, used now and never again. */
  endAfterUse({ ttl, expires_at }: StreamRow): number | null {
    return ttl === null ? expires_at : this.#clock.now() + ttl * 1000
  }

  /** Exact to the millisecond. With a TTL, a stream that somebody reads live is used as long. */
  isExpired({ id, name, ttl, expires_at: written }: StreamRow): boolean {
    if (written === null) return false
    if (ttl === null) return this.#clock.now() >= written
    const known = this.#deadlines.get(id) ?? this.#flushing.get(id) ?? 0
    if (this.#clock.now() < Math.max(written, known)) return false
    if (!this.#hasReaders(name)) return true
    this.touch(id, ttl)
    return false
  }

  /** What was used since the last call, with its new deadline, written down by `store`. */
  async flush(store: (deadlines: ReadonlyMap<number, number>) => Promise<void>): Promise<void> {
    if (this.#deadlines.size === 0 || this.#flushing.size > 0) return
    this.#flushing = this.#deadlines
    this.#deadlines = new Map()
    try {
      await store(this.#flushing)
    } catch (error) {
      // Nothing is forgotten; what was used in the meantime is newer.
      this.#deadlines = new Map([...this.#flushing, ...this.#deadlines])
      throw error
    } finally {
      this.#flushing = new Map()
    }
  }
}

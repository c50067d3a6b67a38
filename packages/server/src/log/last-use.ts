import type { Clock } from '@holdfast/protocol'
import type { StreamRow } from './streams-table.ts'

// Uses that another process has not written down yet are younger than this, its clock's difference included.
const SLACK_MIN_MS = 2_000
const SLACK_MAX_MS = 5_000

export interface LastUseOptions {
  clock: Clock
  hasReaders: (stream: string) => boolean
  /** Other processes use the streams as well. */
  shared: boolean
}

/** The deadline a stream with a TTL has from its last use here on. */
export interface Deadline {
  name: string
  at: number
}

/**
 * When streams end. The last uses of those with a TTL are kept here and written down now and then, so that a read
 * costs no write; whoever asks meanwhile is answered by what is here. Where others use the streams too, an end is
 * believed only once whatever they know would have been written down.
 */
export class LastUse {
  readonly #options: LastUseOptions
  #deadlines = new Map<number, Deadline>()
  #flushing: ReadonlyMap<number, Deadline> = new Map()

  constructor(options: LastUseOptions) {
    this.#options = options
  }

  touch(incarnation: number, name: string, ttl: number | null): void {
    if (ttl !== null) this.#deadlines.set(incarnation, { name, at: this.#now() + ttl * 1000 })
  }

  /** Whether it has ended by what is written of it, though it may have been used since. */
  isWrittenOff({ expires_at: written }: StreamRow): boolean {
    return written !== null && this.#now() >= written
  }

  /**
   * Exact to the millisecond where this process is alone; otherwise a TTL counts as over some seconds late. With a TTL,
   * a stream that somebody reads live is used as long.
   */
  isExpired({ id, name, ttl, expires_at: written }: StreamRow): boolean {
    if (written === null) return false
    if (ttl === null) return this.#now() >= written
    const known = (this.#deadlines.get(id) ?? this.#flushing.get(id))?.at ?? 0
    if (this.#now() < Math.max(written, known) + this.#slack(ttl)) return false
    if (!this.#options.hasReaders(name)) return true
    this.touch(id, name, ttl)
    return false
  }

  /** What was used since the last call, with its new deadline, written down by `store`. */
  async flush(store: (deadlines: ReadonlyMap<number, Deadline>) => Promise<void>): Promise<void> {
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

  #slack(ttl: number): number {
    if (!this.#options.shared) return 0
    return Math.min(SLACK_MAX_MS, Math.max(SLACK_MIN_MS, ttl * 250))
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

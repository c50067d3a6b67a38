import { type Clock, sleep } from '@holdfast/protocol'
import { isSilence, isStale, troubleOf } from './postgres-errors.ts'

// Deadlocks and old plans: whoever gives way simply runs again, so often.
const GIVE_WAY = 10
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000

export interface PatienceOptions {
  clock: Clock
  random: () => number
  /** How long the store is waited for. */
  patienceMs: number
  /** Statements prepared before may no longer fit. */
  onStale: () => void
  /** A line has fallen silent. */
  onSilence: () => void
}

/** Waits for a store that is out of reach or takes nothing just now, and lets go of what will not do. */
export class Patience {
  readonly #options: PatienceOptions
  readonly #closing = new AbortController()

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /**
   * Tries until it succeeds, the error is final, or time is up, counted from `since`; then throws the last error. An
   * attempt that may have done something, though it failed, must say so by a HoldfastError: it is not made again.
   */
  async insist<T>(attempt: () => Promise<T>, since = this.now()): Promise<T> {
    const { clock, random, patienceMs, onStale, onSilence } = this.#options
    const end = since + patienceMs
    let wait = FIRST_WAIT_MS
    for (let given = 1; ; ) {
      try {
        return await attempt()
      } catch (error) {
        if (isSilence(error)) onSilence()
        const trouble = troubleOf(error)
        if (trouble === 'again' && given < GIVE_WAY) {
          given += 1
          if (isStale(error)) onStale()
          continue
        }
        if (trouble === 'final' || clock.now() + wait > end || this.#closing.signal.aborted) throw error
        // Not all at once when it comes back.
        await sleep(clock, wait * (0.5 + random() / 2), this.#closing.signal).catch(() => {})
        wait = Math.min(LONGEST_WAIT_MS, wait * 2)
      }
    }
  }

  /** Whether what is waited for since then has been waited for long enough. */
  isOver(since: number): boolean {
    return this.now() > since + this.#options.patienceMs
  }

  now(): number {
    return this.#options.clock.now()
  }

  /** Nobody waits any longer. */
  end(): void {
    this.#closing.abort()
  }
}

import { type Clock, isHoldfastError } from '@holdfast/protocol'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2_000

/** Asks a log that cannot be reached again and again: whoever reads stays, and goes on where they were. */
export class Retry {
  readonly #clock: Clock
  readonly #random: () => number

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /** Throws any other error; `null` once it is no longer wanted. */
  async insist<T>(attempt: () => Promise<T>, isWanted: () => boolean): Promise<T | null> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
      try {
        const given = await attempt()
        return isWanted() ? given : null
      } catch (error) {
        if (!isHoldfastError(error, 'UNAVAILABLE')) throw error
        if (!isWanted()) return null
        // Not all at once when it comes back.
        await this.#pause(wait * (0.5 + this.#random() / 2))
        if (!isWanted()) return null
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve, { keepAlive: false })
    })
  }
}

import type { Clock } from '@holdfast/protocol'

// Timers of the platform hold 31 bits; whoever waits longer looks again then.
const LONGEST_MS = 2 ** 31 - 1

/** Timers that are called off together. */
export class Timers {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #open = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `task` once after `ms`; returns the way to call it off. Nothing runs after `close`. */
  after(ms: number, task: () => void): () => void {
    if (!this.#open) return () => {}
    const callOff = this.#clock.after(Math.min(ms, LONGEST_MS), () => {
      this.#waiting.delete(callOff)
      task()
    })
    this.#waiting.add(callOff)
    return () => {
      this.#waiting.delete(callOff)
      callOff()
    }
  }

  /** Runs `task` again and again, `ms` after it was done; where it failed (`false`) after `failedMs`. */
  every(ms: number, task: () => Promise<boolean>, failedMs = ms): void {
    const next = (wait: number) => {
      this.after(wait, () => void task().then((ok) => next(ok ? ms : failedMs)))
    }
    next(ms)
  }

  close(): void {
    this.#open = false
    for (const callOff of this.#waiting) callOff()
    this.#waiting.clear()
  }
}

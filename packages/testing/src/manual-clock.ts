import type { Clock } from '@holdfast/protocol'

interface Timer {
  at: number
  task: () => void
}

/** A clock in the test's hand: time passes when `advance` says so, and timers run in their order. */
export class ManualClock implements Clock {
  #now: number
  #timers = new Set<Timer>()

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(ms: number, task: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), task }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets `ms` pass, running every timer that falls due on the way at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.task()
    }
    this.#now = end
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }
}

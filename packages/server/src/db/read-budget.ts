// What the reads of one turn of the event loop may take together; one that takes longer by itself still runs whole.
const TURN_MS = 10

/**
 * Shares a thread among those who read on it. Reading SQLite holds the thread, and reads that follow one another as
 * promises resolve never let go of it: once those of a turn have taken their time, the others wait for the next turn,
 * in the order they came, and whatever else the thread has to do comes in between.
 */
export class ReadBudget {
  readonly #now: () => number
  readonly #waiting: (() => void)[] = []
  #spent = 0
  #isTurnAwaited = false

  /** `now`: milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does `read` now or in a later turn; answers what it answers. */
  async run<Result>(read: () => Result): Promise<Result> {
    if (this.#spent >= TURN_MS || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    const from = this.#now()
    try {
      return read()
    } finally {
      this.#spent += this.#now() - from
      if (this.#spent < TURN_MS) this.#waiting.shift()?.()
      this.#awaitTurn()
    }
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return
    this.#isTurnAwaited = true
    setImmediate(() => {
      this.#isTurnAwaited = false
      this.#spent = 0
      this.#waiting.shift()?.()
    })
  }
}

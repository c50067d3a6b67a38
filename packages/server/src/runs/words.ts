/**
 * What nodes tell each other of runs. A word may be lost, late or doubled: what it tells stands in the store before it
 * is told, and is looked for there all the same.
 */
export type RunWord =
  /** Runs may be due. */
  | { type: 'runs_due' }
  /** That run is to be cancelled; its row says so. */
  | { type: 'run_cancel'; run: string }

/** Tells the other nodes. What several runs of one turn of the event loop give cause for is told once. */
export class Teller {
  readonly #tell: (word: RunWord) => void
  #awaited = false

  constructor(tell: (word: RunWord) => void) {
    this.#tell = tell
  }

  due(): void {
    if (this.#awaited) return
    this.#awaited = true
    setImmediate(() => this.flush())
  }

  cancel(run: string): void {
    this.#tell({ type: 'run_cancel', run })
  }

  /** Tells now what waits for the end of the turn. */
  flush(): void {
    if (!this.#awaited) return
    this.#awaited = false
    this.#tell({ type: 'runs_due' })
  }
}

/**
 * What nodes tell each other of runs. A word may be lost, late or doubled: what it tells stands in the store before it
 * is told, and is looked for there all the same.
 */
export type RunWord =
  /** Runs may be due. */
  | { type: 'runs_due' }
  /** That run was told something (cancel, pause, a signal) or waits for something that may have come; its rows say so. */
  | { type: 'run_told'; run: string }
  /** That provider has a place free, or was set otherwise. */
  | { type: 'provider_freed'; provider: string }

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

  told(run: string): void {
    this.#tell({ type: 'run_told', run })
  }

  freed(provider: string): void {
    this.#tell({ type: 'provider_freed', provider })
  }

  /** Tells now what waits for the end of the turn. */
  flush(): void {
    if (!this.#awaited) return
    this.#awaited = false
    this.#tell({ type: 'runs_due' })
  }
}

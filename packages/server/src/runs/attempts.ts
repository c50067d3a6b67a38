import type { Attempt } from './attempt.ts'
import type { WorkingRow } from './run-looks.ts'

interface Entry {
  attempt: Attempt
  finished: Promise<void>
}

/** The attempts this process works on, the newest of each run. */
export class Attempts {
  readonly #byRun = new Map<string, Entry>()

  get size(): number {
    return this.#byRun.size
  }

  get(run: string): Attempt | undefined {
    return this.#byRun.get(run)?.attempt
  }

  all(): Attempt[] {
    return [...this.#byRun.values()].map(({ attempt }) => attempt)
  }

  /** Whether this very attempt, by its number, is among them. */
  has({ id, attempt }: { id: string; attempt: number }): boolean {
    return this.get(id)?.run.attempt === attempt
  }

  /** From now until it has finished. An older attempt at the same run is fenced off by that. */
  add(attempt: Attempt, finished: Promise<void>): void {
    const { id } = attempt.run
    this.get(id)?.stop('fenced')
    this.#byRun.set(id, { attempt, finished })
  }

  remove(attempt: Attempt): void {
    const { id } = attempt.run
    if (this.get(id) === attempt) this.#byRun.delete(id)
  }

  /**
   * Stops what the store has in other hands, or wants cancelled. `before` are the attempts there were before the
   * store was asked: of one that came later it knew nothing.
   */
  follow(before: readonly Attempt[], working: readonly WorkingRow[]): void {
    const rows = new Map(working.map((row) => [row.id, row]))
    for (const attempt of before) {
      const row = rows.get(attempt.run.id)
      if (row?.attempt !== attempt.run.attempt) attempt.lose()
      else if (row.cancel_requested_at !== null) attempt.stop('cancelled')
      else attempt.follow({ isPaused: row.paused_at !== null })
    }
  }

  /** When all there are now have finished. */
  async finished(): Promise<void> {
    await Promise.all([...this.#byRun.values()].map(({ finished }) => finished))
  }
}

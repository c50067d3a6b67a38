import { isHoldfastError } from '@holdfast/protocol'
import type { Attempts } from './attempts.ts'
import type { Run } from './run.ts'
import type { RunStore } from './run-store.ts'
import type { Timers } from './timers.ts'

export interface ClaimsOptions {
  store: RunStore
  attempts: Attempts
  timers: Timers
  /** The kinds of run this process knows. */
  names: readonly string[]
  worker: string
  leaseMs: number
  concurrency: number
  /** `crashes` as the claim told; `null` where it is not known whether the run is still this worker's. */
  carryOut: (run: Run, crashes: number | null) => void
  onError: (error: unknown) => void
}

// While the store takes no writes (disk full, unreachable) it is asked again after this.
const STORE_RETRY_MS = 5_000
// A claim that was sent and not answered may be there a moment later.
const UNSURE_RETRY_MS = 1_000
// Another node took a run of the same key at the same moment: a new look sees that, and so often it is taken at once.
const CONFLICTS = 10

/**
 * Claims what is due, for as long as there is room. One look at a time; a wake-up during a look brings another. Between
 * looks it waits for the next wake-up or the time the next run falls due: it never polls.
 */
export class Claims {
  readonly #options: ClaimsOptions
  #looking: Promise<void> | null = null
  #claiming: Promise<unknown> = Promise.resolve()
  #again = false
  #isOpen = true
  #isLost = false
  #callOffDue: (() => void) | null = null

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /** Something may be due. Cheap, at any time. */
  wake(): void {
    if (!this.#isOpen || this.#options.names.length === 0) return
    this.#again = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
      // Asked for between the last look and here: nobody else would look.
      if (this.#again) this.wake()
    })
  }

  /** The store has runs as this worker's that nobody works on: claims that were never answered. */
  findLost(): void {
    this.#isLost = true
    this.wake()
  }

  /** Resolves when the claim that is under way, if one is, has been answered and taken up. */
  async answered(): Promise<void> {
    await this.#claiming.catch(() => {})
  }

  /** Claims nothing more; resolves when nothing is being claimed. Whether claims may have been lost. */
  async close(): Promise<boolean> {
    this.#isOpen = false
    this.#again = false
    await this.#looking
    return this.#isLost
  }

  async #look(): Promise<void> {
    for (let conflicts = 0; this.#again && this.#isOpen; ) {
      this.#again = false
      try {
        if (this.#isLost) await this.#takeUpLost()
        await this.#claimDue()
      } catch (error) {
        if (isHoldfastError(error, 'CONFLICT') && conflicts < CONFLICTS) {
          conflicts += 1
          this.#again = true
        } else this.#lookLater(error)
      }
    }
  }

  async #claimDue(): Promise<void> {
    const { store, attempts, names, worker, leaseMs, concurrency, carryOut } = this.#options
    while (attempts.size < concurrency && this.#isOpen) {
      const claiming = store.claim(names, worker, leaseMs)
      this.#claiming = claiming
      const { run, crashes, nextDueMs } = await claiming
      if (run) carryOut(run, crashes)
      else return this.#wakeWhenDue(nextDueMs)
    }
  }

  /** No claim is under way meanwhile, so whatever is not worked on was lost. */
  async #takeUpLost(): Promise<void> {
    const { store, attempts, names, worker, carryOut } = this.#options
    const runs = await store.runsOf(worker)
    this.#isLost = false
    for (const run of runs) if (!attempts.has(run) && names.includes(run.name)) carryOut(run, null)
  }

  #lookLater(error: unknown): void {
    const { timers, onError } = this.#options
    onError(error)
    const isUnsure = isHoldfastError(error, 'OUTCOME_UNKNOWN')
    if (isUnsure) this.#isLost = true
    timers.after(isUnsure ? UNSURE_RETRY_MS : STORE_RETRY_MS, () => this.wake())
  }

  #wakeWhenDue(ms: number | null): void {
    this.#callOffDue?.()
    this.#callOffDue = ms === null ? null : this.#options.timers.after(ms, () => this.wake())
  }
}

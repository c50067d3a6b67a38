import { type HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, type Write, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import type { Attempts } from './attempts.ts'
import { tell } from './journal.ts'
import type { Run } from './run.ts'
import type { Candidate, Kind } from './run-looks.ts'
import { toRun } from './run-rows.ts'
import type { RunStore } from './run-store.ts'
import type { Timers } from './timers.ts'

export interface ClaimsOptions {
  db: Database
  log: StreamLog
  store: RunStore
  attempts: Attempts
  timers: Timers
  /** The kinds of run this process knows. */
  kinds: readonly Kind[]
  worker: string
  leaseMs: number
  concurrency: number
  /** `crashes` as the claim told; `null` where it is not known whether the run is still this worker's. */
  carryOut: (run: Run, crashes: number | null) => void
  /** The time of that run has come: it is woken. */
  onTime: (run: Run) => Promise<void>
  onError: (error: unknown) => void
}

// While the store takes no writes (disk full, unreachable) it is asked again after this.
const STORE_RETRY_MS = 5_000
// A claim that was sent and not answered may be there a moment later.
const UNSURE_RETRY_MS = 1_000
// Others were at the same runs at the same moment: a new look sees others, and so often it is taken at once.
const CONFLICTS = 10
// So many are claimed side by side, in one fsync.
const AT_ONCE = 32
const WOKEN_AT_ONCE = 100

/** Begins an attempt, and tells so. The first statement of the first write gives the run. */
export function claimWrites(
  { store, log }: { store: RunStore; log: StreamLog },
  candidate: Candidate,
  worker: string,
  leaseMs: number | null,
): Write[] {
  const { id, attempt } = candidate
  return [
    write(store.claim(candidate, worker, leaseMs), store.attemptBegan(id, worker)),
    tell(log, id, { type: 'working', attempt: attempt + 1, worker }),
  ]
}

/**
 * Claims what is due, for as long as there is room. One look at a time; a wake-up during a look brings another. Between
 * looks it waits for the next wake-up or the time that makes the next run ready: it never polls.
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
    if (!this.#isOpen) return
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

  /** Resolves when the claims that are under way, if any are, have been answered and taken up. */
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
        await this.#wakeThoseDue()
        if ((await this.#claimDue()) && conflicts < CONFLICTS) {
          conflicts += 1
          this.#again = true
        }
      } catch (error) {
        this.#lookLater(error)
      }
    }
  }

  /** What time makes ready. */
  async #wakeThoseDue(): Promise<void> {
    const { store, onTime } = this.#options
    for (;;) {
      const wait = await store.nextWake()
      if (wait === null || wait > 0) return this.#wakeWhenDue(wait)
      const due = await store.waking(WOKEN_AT_ONCE)
      await Promise.all(due.map(onTime))
      // Others were at them too; what is left is seen by the look that follows.
      if (due.length === 0) return
    }
  }

  /** Whether others were at the same runs, so that a new look may find more. */
  async #claimDue(): Promise<boolean> {
    const { store, attempts, kinds, concurrency } = this.#options
    let conflicted = false
    while (attempts.size < concurrency && this.#isOpen && kinds.length > 0) {
      const room = Math.min(concurrency - attempts.size, AT_ONCE)
      const found = await store.candidates(kinds, room, false)
      if (found.length === 0) return false
      const claiming = Promise.all(found.slice(0, room).map((candidate) => this.#claim(candidate)))
      this.#claiming = claiming
      const claimed = await claiming
      conflicted = claimed.some((error) => error !== null)
      if (conflicted) return true
    }
    return false
  }

  /** Takes that run; answers why not where another was first. */
  async #claim(candidate: Candidate): Promise<HoldfastError | null> {
    const { db, worker, leaseMs, carryOut } = this.#options
    try {
      const [result] = await db.commit(claimWrites(this.#options, candidate, worker, leaseMs))
      const row = result?.[0]?.[0]
      if (row) carryOut(toRun(row), Number(row.crashes))
      return null
    } catch (error) {
      if (isHoldfastError(error, 'CONFLICT')) return error
      throw error
    }
  }

  /** No claim is under way meanwhile, so whatever is not worked on was lost. */
  async #takeUpLost(): Promise<void> {
    const { store, attempts, kinds, worker, carryOut } = this.#options
    const runs = await store.runsOf(worker)
    this.#isLost = false
    const isKnown = (run: Run) => kinds.some(([name, version]) => run.name === name && run.version === version)
    for (const run of runs) if (!attempts.has(run) && isKnown(run)) carryOut(run, null)
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

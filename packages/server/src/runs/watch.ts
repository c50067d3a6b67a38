import { type Clock, isHoldfastError } from '@holdfast/protocol'
import { type Database, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { type RunEventInput, tell } from './journal.ts'
import { livenessOf } from './lifecycle.ts'
import { freedBy, type LimitStore } from './limit-store.ts'
import type { Liveness } from './run.ts'
import type { WatchedRun } from './run-looks.ts'
import type { RunStore } from './run-store.ts'
import type { StepStore } from './step-store.ts'
import type { Timers } from './timers.ts'

export interface WatchOptions {
  db: Database
  log: StreamLog
  store: RunStore
  steps: StepStore
  limits: LimitStore
  timers: Timers
  clock: Clock
  worker: string
  /** This process alone uses the store: nobody but programs outside can be lost. */
  exclusive: boolean
  /** A change is due: to renew what is one's own, and, once that was answered, to `look`. */
  onDue: () => void
  /** What is told of a run has changed. */
  onChanged: (run: WatchedRun, liveness: Liveness) => void
  /** A place at that provider, which a lost attempt had, is free. */
  onFreed: (provider: string) => void
  onError: (error: unknown) => void
}

// One that has ended and could not be taken is being written at this moment.
const RETRY_MS = 1_000

/**
 * Watches whatever works, on this node and elsewhere, and says when it falls silent: quiet, stalled, and, when its lease
 * has ended, lost. It looks when the next change is due and not before.
 */
export class Watch {
  readonly #options: WatchOptions
  #callOff: (() => void) | null = null
  #lookAt = Number.POSITIVE_INFINITY
  /** Until then leases that ran out say nothing: those who hold them could not renew them either. */
  #trustedFrom = 0
  #looking: Promise<void> | null = null

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Something works that may fall silent after that much time. */
  within(ms: number): void {
    const { clock, timers, onDue } = this.#options
    const at = clock.now() + ms
    if (at >= this.#lookAt) return
    this.#callOff?.()
    this.#lookAt = at
    this.#callOff = timers.after(ms, onDue)
  }

  /** The store was away: nobody is lost before that much time has passed. */
  trustIn(ms: number): void {
    this.#trustedFrom = this.#options.clock.now() + ms
  }

  /**
   * Looks at all that work, and comes again when the first of them changes. Only right after a write that was answered:
   * otherwise those who are lost may be in the same trouble. Never rejects.
   */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error) => {
        this.#options.onError(error)
        this.within(RETRY_MS)
      })
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  async #look(): Promise<void> {
    this.#callOff?.()
    this.#callOff = null
    this.#lookAt = Number.POSITIVE_INFINITY
    const waits = await Promise.all((await this.#options.store.working()).map((run) => this.#judge(run)))
    const next = Math.min(...waits)
    if (next !== Number.POSITIVE_INFINITY) this.within(Math.max(1, next))
  }

  /** Tells what has changed; in how many milliseconds it changes next. */
  async #judge(run: WatchedRun): Promise<number> {
    const { liveness, changesIn } = livenessOf(run)
    const { worker, exclusive, clock } = this.#options
    if (liveness !== 'lost') {
      if (liveness !== run.liveness) await this.#tell(run, liveness)
      return changesIn
    }
    // Whoever looks is alive, and renews what is its own; where nobody else is, only programs outside can be lost.
    if (run.worker === worker || (exclusive && !run.isOutside)) return Number.POSITIVE_INFINITY
    const patience = this.#trustedFrom - clock.now()
    if (patience > 0) return patience
    return (await this.lose(run, false)) ? Number.POSITIVE_INFINITY : RETRY_MS
  }

  /** Takes it from its worker; `anyway`: also before its lease has ended. `false` where it stands otherwise by now. */
  async lose(run: WatchedRun, anyway: boolean): Promise<boolean> {
    const { store, steps, limits } = this.#options
    const { id, attempt } = run
    const statements = [
      store.lose(run, anyway),
      store.attemptEnded(run, 'lost'),
      steps.leaveUnsettled(run),
      limits.giveBackAll(run),
    ]
    return this.#change(run, 'lost', write(...statements), { type: 'lost', attempt }, id)
  }

  async #tell(run: WatchedRun, liveness: Liveness): Promise<void> {
    const { id, attempt, worker } = run
    const since = new Date(Math.min(run.heardAt, run.leaseUntil - run.leaseMs)).toISOString()
    const event: RunEventInput =
      liveness === 'working'
        ? { type: 'working', attempt, worker: worker ?? '' }
        : { type: liveness === 'quiet' ? 'quiet' : 'stalled', attempt, since }
    await this.#change(run, liveness, write(this.#options.store.liveness(run, liveness)), event, id)
  }

  async #change(
    run: WatchedRun,
    liveness: Liveness,
    change: ReturnType<typeof write>,
    event: RunEventInput,
    id: string,
  ): Promise<boolean> {
    const { db, log, onChanged, onFreed } = this.#options
    try {
      const result = await db.commit([change, tell(log, id, event)])
      for (const provider of freedBy(result)) onFreed(provider)
    } catch (error) {
      // Another node was first, it was heard of, or it has ended.
      if (isHoldfastError(error, 'CONFLICT') || isHoldfastError(error, 'STREAM_SEALED')) return false
      throw error
    }
    onChanged(run, liveness)
    return true
  }
}

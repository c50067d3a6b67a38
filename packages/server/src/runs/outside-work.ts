import { type Clock, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { RunWait } from '@holdfast/protocol/runs'
import { type Database, type Write, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { claimWrites } from './claims.ts'
import type { Ending } from './ending.ts'
import { type RunEventInput, tell } from './journal.ts'
import type { LimitStore } from './limit-store.ts'
import { OutsideClaims } from './outside-claims.ts'
import { OutsideMeters } from './outside-meters.ts'
import { OutsideSteps, type StepReport } from './outside-steps.ts'
import type { ProgressReport } from './progress.ts'
import type { Outcome, Run } from './run.ts'
import type { Candidate, Kind } from './run-looks.ts'
import { toRun } from './run-rows.ts'
import type { RunStore } from './run-store.ts'
import type { StepStore } from './step-store.ts'
import { queuedEvent } from './wakes.ts'

/** Which attempt reports: once it is not the one any more, FENCED, and nothing is changed. */
export interface Fence {
  runId: string
  attempt: number
}

/** What whoever reports is told each time. */
export interface ReportReceipt {
  /** A person has cancelled it: stop, and finish as `cancelled`. */
  cancelRequested: boolean
  /** A person has paused it: begin no step, and give signs of life, until it is not paused any more. */
  paused: boolean
  /** Of a report of a step: how that stands now. Once `unknown` the attempt is over: a person decides. */
  step?: { status: 'working' | 'done' | 'failed' | 'unknown'; output?: unknown }
}

export interface ClaimRequest {
  worker: string
  kinds: readonly Kind[]
  leaseMs: number
}

export interface OutsideWorkOptions {
  db: Database
  log: StreamLog
  clock: Clock
  store: RunStore
  steps: StepStore
  limits: LimitStore
  ending: Ending
  /** A run stands otherwise, or is further. */
  changed: (run: Run, percent?: number) => void
  /** It was claimed: it is to be watched. */
  onClaimed: (run: Run) => void
  /** It is queued again. */
  onQueued: (run: Run) => void
  /** Whatever it waits for may have come in the meantime. */
  recheck: (run: string) => void
  /** Told whenever something may be due. Returns the way to stop listening. */
  onWake: (listener: () => void) => () => void
}

/** What a report is made of: all of it, or nothing, under the attempt's fence. */
export interface Report {
  writes?: readonly Write[]
  events?: readonly RunEventInput[]
  progressed?: boolean
  progress?: string
  percent?: number
}

// A run whose workers died this often without getting on is not given out any more by itself.
const CRASHES_MAX = 5

/**
 * Work that none of our servers does: a program elsewhere claims a run, holds its lease and says over HTTP how it gets on.
 * Each report is under the fence of its attempt and is one commit; sent again it is the same report.
 */
export class OutsideWork {
  readonly #options: OutsideWorkOptions
  readonly #claims: OutsideClaims
  readonly #steps: OutsideSteps
  readonly #meters: OutsideMeters

  constructor(options: OutsideWorkOptions) {
    this.#options = options
    this.#meters = new OutsideMeters(options.clock)
    this.#steps = new OutsideSteps({ ...options, work: this })
    this.#claims = new OutsideClaims({
      clock: options.clock,
      onWake: options.onWake,
      candidates: (kinds, most) => options.store.candidates(kinds, most, true),
      take: (candidate, request) => this.#take(candidate, request),
      giveBack: (run) => this.#giveBack(run),
    })
  }

  /**
   * The next due run of these kinds, now this worker's; `null` where none came within `waitMs`, or `signal` was aborted.
   * It waits for word of runs that fall due, and asks the store only then.
   */
  async claim(request: ClaimRequest, waitMs: number, signal: AbortSignal): Promise<Run | null> {
    const { db, store } = this.#options
    const { worker, kinds, leaseMs } = request
    await db.commit([store.seen(worker, kinds, leaseMs + waitMs, true)])
    return this.#claims.claim(request, waitMs, signal)
  }

  /** Takes just that run for a worker who starts it; `null` where it may not begin now. */
  async begin(run: Run, worker: string, leaseMs: number): Promise<Run | null> {
    const { db, store } = this.#options
    const kinds: Kind[] = [[run.name, run.version]]
    await db.commit([store.seen(worker, kinds, leaseMs, true)])
    return this.#take({ id: run.id, attempt: run.attempt }, { worker, kinds, leaseMs })
  }

  /** A sign of life, that renews the lease. */
  async heartbeat(fence: Fence): Promise<ReportReceipt> {
    const run = await this.working(fence)
    const { worker, name, version, leaseMs } = run
    const seen = this.#options.store.seen(worker ?? '', [[name, version]], leaseMs, true)
    return this.report(run, { writes: [seen] })
  }

  /** How far it is. INVALID_INPUT for what is no count. */
  async progress(fence: Fence, given: ProgressReport): Promise<ReportReceipt> {
    const run = await this.working(fence)
    const progress = this.#meters.report(run, given)
    const events = [{ type: 'progress', progress } as const]
    return this.report(run, { events, progressed: true, progress: JSON.stringify(progress), percent: progress.percent })
  }

  /** A step began, is done, or failed. */
  async step(fence: Fence, report: StepReport): Promise<ReportReceipt> {
    return this.#steps.report(await this.working(fence), report)
  }

  /** A line for the run's log; under one `id` it is told once. */
  async log(
    fence: Fence,
    { level, message, id }: { level: LogLevel; message: string; id?: string },
  ): Promise<ReportReceipt> {
    const run = await this.working(fence)
    const events = [{ type: 'log', level, message } as const]
    if (id === undefined) return this.report(run, { events })
    if (await this.#steps.isMarked(run, `@log:${id}`)) return this.report(run, {})
    return this.report(run, { events, writes: [this.#steps.mark(run, `@log:${id}`)] })
  }

  /** Ends the run. CANCELLED where a cancel was acknowledged and it is to end otherwise. */
  async finish(fence: Fence, outcome: Outcome): Promise<ReportReceipt> {
    const { store, ending } = this.#options
    const now = await store.get(fence.runId)
    // The same report, sent again.
    if (now?.endedAt !== null && now?.attempt === fence.attempt && now.status === outcome.status) return receiptOf(now)
    const run = await this.working(fence)
    await ending.commit({ run, outcome, definition: undefined })
    this.#meters.forget(run)
    return receiptOf(run)
  }

  /** Nobody waits for a run any more. */
  close(): void {
    this.#claims.close()
  }

  /** The run of a fence. NOT_FOUND, FENCED. */
  async working({ runId, attempt }: Fence): Promise<Run> {
    const run = await this.#options.store.get(runId)
    if (!run) throw new HoldfastError('NOT_FOUND', `There is no run "${runId.slice(0, 100)}".`)
    if (run.status === 'working' && run.isOutside && run.attempt === attempt) return run
    throw new HoldfastError('FENCED', `Attempt ${attempt} of run ${runId} is not the one that works.`)
  }

  /** Commits a report, a sign of life by itself. */
  async report(
    run: Run,
    { writes = [], events = [], progressed = false, progress, percent }: Report,
  ): Promise<ReportReceipt> {
    const { db, log, store, changed } = this.#options
    const fence = write(store.fence(run, progressed, progress ?? null))
    const told = events.length === 0 ? [] : [tell(log, run.id, ...events)]
    const result = await db.commit([fence, ...writes, ...told])
    const liveness = result[0]?.[0]?.[0]?.liveness as Run['liveness'] | undefined
    if (liveness !== undefined && liveness !== 'working') await this.#heard({ ...run, liveness })
    if (events.length > 0) changed(run, percent)
    return receiptOf((await store.get(run.id)) ?? run)
  }

  /** The attempt is over, and the run waits; in one commit with `writes` and `events`. */
  async suspend(run: Run, waits: readonly RunWait[], { writes = [], events = [] }: Report): Promise<void> {
    const { db, log, store, limits, changed, recheck } = this.#options
    const statements = [
      store.suspend(run, null, false),
      ...store.setWaits(run, waits),
      store.attemptEnded(run, 'waiting'),
      limits.giveBackAll(run),
    ]
    const told = tell(log, run.id, ...events, { type: 'waiting', waits: [...waits] })
    await db.commit([write(...statements), ...writes, told])
    this.#meters.forget(run)
    changed({ ...run, status: 'waiting' })
    recheck(run.id)
  }

  /** Claims that run; `null` where another was first, or it waits for a person from now on. */
  async #take(candidate: Candidate, { worker, leaseMs }: ClaimRequest): Promise<Run | null> {
    const { db, onClaimed } = this.#options
    try {
      const result = await db.commit(claimWrites(this.#options, candidate, worker, leaseMs))
      const row = result[0]?.[0]?.[0]
      if (!row) return null
      const run = toRun(row)
      const crashes = Number(row.crashes)
      if (crashes >= CRASHES_MAX) {
        const error = { code: 'RUN_CRASHED', message: `Its workers were lost ${crashes} times.` }
        await this.suspend(run, [{ kind: 'parked', error }], {})
        return null
      }
      onClaimed(run)
      return run
    } catch (error) {
      if (isHoldfastError(error, 'CONFLICT')) return null
      throw error
    }
  }

  /** Whoever asked for it has left before it was handed over. */
  async #giveBack(run: Run): Promise<void> {
    const { db, log, store, onQueued } = this.#options
    const statements = [store.giveBack(run, 0), store.attemptEnded(run, 'given_back')]
    await db.commit([write(...statements), tell(log, run.id, queuedEvent(run))])
    onQueued({ ...run, status: 'queued' })
  }

  /** A sign of life after silence. */
  async #heard(run: Run): Promise<void> {
    const { db, log, store } = this.#options
    const event = { type: 'working', attempt: run.attempt, worker: run.worker ?? '' } as const
    try {
      await db.commit([write(store.liveness(run, 'working')), tell(log, run.id, event)])
    } catch (error) {
      // Somebody else has told it.
      if (!isHoldfastError(error, 'CONFLICT') && !isHoldfastError(error, 'STREAM_SEALED')) throw error
    }
  }
}

type LogLevel = 'debug' | 'info' | 'warn' | 'error'

function receiptOf({ cancelRequestedAt, pausedAt }: Run): ReportReceipt {
  return { cancelRequested: cancelRequestedAt !== null, paused: pausedAt !== null }
}

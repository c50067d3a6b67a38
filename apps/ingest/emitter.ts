import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { Outcome, RunContext, StreamLog, Write } from '@holdfast/server'
import type { IngestionStore } from './ingestion-store.ts'
import {
  type IngestionError,
  type IngestionResult,
  type IngestionState,
  ingestionStream,
  PHASES,
  type Phase,
  type PhaseMetrics,
} from './streams.ts'
import { overallPercent } from './view.ts'

export interface EmitterOptions {
  context: RunContext<{ projectId: string }>
  log: StreamLog
  store: IngestionStore
  clock: Clock
  /** Where the stream stands when the attempt begins: percents go on from there. */
  state: IngestionState
}

interface Progress {
  percent: number
  metrics: PhaseMetrics
}

type Due = [Phase, Progress][]

// Twice a second is as much as an eye follows; what comes in between replaces what waits.
const PROGRESS_EVERY_MS = 500
const SNAPSHOT_EVERY_MS = 5_000

/**
 * Tells an ingestion's story, for one attempt and under its fence. Progress is told at most twice a second, however
 * often it is reported; of what comes in between the last value of each phase is told, never dropped, and a terminal
 * event takes along whatever still waits.
 */
export class IngestionEventEmitter {
  readonly #options: EmitterOptions
  readonly #waiting = new Map<Phase, Progress>()
  readonly #percents: number[]
  /** The figures last reported of each phase, by this attempt or an earlier one. */
  readonly #figures: (PhaseMetrics | null)[]
  /** The start counts as told: what an earlier attempt told may be only just before it. */
  #lastToldAt: number
  #lastSnapshotAt: number
  /** Reported since the last snapshot. */
  #unkept: PhaseMetrics | null = null
  #cancelTimer: (() => void) | null = null
  #cancelSnapshot: (() => void) | null = null
  /** Commits go one after the other, so that events stand in the order they were emitted in. */
  #last: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(options: EmitterOptions) {
    this.#options = options
    this.#lastToldAt = options.clock.now()
    this.#lastSnapshotAt = options.clock.now()
    this.#percents = PHASES.map((_, index) => options.state.phases[index]?.percent ?? 0)
    this.#figures = PHASES.map((_, index) => options.state.phases[index]?.metrics ?? null)
  }

  /** Tells that a phase begins, once per ingestion, however many attempts begin it. */
  emitPhaseStarted(projectId: string, phase: Phase, message: string): Promise<void> {
    const { context, store, clock } = this.#options
    const event = { type: 'phase_started', phase, phaseName: PHASES[phase - 1] ?? 'index', message } as const
    for (let earlier = 0; earlier < phase - 1; earlier += 1) this.#percents[earlier] = 100
    return this.#next(() =>
      context.step(`phase:${context.run.id}:${phase}`, async (step) => {
        step.write(
          this.#append(projectId, event),
          store.phaseStarted(context.run.id, phase, this.#overall(), clock.now()),
        )
      }),
    )
  }

  /** Reports how far a phase is, 0 to 100. Neither percents nor what was counted ever falls within a phase. */
  emitProgressUpdate(projectId: string, phase: Phase, percent: number, counted: PhaseMetrics): void {
    if (this.#ended) return
    const metrics = neverFalling(this.#figures[phase - 1] ?? null, counted)
    this.#figures[phase - 1] = metrics
    const known = this.#percents[phase - 1] ?? 0
    const monotonic = Math.max(known, Math.min(100, Math.round(percent * 10) / 10))
    this.#percents[phase - 1] = monotonic
    this.#waiting.set(phase, { percent: monotonic, metrics })
    this.#unkept = metrics
    // Of the run, for whoever looks at work of all kinds. How many files there are is known once they are found.
    const { filesDone, filesFailed, filesSkipped, filesTotal } = metrics
    const done = phase === 1 ? filesTotal : filesDone + filesFailed + filesSkipped
    const total = phase === 1 && monotonic < 100 ? null : filesTotal
    this.#options.context.progress({ phase: PHASES[phase - 1] ?? 'index', done, total, unit: 'files' })
    this.#tellWhenDue(projectId)
    this.#keepWhenDue()
  }

  /** Ends the ingestion as done, with whatever progress still waits. */
  emitComplete(projectId: string, result: IngestionResult): Promise<void> {
    return this.#end(projectId, { status: 'done', result })
  }

  /** Ends the ingestion with an error, with whatever progress still waits. */
  emitError(projectId: string, phase: Phase, error: Omit<IngestionError, 'phase'>): Promise<void> {
    const data = { phase, ...error } satisfies IngestionError
    return this.#end(projectId, { status: 'failed', error: { code: error.errorCode, message: error.message, data } })
  }

  /** Tells what still waits and nothing more after it: for an attempt that somebody else ends, or nobody. */
  async close(projectId: string): Promise<void> {
    this.#ended = true
    this.#cancelTimer?.()
    this.#cancelSnapshot?.()
    // Looked at when it is this one's turn: what could not be told before waits again by then.
    await this.#next(async () => {
      if (this.#waiting.size > 0) await this.#commit(projectId, this.#takeWaiting(this.#waiting.size))
    })
  }

  async #end(projectId: string, outcome: Outcome): Promise<void> {
    // Told first, in a commit of its own: what the end writes elsewhere is taken from the state after it.
    await this.close(projectId)
    await this.#next(() => this.#options.context.end(outcome))
  }

  #tellWhenDue(projectId: string): void {
    if (this.#cancelTimer) return
    const wait = this.#lastToldAt + PROGRESS_EVERY_MS - this.#options.clock.now()
    this.#cancelTimer = this.#options.clock.after(Math.max(0, wait), () => {
      this.#cancelTimer = null
      this.#tell(projectId)
    })
  }

  #tell(projectId: string): void {
    if (this.#ended) return
    this.#lastToldAt = this.#options.clock.now()
    // One at a time: an earlier phase's last value goes before the next phase's first.
    const due = this.#takeWaiting(1)
    const writes = this.#writesOf(projectId, due)
    // A failure here is the run's to meet: a fence at its next step, a full disk at its next commit.
    this.#next(() => this.#commit(projectId, due, writes)).catch(() => {})
    if (this.#waiting.size > 0) this.#tellWhenDue(projectId)
  }

  /** Tells what was taken; where that fails it waits again, unless something newer of its phase does. */
  async #commit(projectId: string, due: Due, writes = this.#writesOf(projectId, due)): Promise<void> {
    try {
      await this.#options.context.commit(...writes)
    } catch (error) {
      if (!isFenced(error)) {
        for (const [phase, progress] of due) if (!this.#waiting.has(phase)) this.#waiting.set(phase, progress)
        if (!this.#ended) this.#tellWhenDue(projectId)
      }
      throw error
    }
  }

  #takeWaiting(count: number): Due {
    const due = [...this.#waiting].sort(([a], [b]) => a - b).slice(0, count)
    for (const [phase] of due) this.#waiting.delete(phase)
    return due
  }

  #writesOf(projectId: string, due: Due): Write[] {
    return due.map(([phase, { percent, metrics }]) =>
      this.#append(projectId, { type: 'progress_update', phase, progressPercent: percent, metrics }),
    )
  }

  #keepWhenDue(): void {
    if (this.#cancelSnapshot) return
    const wait = this.#lastSnapshotAt + SNAPSHOT_EVERY_MS - this.#options.clock.now()
    this.#cancelSnapshot = this.#options.clock.after(Math.max(0, wait), () => {
      this.#cancelSnapshot = null
      this.#keepSnapshot()
    })
  }

  #keepSnapshot(): void {
    const { context, store, clock } = this.#options
    const metrics = this.#unkept
    if (this.#ended || !metrics) return
    this.#unkept = null
    this.#lastSnapshotAt = clock.now()
    const snapshot = store.snapshot(context.run.id, this.#overall(), metrics, clock.now())
    this.#next(() => context.commit(snapshot)).catch((error: unknown) => {
      if (this.#ended || isFenced(error)) return
      this.#unkept ??= metrics
      this.#keepWhenDue()
    })
  }

  #append(projectId: string, event: Parameters<typeof ingestionStream.parse>[0]): Write {
    const { context, log } = this.#options
    return log.appendEvents(ingestionStream, { projectId, ingestionId: context.run.id }, [event])
  }

  #overall(): number {
    return overallPercent({ status: 'working', phases: this.#percents.map((percent) => ({ percent })) })
  }

  #next<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task)
    this.#last = result.catch(() => {})
    return result
  }
}

/** Another attempt has begun: nothing of this one will ever be told. */
function isFenced(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'FENCED'
}

const COUNTERS = ['filesDone', 'filesFailed', 'filesSkipped', 'bytesTotal', 'bytesDone', 'chunks'] as const

/** What was told of a phase stands: an attempt that counts again from the start is silent until it is beyond that. */
function neverFalling(told: PhaseMetrics | null, metrics: PhaseMetrics): PhaseMetrics {
  if (told === null) return metrics
  const counters = COUNTERS.map((name) => [name, Math.max(told[name], metrics[name])] as const)
  const risen = { ...metrics, ...Object.fromEntries(counters) }
  const dealtWith = risen.filesDone + risen.filesFailed + risen.filesSkipped
  return { ...risen, filesTotal: Math.max(told.filesTotal, metrics.filesTotal, dealtWith) }
}

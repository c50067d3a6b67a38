import { createHash } from 'node:crypto'
import type { Effect, StepStatus } from '@holdfast/protocol/runs'
import { type Database, type Write, write } from '../db/database.ts'
import type { OutsideWork, ReportReceipt } from './outside-work.ts'
import type { Run, RunError } from './run.ts'
import type { RunStore } from './run-store.ts'
import { sql } from './sql.ts'
import type { StepMark, StepStore } from './step-store.ts'

/** What a worker outside says of a step. */
export type StepReport =
  | { key: string; status: 'started'; effect: Effect }
  | { key: string; status: 'done'; output: unknown }
  /** `notDone`: an unsafe one surely had no effect on the world. */
  | { key: string; status: 'failed'; error: RunError; notDone: boolean }

export interface OutsideStepsOptions {
  db: Database
  store: RunStore
  steps: StepStore
  work: Pick<OutsideWork, 'report' | 'suspend'>
}

interface OwnStep {
  status: StepStatus
  effect: Effect
  output: string | null
  attempt: number
  tries: number
  startedAt: number
}

// What the engine itself remembers is no step.
const NO_INPUT = ''

/** The steps of runs that are worked on outside: told by their workers, remembered like all others. */
export class OutsideSteps {
  readonly #options: OutsideStepsOptions

  constructor(options: OutsideStepsOptions) {
    this.#options = options
  }

  report(run: Run, report: StepReport): Promise<ReportReceipt> {
    switch (report.status) {
      case 'started':
        return this.#started(run, report)
      case 'done':
        return this.#done(run, report)
      case 'failed':
        return this.#failed(run, report)
    }
  }

  /** Whether something was noted under that key. */
  async isMarked(run: Run, key: string): Promise<boolean> {
    return (await this.#own(run, key)).step !== null
  }

  /** Notes something under a key that is no step's. */
  mark(run: Run, key: string): Write {
    const mark: StepMark = { ...NOTED, key, output: 'null' }
    return write(this.#options.steps.mark(run, mark))
  }

  async #started(run: Run, { key, effect }: Extract<StepReport, { status: 'started' }>): Promise<ReportReceipt> {
    const { steps, work } = this.#options
    const inputHash = hashOf(run.input)
    const memo = await steps.memo(run, key, inputHash)
    if (memo) {
      const reused = { type: 'step_reused', key, attempt: run.attempt, run: memo.runId } as const
      const receipt = await work.report(run, { events: [reused] })
      return { ...receipt, step: { status: 'done', output: JSON.parse(memo.output) } }
    }
    const { step } = await this.#own(run, key)
    // The same report, sent again.
    if (step?.status === 'working' && step.attempt === run.attempt) return this.#nothing(run, 'working')
    const open = effect === 'unsafe' ? await steps.unsettled(run, key, inputHash) : null
    if (open) return this.#unknown(run, { key, inputHash, effect, tries: step?.tries ?? 1, ms: 0, error: open.error })
    const tries = (step?.status === 'failed' ? step.tries : 0) + 1
    const mark: StepMark = { key, inputHash, status: 'working', effect, provider: null, tries, ms: 0 }
    const event = { type: 'step_started', key, attempt: run.attempt, try: tries, effect } as const
    const receipt = await work.report(run, { writes: [write(steps.mark(run, mark))], events: [event] })
    return { ...receipt, step: { status: 'working' } }
  }

  async #done(run: Run, { key, output }: Extract<StepReport, { status: 'done' }>): Promise<ReportReceipt> {
    const { steps, work } = this.#options
    const { step, now } = await this.#own(run, key)
    if (step?.status === 'done') return this.#nothing(run, 'done')
    const { effect = 'idempotent', startedAt = now, tries = 1 } = step ?? {}
    const ms = now - startedAt
    const made = { key, inputHash: hashOf(run.input), status: 'done', effect, provider: null } as const
    const mark: StepMark = { ...made, tries, ms, output: JSON.stringify(output ?? null) }
    const event = { type: 'step_done', ...at(run, key, tries, startedAt, ms) } as const
    const writes = [write(steps.mark(run, mark))]
    const receipt = await work.report(run, { writes, events: [event], progressed: true })
    return { ...receipt, step: { status: 'done' } }
  }

  async #failed(run: Run, report: Extract<StepReport, { status: 'failed' }>): Promise<ReportReceipt> {
    const { steps, work } = this.#options
    const { key, error, notDone } = report
    const { step, now } = await this.#own(run, key)
    if (step?.status === 'failed' && step.attempt === run.attempt) return this.#nothing(run, 'failed')
    const { effect = 'idempotent', startedAt = now, tries = 1 } = step ?? {}
    const ms = now - startedAt
    const inputHash = hashOf(run.input)
    if (effect === 'unsafe' && !notDone) return this.#unknown(run, { key, inputHash, effect, tries, ms, error })
    const mark: StepMark = { key, inputHash, status: 'failed', effect, provider: null, tries, ms, error }
    const event = { type: 'step_failed', ...at(run, key, tries, startedAt, ms), error } as const
    const receipt = await work.report(run, { writes: [write(steps.mark(run, mark))], events: [event] })
    return { ...receipt, step: { status: 'failed' } }
  }

  /** Nobody knows whether it was done: the attempt is over, and a person decides. */
  async #unknown(run: Run, given: Omit<StepMark, 'status' | 'provider'>): Promise<ReportReceipt> {
    const { steps, work } = this.#options
    const { key, error } = given
    const told = { type: 'step_unknown', key, attempt: run.attempt, ...(error ? { error } : {}) } as const
    const writes = [write(steps.mark(run, { ...given, status: 'unknown', provider: null }))]
    await work.suspend(run, [{ kind: 'decision', name: key }], { writes, events: [told] })
    return {
      cancelRequested: run.cancelRequestedAt !== null,
      paused: run.pausedAt !== null,
      step: { status: 'unknown' },
    }
  }

  /** A sign of life, and nothing more. */
  async #nothing(run: Run, status: 'working' | 'done' | 'failed'): Promise<ReportReceipt> {
    return { ...(await this.#options.work.report(run, {})), step: { status } }
  }

  async #own(run: Run, key: string): Promise<{ step: OwnStep | null; now: number }> {
    const { db, store } = this.#options
    const [time] = await db.read<{ now: number }>(sql`SELECT ${store.now()} AS now`)
    const [row] = await db.read<Omit<OwnStep, 'startedAt'> & { started_at: number }>(sql`
      SELECT status, effect, output, attempt, tries, started_at FROM run_steps
      WHERE run_id = ${run.id} AND step_key = ${key}`)
    const now = time?.now ?? 0
    if (!row) return { step: null, now }
    const { started_at: startedAt, ...step } = row
    return { step: { ...step, startedAt }, now }
  }
}

const NOTED = { inputHash: NO_INPUT, status: 'done', effect: 'idempotent', provider: null, tries: 1, ms: 0 } as const

function at({ attempt }: Run, key: string, tries: number, startedAt: number, ms: number) {
  return { key, attempt, try: tries, startedAt: new Date(startedAt).toISOString(), ms }
}

/** A step of a run outside depends on the run's whole input. */
function hashOf(input: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(input ?? null))
    .digest('hex')
}

import type { RunProgress } from '@holdfast/protocol/runs'
import { ProgressMeter, type ProgressReport } from './progress.ts'
import type { Run } from './run.ts'

// Those that report most lately; of another the rate is told anew from its next two reports on.
const MOST = 1_000

/**
 * How fast the runs of workers outside get on. What must last of it stands in the run's row; here is what a rate is
 * measured by, of bounded size.
 */
export class OutsideMeters {
  readonly #clock: { now(): number }
  readonly #meters = new Map<string, { attempt: number; meter: ProgressMeter }>()

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  /** Takes a report. INVALID_INPUT for what is no count. */
  report(run: Run, report: ProgressReport): RunProgress {
    const now = this.#clock.now()
    const known = this.#meters.get(run.id)
    const meter =
      known?.attempt === run.attempt ? known.meter : new ProgressMeter({ phases: undefined, start: run.progress, now })
    const progress = meter.report(report, now)
    this.#meters.delete(run.id)
    this.#meters.set(run.id, { attempt: run.attempt, meter })
    const [oldest] = this.#meters.keys()
    if (this.#meters.size > MOST && oldest !== undefined) this.#meters.delete(oldest)
    return progress
  }

  forget({ id }: Run): void {
    this.#meters.delete(id)
  }
}

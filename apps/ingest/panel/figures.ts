import type { IngestionState, IngestionStatus, PhaseMetrics, PhaseName } from '../streams.ts'
import { PHASES } from '../streams.ts'
import { formatDuration, type IngestionView, overallPercent } from '../view.ts'
import { PHASE_TITLES } from './phase-titles.ts'

/** An ingestion in numbers: what the list, the page, the tray and the tab all show, made in this one place. */
export interface Figures {
  status: IngestionStatus
  /** Of the whole ingestion, 0 to 100, one decimal. */
  percent: number
  /** `null` while queued. */
  phase: PhaseName | null
  total: number
  /** Of the phase, with those that failed or were skipped; at the end all of them. */
  dealtWith: number
  failed: number
  ratePerSecond: number | null
  /** Until the phase ends, not the whole; `null` also in its last second. */
  secondsLeft: number | null
  currentFile: string | null
  completedAt: string | null
  /** Why it failed. */
  message: string | null
}

/** From the state of its stream. */
export function figuresOf(state: IngestionState): Figures {
  return made({ ...state, percent: overallPercent(state) })
}

/** From an answer of the server, where its stream is not read. */
export function figuresOfView(view: IngestionView): Figures {
  return made({ ...view, percent: view.progressPercent })
}

type Known = Pick<IngestionState, 'status' | 'currentPhase' | 'metrics' | 'result' | 'error' | 'completedAt'> & {
  percent: number
}

function made({ status, currentPhase, metrics, result, error, completedAt, percent }: Known): Figures {
  const isWorking = status === 'working'
  return {
    status,
    percent,
    phase: PHASES[currentPhase - 1] ?? null,
    total: result?.files.total ?? metrics?.filesTotal ?? 0,
    dealtWith: result?.files.total ?? dealtWith(metrics),
    failed: result?.files.failed ?? metrics?.filesFailed ?? 0,
    ratePerSecond: isWorking ? (metrics?.ratePerSecond ?? null) : null,
    secondsLeft: isWorking && (metrics?.secondsLeft ?? 0) >= 1 ? (metrics?.secondsLeft ?? null) : null,
    currentFile: isWorking ? (metrics?.currentFile ?? null) : null,
    completedAt,
    message: status === 'failed' ? (error?.message ?? null) : null,
  }
}

function dealtWith(metrics: PhaseMetrics | null): number {
  return metrics ? metrics.filesDone + metrics.filesFailed + metrics.filesSkipped : 0
}

/** `Chunk: 4 s left`: whose the time is stands with it. Without a time where that is not known, or not of now. */
export function phaseText({ phase, secondsLeft }: Pick<Figures, 'phase' | 'secondsLeft'>, isOfNow: boolean): string {
  if (phase === null) return ''
  const title = PHASE_TITLES[phase]
  return isOfNow && secondsLeft !== null ? `${title}: ${formatDuration(secondsLeft)} left` : title
}

/** `34 of 120 files`. */
export function filesText({ dealtWith: count, total }: Figures, format: (value: number) => string): string {
  const word = total === 1 ? 'file' : 'files'
  return count === total ? `${format(total)} ${word}` : `${format(count)} of ${format(total)} ${word}`
}

export function isEnded({ status }: Pick<Figures, 'status'>): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled'
}

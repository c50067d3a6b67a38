import type { IngestionState, PhaseMetrics, PhaseName } from '@holdfast/ingest/streams'
import { formatCount, formatDuration } from '@holdfast/ingest/view'

/** The phases' names as people read them, on the page too. */
export const PHASE_TITLES: Record<PhaseName, string> = {
  discover: 'Discover',
  extract: 'Extract',
  chunk: 'Chunk',
  index: 'Index',
}

export type PhaseLook = 'waiting' | 'working' | 'done' | 'stopped'

/** How the phase at `index` (from 0) is. */
export function phaseLook({ status, currentPhase }: IngestionState, index: number): PhaseLook {
  if (status === 'done' || index < currentPhase - 1) return 'done'
  if (index > currentPhase - 1) return 'waiting'
  return status === 'working' ? 'working' : 'stopped'
}

/** Files a phase has dealt with, whatever came of them. */
export function dealtWith({ filesDone, filesFailed, filesSkipped }: PhaseMetrics): number {
  return filesDone + filesFailed + filesSkipped
}

export function rateText({ ratePerSecond }: PhaseMetrics): string {
  return ratePerSecond > 0 ? `${ratePerSecond.toFixed(1)} files/s` : ''
}

export function leftText({ secondsLeft }: PhaseMetrics): string {
  return secondsLeft === null || secondsLeft < 0.5 ? '' : `${formatDuration(secondsLeft)} left`
}

export function files(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`
}

/** How long a phase took, where that is known. */
export function tookText(state: IngestionState, index: number): string {
  const startedAt = state.phases[index]?.startedAt
  const endedAt = state.phases[index + 1]?.startedAt ?? state.completedAt
  if (!startedAt || !endedAt) return ''
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  return seconds < 1 ? 'took less than 1 s' : `took ${formatDuration(seconds)}`
}

import { hasEnded, type RunDetails, type StepView } from '@holdfast/protocol/runs'
import { useNow } from '@holdfast/ui'
import { useMemo } from 'react'
import { endAhead, makeTimeScale, type Span, type TimeScale } from './time-scale.ts'

export interface Axis {
  scale: TimeScale
  /** Where later attempts began. */
  attempts: { attempt: number; at: number }[]
  /** Something runs, so bars grow. */
  isMoving: boolean
}

/** The axis of a run's steps: all of its attempts; of a living run a little ahead of now. */
export function useAxis(run: RunDetails, steps: readonly StepView[]): Axis {
  const isOver = hasEnded(run.status)
  const isMoving = !isOver && (run.status === 'working' || run.status === 'quiet' || run.status === 'stalled')
  const now = useNow(isMoving ? 1000 : isOver ? null : 10_000)
  const own = useMemo(() => steps.filter(({ reused }) => !reused), [steps])
  const from = earliest(run, own)
  // The same for a while, so that the bars stand still.
  const end = isOver ? lastOf(run, own, from) : isMoving ? endAhead(from, now) : now
  return useMemo(() => {
    const attempts = run.attempts.map(
      ({ startedAt, endedAt }): Span => ({
        from: Date.parse(startedAt),
        to: endedAt === null ? end : Date.parse(endedAt),
      }),
    )
    const spans = own.map(
      ({ startedAt, endedAt }): Span => ({
        from: Date.parse(startedAt),
        to: endedAt === null ? (isMoving ? end : Date.parse(startedAt)) : Date.parse(endedAt),
      }),
    )
    const scale = makeTimeScale({ from, to: end, busy: [...attempts, ...spans] })
    const later = run.attempts.filter(({ attempt }) => attempt > 1)
    return {
      scale,
      attempts: later.map(({ attempt, startedAt }) => ({ attempt, at: scale.at(Date.parse(startedAt)) })),
      isMoving,
    }
  }, [run.attempts, own, from, end, isMoving])
}

function earliest(run: RunDetails, steps: readonly StepView[]): number {
  const starts = [run.startedAt, run.attempts[0]?.startedAt, steps[0]?.startedAt]
  const known = starts.filter((at) => typeof at === 'string').map((at) => Date.parse(at))
  return known.length > 0 ? Math.min(...known) : Date.parse(run.createdAt)
}

function lastOf(run: RunDetails, steps: readonly StepView[], from: number): number {
  const ends = steps.map(({ endedAt, startedAt }) => Date.parse(endedAt ?? startedAt))
  return ends.reduce((most, at) => Math.max(most, at), Math.max(from + 1, Date.parse(run.endedAt ?? run.since)))
}

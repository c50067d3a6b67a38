import type { RunProgress, RunStatus, RunSummary, RunWait } from '@holdfast/protocol/runs'
import { Chip, ProgressBar, type Tone } from '@holdfast/ui'
import {
  Ban,
  Check,
  CircleSlash,
  Clock,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  MessageCircleQuestion,
  Moon,
  OctagonAlert,
  Pause,
  RotateCw,
  TriangleAlert,
  Unplug,
} from 'lucide-react'
import { timeLeftText } from './run/words.ts'

export interface Look {
  tone: Tone
  icon: LucideIcon
  word: string
}

/** Icon, word and tone of how a run stands. */
export const STATUS_LOOKS: Record<RunStatus, Look> = {
  queued: { tone: 'waiting', icon: Clock, word: 'Queued' },
  working: { tone: 'working', icon: LoaderCircle, word: 'Working' },
  quiet: { tone: 'waiting', icon: Moon, word: 'Quiet' },
  stalled: { tone: 'waiting', icon: TriangleAlert, word: 'Stalled' },
  lost: { tone: 'waiting', icon: Unplug, word: 'Lost' },
  waiting: { tone: 'waiting', icon: Hourglass, word: 'Waiting' },
  done: { tone: 'done', icon: Check, word: 'Done' },
  failed: { tone: 'failed', icon: CircleSlash, word: 'Failed' },
  cancelled: { tone: 'quiet', icon: Ban, word: 'Cancelled' },
}

/** What a status means, for whoever meets its word for the first time. */
export const STATUS_MEANINGS: Record<RunStatus, string> = {
  queued: 'It begins as soon as there is room',
  working: 'A worker is at it',
  quiet: 'No sign of life for a while',
  stalled: 'No sign of life for long',
  lost: 'Its worker is gone; another one takes it',
  waiting: 'It waits for something that is not a worker',
  done: 'It ended well',
  failed: 'It ended with an error',
  cancelled: 'Somebody ended it',
}

const WAIT_LOOKS: Record<RunWait['kind'], Look> = {
  event: { tone: 'waiting', icon: MessageCircleQuestion, word: 'Waiting' },
  sleep: { tone: 'waiting', icon: Moon, word: 'Sleeping' },
  retry: { tone: 'waiting', icon: RotateCw, word: 'Retrying' },
  provider: { tone: 'waiting', icon: Hourglass, word: 'Waiting' },
  child: { tone: 'waiting', icon: Hourglass, word: 'Waiting' },
  decision: { tone: 'waiting', icon: MessageCircleQuestion, word: 'To decide' },
  paused: { tone: 'quiet', icon: Pause, word: 'Paused' },
  version: { tone: 'waiting', icon: OctagonAlert, word: 'No worker' },
  parked: { tone: 'failed', icon: OctagonAlert, word: 'Parked' },
}

/** Of several waits the one a person can do something about is told. */
const URGENCY: readonly RunWait['kind'][] = ['decision', 'parked', 'event', 'version', 'paused', 'retry']

/** What a run's status is made of. */
export type Standing = Pick<RunSummary, 'status' | 'waits' | 'cancelRequested' | 'paused'>

/** Icon, word and tone of one run: what it waits for is told instead of that it waits. */
export function lookOf({ status, waits, cancelRequested, paused }: Standing): Look {
  const isOver = status === 'done' || status === 'failed' || status === 'cancelled'
  if (!isOver && cancelRequested) return { tone: 'quiet', icon: Ban, word: 'Cancelling' }
  if (status === 'waiting') {
    const kind = URGENCY.find((one) => waits.some((wait) => wait.kind === one)) ?? waits[0]?.kind
    return kind ? WAIT_LOOKS[kind] : STATUS_LOOKS.waiting
  }
  if (!isOver && paused) return { tone: 'quiet', icon: Pause, word: status === 'queued' ? 'Paused' : 'Pausing' }
  return STATUS_LOOKS[status]
}

/** How a run stands. */
export function RunChip({ run }: { run: Standing }) {
  const { tone, icon, word } = lookOf(run)
  return (
    <Chip tone={tone} icon={icon}>
      {word}
    </Chip>
  )
}

/** How long it took, or has been at it, ms; before it began, how long it has been there. */
export function ageOf({ createdAt, startedAt, endedAt }: RunSummary, now: number): number {
  const to = endedAt === null ? now : Date.parse(endedAt)
  return Math.max(0, to - Date.parse(startedAt ?? createdAt))
}

/** `12 of 80 files`. */
export function doneText({ done, total, unit }: RunProgress): string {
  const word = unit ?? ''
  const known =
    total === null ? done.toLocaleString('en') : `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`
  return `${known} ${word}`.trim()
}

/** `3.4 files/s`; slow work is told by the minute. */
export function rateText({ rate, unit }: Pick<RunProgress, 'rate' | 'unit'>): string | null {
  if (rate === null || rate <= 0) return null
  const [value, per] = rate < 0.2 ? [rate * 60, 'm'] : [rate, 's']
  const number = value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })
  return `${number} ${unit ?? ''}/${per}`.replace(' /', '/')
}

interface ProgressCellProps {
  progress: RunProgress
  status: RunStatus
  /** Keeps a bar from running back where another run takes its place. */
  id: string
}

/** How far a run is: bar, percent, rate and what is left, as far as that is known. */
export function ProgressCell({ progress, status, id }: ProgressCellProps) {
  const { percent, left, phase } = progress
  const isMoving = status === 'working' || status === 'quiet'
  const words = isMoving ? [rateText(progress), left && `${timeLeftText(left)} left`] : [phase]
  return (
    <span className="flex min-w-0 shrink-0 items-center gap-2 max-md:shrink">
      <span className="w-16 shrink-0">
        <ProgressBar
          key={id}
          label="Progress"
          percent={percent}
          tone={status === 'failed' ? 'failed' : status === 'done' ? 'done' : isMoving ? 'working' : 'quiet'}
          valueText={doneText(progress)}
        />
      </span>
      <span className="numbers truncate text-ink-2" title={[phase, doneText(progress)].filter(Boolean).join(': ')}>
        {[`${Math.floor(percent)} %`, ...words].filter(Boolean).join(' · ')}
      </span>
    </span>
  )
}

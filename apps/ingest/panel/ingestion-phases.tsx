import { classNames, ProgressBar, TONE_TEXT } from '@holdfast/ui'
import { Ban, Check, CircleDashed, CircleSlash, LoaderCircle } from 'lucide-react'
import type { UseIngestionSocket } from '../client.ts'
import { PHASES, type PhaseName } from '../streams.ts'
import { formatTook } from '../view.ts'
import { PHASE_TITLES } from './phase-titles.ts'

const WHAT: Record<PhaseName, string> = {
  discover: 'Finds the files, their kinds and sizes',
  extract: 'Reads the text out of each file',
  chunk: 'Cuts the text into passages',
  index: 'Makes the passages searchable',
}

/** The four phases side by side, each with its own bar. */
export function IngestionPhases({ live }: { live: UseIngestionSocket }) {
  return (
    <ol
      className="grid grid-cols-2 border-b border-line lg:grid-cols-4"
      data-testid="phases"
      data-ingestion={live.view?.ingestionId}
    >
      {PHASES.map((name, index) => (
        <PhaseCell key={`${live.view?.ingestionId} ${name}`} name={name} index={index} live={live} />
      ))}
    </ol>
  )
}

type PhaseLook = 'waiting' | 'working' | 'done' | 'failed' | 'cancelled'

function phaseLook({ state }: UseIngestionSocket, index: number): PhaseLook {
  if (state.status === 'done' || index < state.currentPhase - 1) return 'done'
  if (index > state.currentPhase - 1) return 'waiting'
  return state.status === 'queued' ? 'waiting' : state.status
}

const PHASE_ICON = {
  waiting: CircleDashed,
  working: LoaderCircle,
  done: Check,
  failed: CircleSlash,
  cancelled: Ban,
} as const
const PHASE_TONE = { waiting: 'quiet', working: 'working', done: 'done', failed: 'failed', cancelled: 'quiet' } as const
const PHASE_WORD = {
  waiting: 'not begun',
  working: 'working',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
} as const

function PhaseCell({ name, index, live }: { name: PhaseName; index: number; live: UseIngestionSocket }) {
  const look = phaseLook(live, index)
  const Icon = PHASE_ICON[look]
  const title = PHASE_TITLES[name]
  const what = WHAT[name]
  const percent = look === 'done' ? 100 : live.progress[name]
  return (
    <li
      title={what}
      data-testid={`phase-${name}`}
      data-state={look}
      className="flex min-w-0 flex-col gap-2 border-line px-cell-x py-2.5 odd:border-r max-lg:nth-[-n+2]:border-b lg:border-r lg:last:border-r-0 max-sm:py-2"
    >
      <div className="flex items-center gap-2">
        <Icon size={15} aria-hidden="true" className={TONE_TEXT[PHASE_TONE[look]]} />
        <span className={classNames('font-medium', look === 'waiting' && 'text-ink-3')}>{title}</span>
        <span className="sr-only">{PHASE_WORD[look]}</span>
        <span className="numbers ml-auto text-dense text-ink-2">
          {look === 'waiting' ? (live.state.completedAt === null ? 'waits' : '–') : `${Math.floor(percent)} %`}
        </span>
      </div>
      <ProgressBar label={title} percent={percent} tone={PHASE_TONE[look]} />
      <p className="truncate text-dense text-ink-3 max-sm:hidden">{phaseNote(live, index, look) ?? what}</p>
    </li>
  )
}

/** What a phase says of itself: what it does, or how long it took. */
function phaseNote({ state }: UseIngestionSocket, index: number, look: PhaseLook): string | undefined {
  const phase = state.phases[index]
  const endedAt = state.phases[index + 1]?.startedAt ?? state.completedAt
  if (!phase || look !== 'done' || !endedAt) return phase?.message
  return `Took ${formatTook((Date.parse(endedAt) - Date.parse(phase.startedAt)) / 1000)}`
}

import { Chip, classNames, Moment, ProgressBar, Skeleton, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Ban, Check, CircleDashed, CircleSlash, Clock, LoaderCircle, RotateCcw } from 'lucide-react'
import type { ReactNode } from 'react'
import type { UseIngestionSocket } from '../client.ts'
import { PHASES, type PhaseName } from '../streams.ts'
import { formatBytes, formatCount, formatDuration, formatTook } from '../view.ts'
import { FilePath } from './file-path.tsx'
import { IngestionEnd } from './ingestion-end.tsx'
import { PHASE_TITLES } from './phase-titles.ts'

interface OverviewProps {
  projectId: string
  live: UseIngestionSocket
}

/** How it is going: the four phases, the figures, what is wrong, who waits. */
export function IngestionOverview({ projectId, live }: OverviewProps) {
  return (
    <section aria-label="Ingestion" className="rounded-md border border-line bg-raised">
      <SourceLine projectId={projectId} live={live} />
      <StaleNotice live={live} />
      <Phases live={live} />
      <Figures projectId={projectId} live={live} />
      <IngestionEnd live={live} />
    </section>
  )
}

/** Its place while it is read: no bar stands at a guess. */
export function OverviewSkeleton() {
  return (
    <div role="status" aria-label="Reading the ingestion" className="rounded-md border border-line bg-raised p-3">
      <Skeleton className="h-5 w-64 max-w-full" />
      <div className="mt-6 grid grid-cols-2 gap-6 lg:grid-cols-4">
        {PHASES.map((name) => (
          <Skeleton key={name} className="h-12" />
        ))}
      </div>
      <Skeleton className="mt-6 h-4 w-96 max-w-full" />
    </div>
  )
}

/** Says that the figures stand still because the connection is away, and that the work does not. */
function StaleNotice({ live: { connection, status, isOffline } }: { live: UseIngestionSocket }) {
  const isAway = connection.state === 'reconnecting' || connection.state === 'error'
  if (!isAway || (status !== 'working' && status !== 'queued')) return null
  return (
    <p role="status" data-testid="stale" className="border-b border-line bg-wait-soft px-3 py-1.5 text-dense text-wait">
      {isOffline ? 'This device is offline' : 'The connection was lost'}{' '}
      <Moment at={new Date(connection.since).toISOString()} />. The figures are as of then; the ingestion does not need
      this page to go on.
    </p>
  )
}

function SourceLine({ projectId, live: { view, project, status } }: OverviewProps) {
  if (view === null) return null
  const { ingestionId } = view
  const waiting = project.queued.filter((id) => id !== ingestionId)
  const isOlder = project.newestIngestionId !== null && ingestionId !== project.newestIngestionId
  const other = project.activeIngestionId ?? project.newestIngestionId
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-1.5 text-dense text-ink-2">
      <span className="max-w-full">
        <FilePath path={view.source?.label ?? ''} />
      </span>
      {view.retryOf && (
        <IngestionLink projectId={projectId} ingestion={view.retryOf}>
          <RotateCcw size={13} aria-hidden="true" /> tries an earlier one again
        </IngestionLink>
      )}
      {status === 'queued' && project.activeIngestionId && project.activeIngestionId !== ingestionId && (
        <span className="inline-flex items-center gap-2" data-testid="queued-behind">
          <Chip tone="waiting" icon={Clock}>
            Queued behind
          </Chip>
          <IngestionLink projectId={projectId} ingestion={project.activeIngestionId}>
            the ingestion that is running
          </IngestionLink>
        </span>
      )}
      {waiting.length > 0 && ingestionId === project.activeIngestionId && (
        <span className="numbers inline-flex items-center gap-1 text-wait">
          <Clock size={13} aria-hidden="true" /> {formatCount(waiting.length)} more queued behind this
        </span>
      )}
      {isOlder && other !== ingestionId && status !== 'queued' && (
        <IngestionLink projectId={projectId} ingestion={undefined}>
          Not the newest. Show the newest
        </IngestionLink>
      )}
    </div>
  )
}

function IngestionLink(props: { projectId: string; ingestion: string | undefined; children: ReactNode }) {
  return (
    <Link
      to="/projects/$projectId"
      params={{ projectId: props.projectId }}
      search={props.ingestion === undefined ? {} : { ingestion: props.ingestion }}
      className="inline-flex items-center gap-1 underline decoration-line-strong underline-offset-2 hover:text-ink"
    >
      {props.children}
    </Link>
  )
}

const WHAT: Record<PhaseName, string> = {
  discover: 'Finds the files, their kinds and sizes',
  extract: 'Reads the text out of each file',
  chunk: 'Cuts the text into passages',
  index: 'Makes the passages searchable',
}

function Phases({ live }: { live: UseIngestionSocket }) {
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
      className="flex min-w-0 flex-col gap-2 border-line px-3 py-2.5 odd:border-r max-lg:nth-[-n+2]:border-b lg:border-r lg:last:border-r-0 max-sm:py-2"
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

/** What the files are that a phase has dealt with, and where the table shows them. */
const PASSED = [
  { label: 'looked at', status: 'found' },
  { label: 'extracted', status: 'extracted' },
  { label: 'cut', status: 'chunked' },
  { label: 'indexed', status: 'done' },
]

/** The figures of the moment. Every number has its unit, and the ones of the table lead there. */
function Figures({ projectId, live }: OverviewProps) {
  const { metrics, status, state } = live
  if (status === 'queued' && metrics === null) return null
  const isWorking = status === 'working'
  const counts = state.result?.files ?? {
    total: metrics?.filesTotal ?? 0,
    done: metrics?.filesDone ?? 0,
    failed: metrics?.filesFailed ?? 0,
    skipped: metrics?.filesSkipped ?? 0,
  }
  // Ended before it came to a file: zeros would say nothing.
  if (!isWorking && counts.total === 0) return null
  const chunks = state.result?.chunks ?? metrics?.chunks ?? 0
  // Until the end a file is done with one phase, not with all of them: the count says which, also where it stopped.
  const passed = (status !== 'done' && PASSED[state.currentPhase - 1]) || { label: 'done', status: 'done' }
  return (
    <div>
      <ul className="numbers flex flex-wrap gap-x-6 gap-y-1 px-3 py-2 text-dense">
        <Figure
          label={counts.total === 1 ? 'file' : 'files'}
          value={formatCount(counts.total)}
          to={{ projectId, status: undefined }}
        />
        <Figure
          label={passed.label}
          testId="count-done"
          value={formatCount(counts.done)}
          to={{ projectId, status: passed.status }}
          tone="done"
        />
        <Figure label="failed" value={formatCount(counts.failed)} to={{ projectId, status: 'failed' }} tone="failed" />
        <Figure label="skipped" value={formatCount(counts.skipped)} to={{ projectId, status: 'skipped' }} />
        <Figure label="passages" value={formatCount(chunks)} />
        {metrics && <Figure label="read" value={formatBytes(state.result?.bytes ?? metrics.bytesDone)} />}
        {isWorking && metrics && <Figure label="files/s" value={metrics.ratePerSecond.toFixed(1)} />}
        {isWorking && (
          <Figure label="left" value={metrics?.secondsLeft == null ? '–' : formatDuration(metrics.secondsLeft)} />
        )}
        {state.result && <Figure label="in all" value={formatTook(state.result.seconds)} />}
      </ul>
      {isWorking && (
        <p
          className="h-7 truncate border-t border-line px-3 py-1 font-mono text-small leading-5 text-ink-2"
          data-testid="current-file"
          title={metrics?.currentFile ?? undefined}
        >
          {metrics?.currentFile ?? '\u00a0'}
        </p>
      )}
    </div>
  )
}

interface FigureProps {
  label: string
  value: string
  /** The filtered table it counts. */
  to?: { projectId: string; status: string | undefined }
  tone?: 'done' | 'failed'
  /** Default: `count-` and the status. */
  testId?: string
}

function Figure({ label, value, to, tone, testId }: FigureProps) {
  const colour = tone && value !== '0' ? TONE_TEXT[tone] : 'text-ink'
  const content = (
    <>
      <span className={classNames('font-mono', colour)}>{value}</span>
      <span className="text-ink-2">{label}</span>
    </>
  )
  if (!to) return <li className="flex items-baseline gap-1.5">{content}</li>
  return (
    <li>
      <Link
        to="/projects/$projectId"
        params={{ projectId: to.projectId }}
        search={(known: Record<string, unknown>) => ({ ...known, tab: undefined, status: to.status, code: undefined })}
        resetScroll={false}
        data-testid={testId ?? `count-${to.status ?? 'files'}`}
        className="flex items-baseline gap-1.5 hover:underline"
      >
        {content}
      </Link>
    </li>
  )
}

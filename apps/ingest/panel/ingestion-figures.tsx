import { classNames, Moment, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import type { UseIngestionSocket } from '../client.ts'
import { formatBytes, formatCount, formatDuration, formatTook } from '../view.ts'
import { figuresOf } from './figures.ts'
import { PHASE_TITLES } from './phase-titles.ts'
import { isUpToDate } from './watching/live-set.ts'

/** What the files are that a phase has dealt with, and where the table shows them. */
const PASSED = [
  { label: 'looked at', status: 'found' },
  { label: 'extracted', status: 'extracted' },
  { label: 'cut', status: 'chunked' },
  { label: 'indexed', status: 'done' },
]

/** The figures of the moment. Every number has its unit, and the ones of the table lead there. */
export function IngestionFigures({ projectId, live }: { projectId: string; live: UseIngestionSocket }) {
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
      <ul className="numbers flex flex-wrap gap-x-6 gap-y-1 px-cell-x py-2 text-dense">
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
        {isWorking && <Pace live={live} />}
        {state.result && <Figure label="in all" value={formatTook(state.result.seconds)} />}
      </ul>
      {isWorking && (
        <p
          className="h-7 truncate border-t border-line px-cell-x py-1 font-mono text-small leading-5 text-ink-2"
          data-testid="current-file"
          title={metrics?.currentFile ?? undefined}
        >
          {metrics?.currentFile ?? '\u00a0'}
        </p>
      )}
    </div>
  )
}

/** Rate and time left, while they are of now; what the server said before it went away is not counted on. */
function Pace({ live: { metrics, connection, state } }: { live: UseIngestionSocket }) {
  if (!isUpToDate(connection)) {
    if (state.updatedAt === null) return null
    return (
      <li className="text-wait" data-testid="as-of">
        as of <Moment at={state.updatedAt} />
      </li>
    )
  }
  const { phase, secondsLeft } = figuresOf(state)
  return (
    <>
      {metrics && <Figure label="files/s" value={metrics.ratePerSecond.toFixed(1)} />}
      <Figure
        label={phase === null ? 'left' : `left in ${PHASE_TITLES[phase]}`}
        testId="time-left"
        value={secondsLeft === null ? '–' : formatDuration(secondsLeft)}
      />
    </>
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
  if (!to) {
    return (
      <li className="flex items-baseline gap-1.5" data-testid={testId}>
        {content}
      </li>
    )
  }
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

import { Chip, Section, Skeleton, useStored } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Clock, RotateCcw } from 'lucide-react'
import type { ReactNode } from 'react'
import type { UseIngestionSocket } from '../client.ts'
import { PHASES } from '../streams.ts'
import { formatCount } from '../view.ts'
import { ConnectionNotice } from './connection-notice.tsx'
import { figuresOf, filesText, phaseText } from './figures.ts'
import { FilePath } from './file-path.tsx'
import { IngestionEnd } from './ingestion-end.tsx'
import { IngestionFigures } from './ingestion-figures.tsx'
import { IngestionPhases } from './ingestion-phases.tsx'
import { useProjectRoute } from './project-route.ts'
import { isUpToDate } from './watching/live-set.ts'

interface OverviewProps {
  projectId: string
  live: UseIngestionSocket
}

/** How it is going: the four phases, the figures, what is wrong, who waits. Folds to one line. */
export function IngestionOverview({ projectId, live }: OverviewProps) {
  const { search, choose } = useProjectRoute()
  const [kept, keep] = useStored('ingest.phases')
  const isOpen = (search.phases ?? kept) !== 'closed'
  const fold = (next: boolean) => {
    keep(next ? null : 'closed')
    choose({ phases: next ? 'open' : 'closed' }, { replace: true })
  }
  return (
    <>
      <ConnectionNotice live={live} />
      <div data-testid="overview">
        <Section
          title={
            <span className="block max-w-[52vw] md:max-w-[34rem]">
              {/* What an upload is called is how many files it has, and the summary says that. */}
              {live.view?.source?.kind === 'upload' ? 'Upload' : <FilePath path={live.view?.source?.label ?? ''} />}
            </span>
          }
          summary={summaryOf(live)}
          open={isOpen}
          onOpenChange={fold}
        >
          <Relations projectId={projectId} live={live} />
          <IngestionPhases live={live} />
          <IngestionFigures projectId={projectId} live={live} />
          <IngestionEnd live={live} />
        </Section>
      </div>
    </>
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

/** All of it in one line. */
function summaryOf({ state, connection, status }: UseIngestionSocket): ReactNode {
  if (status === 'queued') return 'Queued'
  const figures = figuresOf(state)
  const { percent, phase, failed } = figures
  const isWorking = status === 'working'
  const parts = [
    isWorking && phase && `${Math.floor(percent)} % · ${phaseText(figures, isUpToDate(connection))}`,
    figures.total > 0 && filesText(figures, formatCount),
    failed > 0 && `${formatCount(failed)} failed`,
  ]
  return <span data-testid="summary">{parts.filter(Boolean).join(' · ')}</span>
}

/** What it has to do with the project's other ingestions. */
function Relations({ projectId, live: { view, project, status } }: OverviewProps) {
  if (view === null) return null
  const { ingestionId } = view
  const waiting = project.queued.filter((id) => id !== ingestionId)
  const isOlder = project.newestIngestionId !== null && ingestionId !== project.newestIngestionId
  const other = project.activeIngestionId ?? project.newestIngestionId
  const isBehind =
    status === 'queued' && project.activeIngestionId !== null && project.activeIngestionId !== ingestionId
  const isAhead = waiting.length > 0 && ingestionId === project.activeIngestionId
  const isPast = isOlder && other !== ingestionId && status !== 'queued'
  if (!view.retryOf && !isBehind && !isAhead && !isPast) return null
  return (
    <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-cell-x py-1.5 text-dense text-ink-2">
      {view.retryOf && (
        <IngestionLink projectId={projectId} ingestion={view.retryOf}>
          <RotateCcw size={13} aria-hidden="true" /> tries an earlier one again
        </IngestionLink>
      )}
      {isBehind && (
        <span className="inline-flex items-center gap-2" data-testid="queued-behind">
          <Chip tone="waiting" icon={Clock}>
            Queued behind
          </Chip>
          <IngestionLink projectId={projectId} ingestion={project.activeIngestionId ?? undefined}>
            the ingestion that is running
          </IngestionLink>
        </span>
      )}
      {isAhead && (
        <span className="numbers inline-flex items-center gap-1 text-wait">
          <Clock size={13} aria-hidden="true" /> {formatCount(waiting.length)} more queued behind this
        </span>
      )}
      {isPast && (
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

import { useStream } from '@holdfast/react'
import { Moment, ProgressBar, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { ingestionStream } from '../streams.ts'
import { formatCount, type IngestionView, type ProjectView } from '../view.ts'
import { type Figures, figuresOf, figuresOfView, filesText, phaseText } from './figures.ts'
import { IngestionChip } from './status-chips.tsx'
import { isUpToDate } from './watching/live-set.ts'

/** One project: what can be searched in it, and how its ingestion in view is going. */
export function ProjectRow({ project, isLive }: { project: ProjectView; isLive: boolean }) {
  const { id, name, files, chunks, ingestion, createdAt } = project
  return (
    <Link
      to="/projects/$projectId"
      params={{ projectId: id }}
      data-row
      data-testid="project-row"
      data-project={id}
      className="grid min-h-row grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1 px-cell-x py-2 -outline-offset-2 hover:bg-sunken md:grid-cols-[minmax(0,5fr)_minmax(0,7fr)_minmax(0,3fr)_5.5rem]"
    >
      <span className="truncate font-medium" title={name}>
        {name}
      </span>
      <span className="order-3 col-span-2 min-w-0 md:order-none md:col-span-1">
        {ingestion === null ? (
          <IngestionChip status="idle" />
        ) : isLive ? (
          <LiveLine key={ingestion.ingestionId} ingestion={ingestion} />
        ) : (
          <IngestionLine figures={figuresOfView(ingestion)} name={ingestion.ingestionId} isStale={false} />
        )}
      </span>
      <span className="numbers order-4 col-span-2 truncate text-dense text-ink-2 md:order-none md:col-span-1">
        {files === 0 ? 'Nothing to search yet' : `${formatCount(files)} files · ${formatCount(chunks)} passages`}
      </span>
      <span className="text-right text-dense text-ink-3">
        <Moment at={ingestion?.updatedAt ?? createdAt} />
      </span>
    </Link>
  )
}

/** Of the same stream, and by the same figures, as the project's page and the tray. */
function LiveLine({ ingestion }: { ingestion: IngestionView }) {
  const { projectId, ingestionId } = ingestion
  const { state, offset, connection } = useStream(ingestionStream, { projectId, ingestionId })
  // Until the stream was read the answer of the list stands.
  const figures = offset === null ? figuresOfView(ingestion) : figuresOf(state)
  return <IngestionLine figures={figures} name={ingestionId} isStale={offset !== null && !isUpToDate(connection)} />
}

interface IngestionLineProps {
  figures: Figures
  /** Keeps a bar from running back where another ingestion takes its place. */
  name: string
  isStale: boolean
}

function IngestionLine({ figures, name, isStale }: IngestionLineProps) {
  const { status, percent, phase, failed, message } = figures
  return (
    <span className="flex min-w-0 items-center gap-2">
      <IngestionChip status={status} />
      {status === 'working' && (
        <>
          <span className="w-20 shrink-0">
            <ProgressBar key={name} label="Whole ingestion" percent={percent} />
          </span>
          <span className="numbers truncate text-dense text-ink-2">
            <span data-testid="row-percent">{Math.floor(percent)} %</span>
            {phase && ` · ${phaseText(figures, !isStale)}`}
            <span className="max-sm:hidden"> · {filesText(figures, formatCount)}</span>
            {isStale && ' · as of before'}
          </span>
        </>
      )}
      {failed > 0 && (
        <span className={`numbers shrink-0 text-dense ${TONE_TEXT.failed}`}>{formatCount(failed)} failed</span>
      )}
      {message && (
        <span className="truncate text-dense text-ink-2" title={message}>
          {message}
        </span>
      )}
    </span>
  )
}

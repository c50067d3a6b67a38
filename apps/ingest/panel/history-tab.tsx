import { Button, classNames, Empty, Failure, Moment, SkeletonRows, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { History } from 'lucide-react'
import { formatCount, formatTook, type IngestionView } from '../view.ts'
import { ExportMenu } from './export-menu.tsx'
import { FilePath } from './file-path.tsx'
import { useIngestions } from './queries.ts'
import { pathOf } from './requests.ts'
import { IngestionChip } from './status-chips.tsx'

/** Every ingestion of the project, newest first, each with a link of its own. */
export function HistoryTab({ projectId, shown }: { projectId: string; shown: string | null }) {
  const list = useIngestions(projectId)
  if (list.isPending) return <SkeletonRows label="Reading the history" />
  if (list.isError) {
    return <Failure title="The history could not be read" error={list.error} onRetry={() => list.refetch()} />
  }
  const ingestions = list.data.pages.flatMap((page) => page.items)
  if (ingestions.length === 0) return <Empty icon={History} title="Nothing was ingested yet" />
  return (
    <>
      <div className="mb-3 flex items-center gap-2">
        <ExportMenu
          what="ingestions"
          count={list.data.pages[0]?.total ?? 0}
          path={(format) => pathOf(projectId, '/export/ingestions', { format })}
        />
        <span className="numbers text-dense text-ink-3 ml-auto">
          {formatCount(list.data.pages[0]?.total ?? 0)} in all
        </span>
      </div>
      <ol className="overflow-hidden rounded-md border border-line bg-raised" data-testid="history">
        {ingestions.map((ingestion) => (
          <li key={ingestion.ingestionId} className="border-b border-line last:border-b-0">
            <HistoryRow ingestion={ingestion} isShown={ingestion.ingestionId === shown} />
          </li>
        ))}
      </ol>
      {list.hasNextPage && (
        <Button className="mt-3" onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </>
  )
}

function HistoryRow({ ingestion, isShown }: { ingestion: IngestionView; isShown: boolean }) {
  const { projectId, ingestionId, source, status, result, metrics, retryOf, createdAt, error } = ingestion
  const failed = result?.files.failed ?? metrics?.filesFailed ?? 0
  return (
    <Link
      to="/projects/$projectId"
      params={{ projectId }}
      search={{ ingestion: ingestionId }}
      data-row
      data-testid="history-row"
      aria-current={isShown ? 'true' : undefined}
      className={classNames(
        'grid grid-cols-[auto_1fr_auto] items-center gap-x-3 gap-y-0.5 px-3 py-2 text-dense -outline-offset-2 hover:bg-sunken',
        isShown && 'bg-sunken',
      )}
    >
      <IngestionChip status={status} />
      <FilePath path={source.label} />
      <span className="text-ink-3">
        <Moment at={createdAt} />
      </span>
      <span className="numbers col-span-3 text-ink-2 sm:col-span-2 sm:col-start-2">
        {result &&
          `${formatCount(result.files.total)} files · ${formatCount(result.chunks)} passages · ${formatTook(result.seconds)}`}
        {error && <span className="text-fail">{error.errorCode === 'CANCELLED' ? '' : error.message}</span>}
        {failed > 0 && <span className={TONE_TEXT.failed}> · {formatCount(failed)} failed</span>}
        {retryOf && ' · tries an earlier one again'}
      </span>
    </Link>
  )
}

import { Button, Empty, Failure, SkeletonRows, SplitPane } from '@holdfast/ui'
import { FileX } from 'lucide-react'
import type { UseIngestionSocket } from '../client.ts'
import { CauseFilter } from './cause-filter.tsx'
import { isEnded } from './figures.ts'
import { FileDetail } from './file-detail.tsx'
import { FilesFilters } from './files-filters.tsx'
import { FilesTable } from './files-table.tsx'
import { useMayManage } from './me.ts'
import { type ProjectSearch, useProjectRoute } from './project-route.ts'
import { keys, REFRESH_MS, useFiles, useRefreshOn } from './queries.ts'

/** Every file with its status and the reason for it; filters, order and the file that is open stand in the address. */
export function FilesTab({ projectId, live }: { projectId: string; live: UseIngestionSocket }) {
  const { search, choose } = useProjectRoute()
  const { status, code, path, ingestion, sort, file } = search
  const list = useFiles(projectId, { status, code, q: path, ingestion, sort })
  // All pages in view are read again, so many of them are read less often.
  useRefreshOn(keys.files(projectId), signOf(live), REFRESH_MS * (list.data?.pages.length ?? 1))
  const mayManage = useMayManage(`projects/${projectId}`)
  const files = list.data?.pages.flatMap((page) => page.items) ?? []
  const { total = 0, groups = [] } = list.data?.pages[0] ?? {}
  const hasEnded = isEnded({ status: live.state.status })
  const isFiltered = status !== undefined || code !== undefined || path !== undefined
  const failed = groups
    .filter((group) => group.status === 'failed' && (code === undefined || group.code === code))
    .reduce((sum, group) => sum + group.files, 0)
  const table = (
    <>
      {list.isPending && <SkeletonRows label="Reading the files" rows={8} />}
      {list.isError && (
        <Failure title="The files could not be read" error={list.error} onRetry={() => list.refetch()} />
      )}
      {list.isSuccess && files.length === 0 && (
        <NoFiles isFiltered={isFiltered} hasEnded={hasEnded} onClear={() => choose(NO_FILTER)} />
      )}
      {files.length > 0 && (
        <FilesTable
          // Another filter begins with nothing selected.
          key={`${status} ${code} ${path} ${ingestion}`}
          projectId={projectId}
          search={search}
          files={files}
          total={total}
          failed={status === undefined || status === 'failed' ? failed : 0}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          mayRetry={hasEnded && mayManage}
          isTight={file !== undefined}
        />
      )}
    </>
  )
  return (
    <>
      {/* Nothing to filter: the filters would only stand in the way. */}
      {(isFiltered || groups.length > 0) && <FilesFilters projectId={projectId} groups={groups} total={total} />}
      <CauseFilter groups={groups} status={status} code={code} onChoose={choose} />
      <SplitPane
        name="files"
        list={table}
        detail={
          file === undefined ? null : (
            <FileDetail
              key={file}
              projectId={projectId}
              fileId={file}
              row={files.find(({ id }) => id === file)}
              mayRetry={hasEnded && mayManage}
              onClose={() => choose({ file: undefined })}
            />
          )
        }
      />
    </>
  )
}

const NO_FILTER: Partial<ProjectSearch> = { status: undefined, code: undefined, path: undefined }

/** Moves whenever a file's status can have moved. */
function signOf({ state, metrics }: UseIngestionSocket): string {
  const { filesTotal, filesDone, filesFailed, filesSkipped } = metrics ?? {}
  return [state.status, state.currentPhase, filesTotal, filesDone, filesFailed, filesSkipped].join()
}

function NoFiles(props: { isFiltered: boolean; hasEnded: boolean; onClear(): void }) {
  const { isFiltered, hasEnded, onClear } = props
  return (
    <Empty
      icon={FileX}
      title={isFiltered ? 'No file is like that' : hasEnded ? 'No file came in' : 'No file yet'}
      action={isFiltered && <Button onClick={onClear}>Show all files</Button>}
    >
      {isFiltered
        ? 'Another status or another part of a path may find it.'
        : hasEnded
          ? 'The ingestion ended before it came to one.'
          : 'Files appear here as they are found.'}
    </Empty>
  )
}

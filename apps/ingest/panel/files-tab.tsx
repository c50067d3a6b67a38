import { Button, Empty, Failure, SkeletonRows, SplitPane } from '@holdfast/ui'
import { useQueryClient } from '@tanstack/react-query'
import { FileX } from 'lucide-react'
import { useState } from 'react'
import type { UseIngestionSocket } from '../client.ts'
import { CauseFilter } from './cause-filter.tsx'
import { isEnded } from './figures.ts'
import { FileDetail } from './file-detail.tsx'
import { FilesFilters } from './files-filters.tsx'
import { FilesTable } from './files-table.tsx'
import { useMayManage } from './me.ts'
import { type ProjectSearch, useProjectRoute } from './project-route.ts'
import { keys, useFiles, useRefreshOn } from './queries.ts'

/** Every file with its status and the reason for it; filters, order and the file that is open stand in the address. */
export function FilesTab({ projectId, live }: { projectId: string; live: UseIngestionSocket }) {
  const { search, choose } = useProjectRoute()
  const { status, code, path, ingestion, sort, file } = search
  const list = useFiles(projectId, { status, code, q: path, ingestion, sort })
  const { moved, show } = useMovedFiles(projectId, live, list.dataUpdatedAt, list.data?.pages[0]?.groups.length === 0)
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
      {(isFiltered || groups.length > 0) && (
        <FilesFilters
          projectId={projectId}
          groups={groups}
          total={total}
          changed={files.length > 0 ? moved : 0}
          onShowChanged={show}
        />
      )}
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

/** While it works its files change all the time: the table is read again by itself at most this often, ms. */
const WORKING_REFRESH_MS = 60_000
/** An upload is counted before its files are in the table: a table with nothing in it is read again this often, ms. */
const EMPTY_REFRESH_MS = 2_000

/**
 * Reads the table again when an ingestion begins or ends, until its first files are there, each minute it works, and
 * when somebody asks; says how many files have moved on since it was read.
 */
function useMovedFiles(projectId: string, { state, metrics }: UseIngestionSocket, readAt: number, isEmpty: boolean) {
  const queries = useQueryClient()
  const { filesTotal = 0, filesDone = 0, filesFailed = 0, filesSkipped = 0 } = metrics ?? {}
  const now = { phase: state.currentPhase, handled: filesDone + filesFailed + filesSkipped }
  const [read, setRead] = useState({ at: readAt, ...now })
  if (read.at !== readAt) setRead({ at: readAt, ...now })
  useRefreshOn(keys.files(projectId), `${state.status} ${filesTotal > 0}`)
  useRefreshOn(keys.files(projectId), `${now.phase} ${now.handled}`, isEmpty ? EMPTY_REFRESH_MS : WORKING_REFRESH_MS)
  const moved = now.phase === read.phase ? Math.abs(now.handled - read.handled) : filesTotal
  return {
    moved: state.status === 'working' ? moved : 0,
    show: () => void queries.invalidateQueries({ queryKey: keys.files(projectId) }),
  }
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

import { Button, Choice, classNames, Empty, Failure, Field, SkeletonRows } from '@holdfast/ui'
import { FileX, Filter } from 'lucide-react'
import type { UseIngestionSocket } from '../client.ts'
import { type FileGroup, type FileStatus, formatCount } from '../view.ts'
import { CauseFilter } from './cause-filter.tsx'
import { FilesTable } from './files-table.tsx'
import { useProjectRoute } from './project-route.ts'
import { keys, REFRESH_MS, useFiles, useRefreshOn } from './queries.ts'
import { useTypedText } from './typed-text.ts'

/** Every file with its status and the reason for it; filters stand in the address. */
export function FilesTab({ projectId, live }: { projectId: string; live: UseIngestionSocket }) {
  const { search, choose } = useProjectRoute()
  const { status, code, path, ingestion } = search
  const list = useFiles(projectId, { status, code, q: path, ingestion })
  // All pages in view are read again, so many of them are read less often.
  useRefreshOn(keys.files(projectId), signOf(live), REFRESH_MS * (list.data?.pages.length ?? 1))
  const files = list.data?.pages.flatMap((page) => page.items) ?? []
  const { total = 0, groups = [] } = list.data?.pages[0] ?? {}
  const isEnded = live.status !== 'working' && live.status !== 'queued'
  const isFiltered = status !== undefined || code !== undefined || path !== undefined
  // Nothing to filter: the filters would only stand in the way.
  const hasFiles = isFiltered || groups.length > 0
  return (
    <>
      <div className={classNames('mb-3 flex-wrap items-center gap-2', hasFiles ? 'flex' : 'hidden')}>
        <StatusFilter groups={groups} value={status} onChange={(next) => choose({ status: next, code: undefined })} />
        <PathFilter value={path ?? ''} onChange={(next) => choose({ path: next || undefined }, { replace: true })} />
        {list.isSuccess && (
          <span className="numbers text-dense text-ink-3 sm:ml-auto" data-testid="files-total">
            {formatCount(total)} {total === 1 ? 'file' : 'files'}
            {ingestion === undefined ? ' in the project' : ' of this ingestion'}
          </span>
        )}
      </div>
      <CauseFilter groups={groups} status={status} code={code} onChoose={choose} />
      {list.isPending && <SkeletonRows label="Reading the files" rows={8} />}
      {list.isError && (
        <Failure title="The files could not be read" error={list.error} onRetry={() => list.refetch()} />
      )}
      {list.isSuccess && files.length === 0 && (
        <Empty
          icon={FileX}
          title={isFiltered ? 'No file is like that' : isEnded ? 'No file came in' : 'No file yet'}
          action={
            isFiltered && (
              <Button onClick={() => choose({ status: undefined, code: undefined, path: undefined })}>
                Show all files
              </Button>
            )
          }
        >
          {isFiltered
            ? 'Another status or another part of a path may find it.'
            : isEnded
              ? 'The ingestion ended before it came to one.'
              : 'Files appear here as they are found.'}
        </Empty>
      )}
      {files.length > 0 && (
        <FilesTable
          projectId={projectId}
          files={files}
          total={total}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          isEnded={isEnded}
        />
      )}
    </>
  )
}

/** Moves whenever a file's status can have moved. */
function signOf({ state, metrics }: UseIngestionSocket): string {
  const { filesTotal, filesDone, filesFailed, filesSkipped } = metrics ?? {}
  return [state.status, state.currentPhase, filesTotal, filesDone, filesFailed, filesSkipped].join()
}

interface StatusFilterProps {
  groups: FileGroup[]
  value: FileStatus | undefined
  onChange(value: FileStatus | undefined): void
}

const WORDS = [
  ['failed', 'Failed'],
  ['skipped', 'Skipped'],
  ['done', 'Done'],
  ['found', 'Waiting'],
] as const satisfies [FileStatus, string][]

function StatusFilter({ groups, value, onChange }: StatusFilterProps) {
  const count = (status: FileStatus) =>
    groups.reduce((sum, group) => (group.status === status ? sum + group.files : sum), 0)
  // Waiting is offered while something waits; the others always, so that nothing moves under the pointer.
  const offered = WORDS.filter(([name]) => name !== 'found' || value === 'found' || count('found') > 0)
  return (
    <Choice
      label="Status of the files"
      value={value ?? 'all'}
      onChange={(name) => onChange(name === 'all' ? undefined : (name as FileStatus))}
      options={[
        { name: 'all', title: 'All' },
        ...offered.map(([name, word]) => ({ name, title: <Counted word={word} count={count(name)} /> })),
      ]}
    />
  )
}

function Counted({ word, count }: { word: string; count: number }) {
  return (
    <>
      {word}
      {count > 0 && <span className="numbers font-mono text-small text-ink-3">{formatCount(count)}</span>}
    </>
  )
}

function PathFilter({ value, onChange }: { value: string; onChange(value: string): void }) {
  const [text, setText] = useTypedText(value, onChange)
  return (
    <Field
      label="Part of a path"
      hideLabel
      type="search"
      placeholder="Part of a path"
      icon={Filter}
      value={text}
      onChange={(event) => setText(event.target.value)}
      className="w-full sm:w-56"
      data-testid="path-filter"
    />
  )
}

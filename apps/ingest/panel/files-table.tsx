import {
  Button,
  Cell,
  classNames,
  Head,
  Moment,
  MoreRows,
  Row,
  SelectBox,
  type Selection,
  SelectionBar,
  SortHead,
  Table,
  TableHead,
  useSelection,
} from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { RotateCw } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { type FileSort, type FileView, formatBytes, formatCount } from '../view.ts'
import { kindOf } from './file-kinds.ts'
import { FilePath } from './file-path.tsx'
import { type ProjectSearch, useProjectRoute } from './project-route.ts'
import { FileChip } from './status-chips.tsx'
import { useRetryFiles } from './use-retry-files.ts'

interface FilesTableProps {
  projectId: string
  search: ProjectSearch
  files: FileView[]
  total: number
  /** How many of those that match have failed: what can be tried again. */
  failed: number
  hasMore: boolean
  onMore(): void
  /** Files can be tried again once the ingestion has ended. */
  mayRetry: boolean
  /** There is less room: a detail stands beside it. */
  isTight: boolean
}

/** The files. On a phone each row folds into two lines. */
export function FilesTable(props: FilesTableProps) {
  const { projectId, search, files, total, failed, hasMore, onMore, mayRetry, isTight } = props
  const { choose } = useProjectRoute()
  const failedIds = files.filter(({ status }) => status === 'failed').map(({ id }) => id)
  const selection = useSelection(failedIds, failed)
  const retry = useRetryFiles(projectId)
  const canSelect = mayRetry && failed > 0
  const sort = (next: string) => choose({ sort: next === 'path' ? undefined : (next as FileSort) })
  const sortProps = { sort: search.sort ?? 'path', onSort: sort }
  const retrySelected = () => {
    const { code, path: q, ingestion } = search
    const ids = [...selection.ids]
    retry(selection.isAll ? { code, q, ingestion, exceptIds: ids } : { fileIds: ids }, selection.count)
    selection.clear()
  }
  const retryAll = () => retry({ code: search.code, q: search.path, ingestion: search.ingestion }, failed)
  return (
    <>
      {canSelect && selection.count === 0 && (
        <div className="mb-2 flex items-center gap-2">
          <Button small icon={RotateCw} onClick={retryAll} data-testid="retry-set">
            Retry {filesOf(failed)}
          </Button>
          <span className="text-dense text-ink-3 max-sm:hidden">All that failed and match the filters.</span>
        </div>
      )}
      <Table
        label="Files"
        total={total}
        data-testid="files"
        foot={hasMore && <MoreRows {...{ shown: files.length, total, onMore }} />}
      >
        <TableHead>
          {canSelect && (
            <Head className="w-11">
              <SelectBox
                label="Select all failed files that are shown"
                checked={selection.loaded}
                onToggle={selection.toggleLoaded}
              />
            </Head>
          )}
          <SortHead name="path" {...sortProps} className={isTight ? undefined : 'w-[34%]'}>
            File
          </SortHead>
          {!isTight && <Head className="w-24 max-2xl:hidden">Kind</Head>}
          <SortHead name="size" downFirst {...sortProps} className="w-24 text-right">
            Size
          </SortHead>
          {!isTight && (
            <SortHead name="passages" downFirst {...sortProps} className="w-26 text-right max-lg:hidden">
              Passages
            </SortHead>
          )}
          <Head className="w-28">Status</Head>
          {!isTight && <Head>Reason</Head>}
          {!isTight && (
            <SortHead name="updated" downFirst {...sortProps} className="w-26 max-xl:hidden">
              Changed
            </SortHead>
          )}
          <Head className="w-12">
            <span className="sr-only">Retry</span>
          </Head>
        </TableHead>
        <tbody>
          {files.map((file) => (
            <FileRow
              key={file.id}
              file={file}
              projectId={projectId}
              isOpen={file.id === search.file}
              isTight={isTight}
              selection={canSelect ? selection : null}
              onRetry={mayRetry && file.status === 'failed' ? () => retry({ fileIds: [file.id] }, 1) : undefined}
            />
          ))}
        </tbody>
      </Table>
      {canSelect && (
        <SelectionBar selection={selection} total={failed} words={['file', 'files']}>
          <Button look="primary" small icon={RotateCw} onClick={retrySelected} data-testid="retry-selected">
            Retry {filesOf(selection.count)}
          </Button>
        </SelectionBar>
      )}
    </>
  )
}

function filesOf(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`
}

interface FileRowProps {
  file: FileView
  projectId: string
  isOpen: boolean
  isTight: boolean
  selection: Selection | null
  onRetry: (() => void) | undefined
}

function FileRow({ file, projectId, isOpen, isTight, selection, onRetry }: FileRowProps) {
  // What changes while it is looked at flashes once.
  const [firstStatus] = useState(file.status)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'r' || event.metaKey || event.ctrlKey || !onRetry) return
    event.preventDefault()
    onRetry()
  }
  return (
    <Row
      data-testid="file-row"
      data-status={file.status}
      onKeyDown={onKeyDown}
      selected={isOpen || selection?.has(file.id) === true}
      className={classNames(
        'max-md:grid max-md:items-center max-md:gap-x-2 max-md:px-3 max-md:py-2',
        selection ? 'max-md:grid-cols-[auto_1fr_auto_auto]' : 'max-md:grid-cols-[1fr_auto_auto]',
      )}
    >
      {selection && (
        <Cell className="max-md:p-0">
          {file.status === 'failed' && (
            <SelectBox
              label={`Select ${file.path}`}
              checked={selection.has(file.id)}
              onToggle={(isRange) => selection.toggle(file.id, isRange)}
            />
          )}
        </Cell>
      )}
      <Cell className="max-md:p-0">
        <Link
          to="/projects/$projectId"
          params={{ projectId }}
          search={(known: Record<string, unknown>) => ({ ...known, file: file.id })}
          resetScroll={false}
          data-open
          data-testid="file-link"
          className="block min-w-0 hover:underline"
        >
          <FilePath path={file.path} />
        </Link>
      </Cell>
      {!isTight && <Cell className="truncate text-ink-2 max-2xl:hidden">{kindOf(file.type)}</Cell>}
      <Cell className="numbers text-right whitespace-nowrap text-ink-2 max-md:hidden">{formatBytes(file.size)}</Cell>
      {!isTight && (
        <Cell className="numbers text-right text-ink-2 max-lg:hidden">
          {file.chunks > 0 ? formatCount(file.chunks) : '–'}
        </Cell>
      )}
      <Cell className="max-md:p-0">
        <span key={file.status} className={file.status === firstStatus ? undefined : 'flash'}>
          <FileChip status={file.status} />
        </span>
      </Cell>
      {!isTight && (
        <Cell
          className={classNames(
            'text-ink-2 max-md:row-start-2 max-md:p-0',
            selection ? 'max-md:col-span-3 max-md:col-start-2' : 'max-md:col-span-3',
          )}
          title={file.reason ? `${file.reason} (${file.code})` : undefined}
        >
          {file.reason && <span className="line-clamp-2">{file.reason}</span>}
        </Cell>
      )}
      {!isTight && (
        <Cell className="text-ink-3 max-xl:hidden">
          <Moment at={file.updatedAt} />
        </Cell>
      )}
      <Cell className="text-right max-md:p-0">
        {onRetry && (
          <Button
            look="quiet"
            small
            icon={RotateCw}
            aria-label={`Retry ${file.path}`}
            onClick={onRetry}
            data-testid="retry-file"
          />
        )}
      </Cell>
    </Row>
  )
}

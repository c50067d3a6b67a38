import { Badge, Button, Field, FilterChips, Menu, MenuItem, useTypedText } from '@holdfast/ui'
import { Check, Filter, ListFilter, RotateCw } from 'lucide-react'
import { FILE_CODES, type FileCode, type FileGroup, type FileStatus, formatCount } from '../view.ts'
import { ExportMenu } from './export-menu.tsx'
import { FILE_FILTERS, useProjectRoute } from './project-route.ts'
import { pathOf } from './requests.ts'
import { FILE_LOOKS } from './status-chips.tsx'

interface FilesFiltersProps {
  projectId: string
  groups: FileGroup[]
  total: number
  /** How many files have changed since the table was read. */
  changed: number
  onShowChanged(): void
}

/** Filters of the files' table; what is on stands below as chips with its count, each of which can be removed. */
export function FilesFilters({ projectId, groups, total, changed, onShowChanged }: FilesFiltersProps) {
  const { search, choose } = useProjectRoute()
  const { status, code, path, ingestion, sort } = search
  const setStatus = (next: FileStatus | undefined) => choose({ status: next, code: undefined })
  const chips = [
    ...(status
      ? [
          {
            name: 'Status',
            value: counted(FILE_LOOKS[status].word, countOf(groups, status)),
            onRemove: () => setStatus(undefined),
          },
        ]
      : []),
    ...(code
      ? [
          {
            name: 'Reason',
            value: counted(reasonOf(code), countOf(groups, status, code)),
            onRemove: () => choose({ code: undefined }),
          },
        ]
      : []),
    ...(path ? [{ name: 'Path', value: path, onRemove: () => choose({ path: undefined }) }] : []),
  ]
  const words = `${formatCount(total)} ${total === 1 ? 'file' : 'files'}`
  return (
    <div className="mb-3 flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <PathFilter value={path ?? ''} onChange={(next) => choose({ path: next || undefined }, { replace: true })} />
        <StatusMenu groups={groups} value={status} onChange={setStatus} />
        <ExportMenu
          what="files"
          count={total}
          path={(format) => pathOf(projectId, '/export/files', { format, status, code, q: path, ingestion, sort })}
        />
        <span className="numbers flex min-h-7 items-center gap-2 text-dense text-ink-3 max-sm:basis-full sm:ml-auto">
          <span data-testid="files-total">
            {words}
            {changed > 0 ? ' when last read' : ingestion === undefined ? ' in the project' : ' of this ingestion'}
          </span>
          {changed > 0 && (
            <Button small icon={RotateCw} onClick={onShowChanged} data-testid="show-changed">
              {formatCount(changed)} changed
            </Button>
          )}
        </span>
      </div>
      <FilterChips filters={chips} onClear={() => choose({ status: undefined, code: undefined, path: undefined })} />
    </div>
  )
}

function counted(word: string, count: number): string {
  return `${word} (${formatCount(count)})`
}

function countOf(groups: FileGroup[], status: FileStatus | undefined, code?: string): number {
  return groups
    .filter((group) => (status === undefined || group.status === status) && (code === undefined || group.code === code))
    .reduce((sum, group) => sum + group.files, 0)
}

/** What a code means, without its full stop. */
function reasonOf(code: string): string {
  return Object.hasOwn(FILE_CODES, code) ? FILE_CODES[code as FileCode].reason.replace(/\.$/, '') : code
}

interface StatusMenuProps {
  groups: FileGroup[]
  value: FileStatus | undefined
  onChange(value: FileStatus | undefined): void
}

function StatusMenu({ groups, value, onChange }: StatusMenuProps) {
  return (
    <Menu
      trigger={
        <Button icon={ListFilter} data-testid="file-status" aria-label="Filter by status">
          <span className="max-sm:hidden">Status</span>
        </Button>
      }
    >
      {FILE_FILTERS.map((status) => {
        const { icon, word, tone } = FILE_LOOKS[status]
        const count = countOf(groups, status)
        return (
          <MenuItem key={status} icon={value === status ? Check : icon} onSelect={() => onChange(status)}>
            <span className="inline-flex w-36 items-center justify-between gap-4">
              {word}
              <Badge tone={count > 0 ? tone : 'quiet'}>{formatCount(count)}</Badge>
            </span>
          </MenuItem>
        )
      })}
    </Menu>
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
      className="min-w-0 flex-1 sm:max-w-72"
      data-testid="path-filter"
    />
  )
}

import { RUN_STATUSES, type RunStatus } from '@holdfast/protocol/runs'
import { Button, classNames, Options, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { ListFilter } from 'lucide-react'
import type { RunFilter } from '../api.ts'
import { useRunCount } from '../queries.ts'
import { STATUS_LOOKS, STATUS_MEANINGS } from '../status.tsx'
import type { ListRoute, ListSearch } from './list-route.ts'

/** Told only where there are some: they mean that something is not as it should be. */
const TROUBLES: readonly RunStatus[] = ['quiet', 'stalled', 'lost']

/** Beyond this the server does not count. */
const COUNTED_TO = 100_000

export function countText(count: number): string {
  return count > COUNTED_TO ? `${COUNTED_TO.toLocaleString('en')}+` : count.toLocaleString('en')
}

/** How many match by status, whatever status is chosen; `undefined` until that is read. */
export function useStatusCounts(filter: RunFilter) {
  const base = { ...filter, status: undefined, retried: undefined }
  const { data } = useRunCount(base)
  // What was tried again has found its way; it still stands below “All”.
  const failed = useRunCount({ ...base, status: 'failed', retried: 'false' }).data?.count
  return data && { all: data.count, ...data.byStatus, failed: failed ?? data.byStatus.failed }
}

type StatusCounts = ReturnType<typeof useStatusCounts>

/** Those worth telling: trouble only where there is some. */
function told(counts: StatusCounts, chosen: string | undefined): RunStatus[] {
  return RUN_STATUSES.filter((one) => !TROUBLES.includes(one) || chosen === one || (counts?.[one] ?? 0) > 0)
}

/** What an address says that chooses a status: of the failed ones those that nobody has tried again. */
function searchOf(status: RunStatus | undefined): Partial<ListSearch> {
  return { status, retried: status === 'failed' ? 'false' : undefined }
}

interface StatusProps {
  counts: StatusCounts
  search: ListSearch
}

/** How many runs stand how; each is a link to just those. Not on a phone. */
export function StatusTabs({ counts, search }: StatusProps) {
  return (
    <nav aria-label="Runs by status" className="mb-3 flex flex-wrap gap-1 max-sm:hidden" data-testid="status-tabs">
      {[undefined, ...told(counts, search.status)].map((status) => (
        <Tab
          key={status ?? 'all'}
          status={status}
          word={status ? STATUS_LOOKS[status].word : 'All'}
          count={counts?.[status ?? 'all']}
          isCurrent={search.status === status}
          search={searchOf(status)}
        />
      ))}
    </nav>
  )
}

/** The same behind a button, where there is no room for tabs. */
export function StatusMenu({ counts, search, choose }: StatusProps & Pick<ListRoute, 'choose'>) {
  const options = [
    { name: 'all' as const, title: 'All', ...(counts && { count: counts.all }) },
    ...told(counts, search.status).map((name) => {
      const { word, tone } = STATUS_LOOKS[name]
      return { name, title: word, tone, ...(counts && { count: counts[name] }) }
    }),
  ]
  return (
    <span className="sm:hidden">
      <Options<RunStatus | 'all'>
        label="Status"
        trigger={<Button icon={ListFilter} aria-label="Filter by status" data-testid="status-menu" />}
        options={options}
        value={RUN_STATUSES.find((status) => status === search.status) ?? 'all'}
        onChange={(next) => choose(searchOf(next === 'all' ? undefined : next))}
      />
    </span>
  )
}

interface TabProps {
  status: RunStatus | undefined
  word: string
  count: number | undefined
  isCurrent: boolean
  search: Partial<ListSearch>
}

function Tab({ status, word, count, isCurrent, search }: TabProps) {
  const look = status && STATUS_LOOKS[status]
  const Icon = look?.icon
  return (
    <Link
      to="/work"
      search={(known: Record<string, unknown>) => ({ ...known, retried: undefined, ...search })}
      resetScroll={false}
      aria-current={isCurrent ? 'true' : undefined}
      title={status && STATUS_MEANINGS[status]}
      data-testid={`tab-${status ?? 'all'}`}
      className={classNames(
        'inline-flex h-7 shrink-0 items-center gap-1.5 rounded-md border px-2 text-dense pointer-coarse:h-10',
        isCurrent
          ? 'border-line-strong bg-raised font-medium text-ink'
          : 'border-transparent text-ink-2 hover:bg-sunken',
      )}
    >
      {Icon && look && (
        <Icon size={13} aria-hidden="true" className={(count ?? 0) > 0 ? TONE_TEXT[look.tone] : 'text-ink-3'} />
      )}
      {word}
      <span className="numbers min-w-[1ch] font-mono text-small text-ink-3">
        {count === undefined ? '' : countText(count)}
      </span>
    </Link>
  )
}

import { RUN_STATUSES, type RunStatus } from '@holdfast/protocol/runs'
import { classNames, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import type { RunFilter } from '../api.ts'
import { keepInView } from '../keep-in-view.ts'
import { useRunCount } from '../queries.ts'
import { STATUS_LOOKS, STATUS_MEANINGS } from '../status.tsx'
import type { ListSearch } from './list-route.ts'

/** Told only where there are some: they mean that something is not as it should be. */
const TROUBLES: readonly RunStatus[] = ['quiet', 'stalled', 'lost']

/** Beyond this the server does not count. */
const COUNTED_TO = 100_000

export function countText(count: number): string {
  return count > COUNTED_TO ? `${COUNTED_TO.toLocaleString('en')}+` : count.toLocaleString('en')
}

/** How many runs stand how; each is a link to just those. */
export function StatusTabs({ filter, search }: { filter: RunFilter; search: ListSearch }) {
  const base = { ...filter, status: undefined, retried: undefined }
  const { data } = useRunCount(base)
  // What was tried again has found its way; it still stands below “All”.
  const failed = useRunCount({ ...base, status: 'failed', retried: 'false' }).data?.count
  const counts = data && { ...data.byStatus, failed: failed ?? data.byStatus.failed }
  const shown = RUN_STATUSES.filter(
    (one) => !TROUBLES.includes(one) || search.status === one || (counts?.[one] ?? 0) > 0,
  )
  return (
    <nav
      aria-label="Runs by status"
      className="-mx-1 mb-3 flex gap-1 overflow-x-auto px-1 py-0.5"
      data-testid="status-tabs"
    >
      <Tab word="All" count={data?.count} isCurrent={search.status === undefined} search={{ status: undefined }} />
      {shown.map((status) => (
        <Tab
          key={status}
          status={status}
          word={STATUS_LOOKS[status].word}
          count={counts?.[status]}
          isCurrent={search.status === status}
          search={{ status, retried: status === 'failed' ? 'false' : undefined }}
        />
      ))}
    </nav>
  )
}

interface TabProps {
  status?: RunStatus
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
      ref={isCurrent ? keepInView : undefined}
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

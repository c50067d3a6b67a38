import { RUN_STATUSES, type RunStatus } from '@holdfast/protocol/runs'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { RUN_SORTS, type RunFilter, type RunSort } from '../api.ts'

/** How far back, by the word in the address, ms. */
export const SPANS = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000 } as const
export type Span = keyof typeof SPANS

/** What stands in the address of the list of runs. */
export interface ListSearch {
  /** Several with commas between. */
  status: string | undefined
  name: string | undefined
  queue: string | undefined
  cause: string | undefined
  q: string | undefined
  wait: string | undefined
  /** `false`: only those that no later run tries again. */
  retried: 'false' | undefined
  parent: string | undefined
  schedule: string | undefined
  since: Span | undefined
  from: string | undefined
  to: string | undefined
  /** Absent: newest first. */
  sort: RunSort | undefined
  /** The batch whose progress is shown above the list. */
  batch: string | undefined
}

export const NO_FILTER: Partial<ListSearch> = {
  status: undefined,
  name: undefined,
  queue: undefined,
  cause: undefined,
  q: undefined,
  wait: undefined,
  retried: undefined,
  parent: undefined,
  schedule: undefined,
  since: undefined,
  from: undefined,
  to: undefined,
}

export interface ListRoute {
  search: ListSearch
  filter: RunFilter
  sort: RunSort
  isFiltered: boolean
  choose(change: Partial<ListSearch>, how?: { replace?: boolean }): void
}

/** What is chosen on the list of runs, and the way to choose (kept in the address). */
export function useListRoute(): ListRoute {
  const given = useSearch({ strict: false }) as Record<string, string | undefined>
  const navigate = useNavigate()
  const search = searchOf(given)
  const { since } = search
  // Counted from when it was chosen: the list of one address stays one list.
  const begins = useMemo(() => (since ? new Date(Date.now() - SPANS[since]).toISOString() : undefined), [since])
  const { sort, batch, since: _, ...rest } = search
  const filter: RunFilter = { ...rest, from: begins ?? rest.from }
  const isFiltered = Object.values(rest).some((value) => value !== undefined) || since !== undefined
  const choose: ListRoute['choose'] = (change, how = {}) => {
    const next = { ...search, ...change }
    const params = { ...next, sort: next.sort === 'newest' ? undefined : next.sort }
    void navigate({ to: '/work', search: params, ...how, resetScroll: false })
  }
  return { search, filter, sort: sort ?? 'newest', isFiltered, choose }
}

function searchOf(given: Record<string, string | undefined>): ListSearch {
  const text = (name: keyof ListSearch) => given[name] || undefined
  return {
    status: statusesOf(given.status).join(',') || undefined,
    name: text('name'),
    queue: text('queue'),
    cause: text('cause'),
    q: text('q'),
    wait: text('wait'),
    retried: given.retried === 'false' ? 'false' : undefined,
    parent: text('parent'),
    schedule: text('schedule'),
    since: (Object.keys(SPANS) as Span[]).find((span) => span === given.since),
    from: text('from'),
    to: text('to'),
    sort: RUN_SORTS.find((name) => name === given.sort),
    batch: text('batch'),
  }
}

/** The statuses in a list with commas; what is none is left out. */
export function statusesOf(text: string | undefined): RunStatus[] {
  const names = (text ?? '').split(',')
  return RUN_STATUSES.filter((status) => names.includes(status))
}

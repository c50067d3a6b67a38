import type { RunSummary } from '@holdfast/protocol/runs'
import { useHeldRows, useIsReading } from '@holdfast/ui'
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import type { RunFilter, RunSort } from '../api.ts'
import { type RunPages, takeRuns } from '../cached-runs.ts'
import { useWorkNews, type WorkNews } from '../changes.ts'
import { PAGE_SIZE, useRuns, useWorkApi, workKeys } from '../queries.ts'

/** Rows a list that grows by itself may hold before it begins again with its first page. */
const GROWN_MOST = 200
/** Counts are read again at most this often, ms. */
const COUNT_EVERY_MS = 2_000
/** Runs whose status is remembered, to tell whether it is another one. */
const KNOWN_MOST = 5_000

export interface LiveRuns {
  list: ReturnType<typeof useRuns>
  runs: RunSummary[]
  /** Runs that have come to match while somebody reads: they wait. */
  held: number
  /** Lets them in. */
  release(): void
}

/**
 * The runs that match, kept as the server has them: of what changes only those rows are read again. While somebody reads,
 * rows that come are counted instead of shown, and rows that do not match any more stay where they are, as they stand now.
 */
export function useLiveRuns(filter: RunFilter, sort: RunSort): LiveRuns {
  const queries = useQueryClient()
  const list = useRuns(filter, sort)
  const isReading = useIsReading()
  const [fresh, setFresh] = useState<ReadonlyMap<string, RunSummary>>(NONE)
  const [gone, setGone] = useState<ReadonlySet<string>>(NOBODY)
  const readNews = useNewsReader(filter, sort)
  const noteForCounts = useRecount()
  const key = workKeys.list(filter, sort)
  const settle = () => {
    if (fresh.size > 0 || gone.size > 0) settleRows(queries, key, sort, [...fresh.values()], gone)
    setFresh(NONE)
    setGone(NOBODY)
  }
  const settleNow = useEffectEvent(settle)
  useEffect(() => {
    if (!isReading && (fresh.size > 0 || gone.size > 0)) settleNow()
  }, [isReading, fresh, gone])
  useWorkNews(async (news) => {
    noteForCounts(news)
    const told = await readNews(news)
    if (told === null) return
    const { asked, matching } = told
    setFresh((known) => new Map([...[...known].filter(([id]) => !asked.has(id) || matching.has(id)), ...told.fresh]))
    setGone((known) => new Set([...[...known].filter((id) => !matching.has(id)), ...told.gone]))
  })
  // What was read anew as a whole may have brought some as well.
  const { shown, held, release } = useHeldRows(list.data?.pages.flatMap(({ items }) => items) ?? [], idOf)
  const releaseAll = () => {
    release()
    settle()
  }
  return { list, runs: shown, held: held + fresh.size, release: releaseAll }
}

function idOf({ id }: RunSummary): string {
  return id
}

const NONE: ReadonlyMap<string, RunSummary> = new Map()
const NOBODY: ReadonlySet<string> = new Set()

interface Told {
  asked: ReadonlySet<string>
  matching: ReadonlySet<string>
  fresh: ReadonlyMap<string, RunSummary>
  /** Of the rows that are shown. */
  gone: ReadonlySet<string>
}

/** Reads what changed; `null` where all of the list was read again. */
function useNewsReader(filter: RunFilter, sort: RunSort): (news: WorkNews) => Promise<Told | null> {
  const api = useWorkApi()
  const queries = useQueryClient()
  return async ({ all, runs }) => {
    const key = workKeys.list(filter, sort)
    if (all) {
      await queries.invalidateQueries({ queryKey: key })
      return null
    }
    if (runs.size === 0) return null
    const asked = new Set(runs.keys())
    const { items } = await api.runs({ ...filter, ids: [...asked].join(',') }, { limit: 100 })
    const shown = new Set(queries.getQueryData<RunPages>(key)?.pages.flatMap((page) => page.items.map(({ id }) => id)))
    const matching = new Set(items.map(({ id }) => id))
    takeRuns(queries, items)
    const gone = new Set([...asked].filter((id) => shown.has(id) && !matching.has(id)))
    // What does not match any more is shown as it stands now, for as long as it is shown.
    if (gone.size > 0) takeRuns(queries, (await api.runs({ ids: [...gone].join(',') }, { limit: 100 })).items)
    const fresh = new Map(items.filter(({ id }) => !shown.has(id)).map((run) => [run.id, run] as const))
    return { asked, matching, gone, fresh }
  }
}

/** Puts what has come into its place and takes out what does not match any more. */
function settleRows(
  queries: QueryClient,
  key: readonly unknown[],
  sort: RunSort,
  fresh: readonly RunSummary[],
  gone: ReadonlySet<string>,
): void {
  const pages = queries.getQueryData<RunPages>(key)
  if (!pages) return
  const kept = pages.pages.map((page) => ({ ...page, items: page.items.filter(({ id }) => !gone.has(id)) }))
  const [first, ...rest] = kept
  const isByTime = sort === 'newest' && first !== undefined
  if (isByTime && first.items.length + fresh.length <= GROWN_MOST) {
    const items = merged(first.items, fresh, first.nextCursor !== null)
    queries.setQueryData<RunPages>(key, { ...pages, pages: [{ ...first, items }, ...rest] })
    return
  }
  // Where in another order they stand only the server knows: from the first page on.
  const start = first && { ...first, items: first.items.slice(0, PAGE_SIZE) }
  if (start) queries.setQueryData<RunPages>(key, { pages: [start], pageParams: pages.pageParams.slice(0, 1) })
  if (fresh.length > 0 || start?.items.length === 0) void queries.invalidateQueries({ queryKey: key })
}

/** Newest first. What belongs below the last row that is known comes with the next page. */
function merged(rows: readonly RunSummary[], fresh: readonly RunSummary[], hasMore: boolean): RunSummary[] {
  const last = rows.at(-1)
  const known = new Set(rows.map(({ id }) => id))
  const coming = fresh.filter((run) => !known.has(run.id) && !(hasMore && last && isNewer(last, run)))
  return [...rows, ...coming].sort((a, b) => (isNewer(a, b) ? -1 : 1))
}

function isNewer(a: RunSummary, b: RunSummary): boolean {
  return a.createdAt === b.createdAt ? a.id > b.id : a.createdAt > b.createdAt
}

/** Reads the counts again when runs have come to stand otherwise, now and then at once and never too often. */
function useRecount(): (news: WorkNews) => void {
  const queries = useQueryClient()
  const state = useRef({ at: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined, known: new Map() })
  useEffect(() => {
    const { current } = state
    return () => clearTimeout(current.timer)
  }, [])
  const recount = () => {
    state.current.timer = undefined
    state.current.at = performance.now()
    void queries.invalidateQueries({ queryKey: workKeys.counts })
  }
  return ({ all, runs }) => {
    const { current } = state
    let isOther = all
    for (const { id, status } of runs.values()) {
      isOther ||= current.known.get(id) !== status
      current.known.set(id, status)
    }
    if (current.known.size > KNOWN_MOST) current.known.clear()
    if (!isOther || current.timer !== undefined) return
    current.timer = setTimeout(recount, Math.max(0, current.at + COUNT_EVERY_MS - performance.now()))
  }
}

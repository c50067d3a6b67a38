import type { Paged, RunSummary } from '@holdfast/protocol/runs'
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useOrder, usePendingOrders } from '../orders.ts'
import { PAGE_SIZE, useWorkApi, workKeys } from '../queries.ts'
import { type Anchor, anchorOf, isMovable, withMove } from './order.ts'

type Pages = InfiniteData<Paged<RunSummary>>

/** Who stands in a queue, in order, a page at a time. */
export function useEntries(queue: string) {
  const api = useWorkApi()
  return useInfiniteQuery({
    queryKey: workKeys.entries(queue),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => api.entries(queue, { limit: PAGE_SIZE, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.nextCursor,
  })
}

/**
 * The way to move an entry to another place, counted from 0. It stands there at once; when the server has answered all
 * moves, the order is read anew, and with it the place of one that was refused.
 */
export function useMove(queue: string, entries: readonly RunSummary[]): (id: string, to: number) => Anchor | null {
  const queries = useQueryClient()
  const order = useOrder()
  const pending = usePendingOrders()
  const moving = entries.filter(({ id }) => pending.get(id)?.command === 'move').length
  const before = useRef(0)
  useEffect(() => {
    if (moving === 0 && before.current > 0) void queries.invalidateQueries({ queryKey: workKeys.entries(queue) })
    before.current = moving
  }, [queries, queue, moving])
  return (id, to) => {
    const movable = entries.filter((entry) => isMovable(entry))
    const from = movable.findIndex((entry) => entry.id === id)
    const entry = movable[from]
    const anchor = anchorOf(
      movable.map((one) => one.id),
      from,
      to,
    )
    if (!entry || anchor === null) return null
    // What is being read now would put it back for a moment.
    void queries.cancelQueries({ queryKey: workKeys.entries(queue) })
    queries.setQueryData<Pages>(workKeys.entries(queue), (known) => known && movedPages(known, id, anchor))
    order(entry, { command: 'move', ...anchor }, { isQuiet: true })
    return anchor
  }
}

/** The same pages, as long as they were, with one entry in another place. */
function movedPages(known: Pages, id: string, anchor: Anchor): Pages {
  const rest = withMove(
    known.pages.flatMap(({ items }) => items),
    id,
    anchor,
  )
  const pages = known.pages.map((page) => ({ ...page, items: rest.splice(0, page.items.length) }))
  return { ...known, pages }
}

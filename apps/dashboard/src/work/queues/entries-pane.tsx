import type { QueueView, RunSummary } from '@holdfast/protocol/runs'
import { Button, Empty, Failure, SkeletonRows, useHotkeys } from '@holdfast/ui'
import { ListOrdered, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { useWorkRights } from '../rights.ts'
import { EntryRow } from './entry-row.tsx'
import { countText } from './figures.ts'
import { isMovable } from './order.ts'
import { useDrag } from './use-drag.ts'
import { useEntries, useMove } from './use-entries.ts'

/** Who stands in a queue, in the order in which they begin; each can be moved. */
export function EntriesPane({ queue, onClose }: { queue: QueueView; onClose(): void }) {
  const list = useEntries(queue.name)
  const entries = list.data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <section
      aria-label={`Entries of ${queue.name}`}
      data-testid="entries"
      className="rounded-md border border-line bg-raised"
    >
      <div className="flex min-h-row items-center gap-2 border-b border-line pr-1.5 pl-cell-x">
        <h2 className="min-w-0 flex-1 truncate font-medium">
          In line in {queue.name}{' '}
          <span className="numbers text-dense font-normal text-ink-2">{countText(queue.queued)}</span>
        </h2>
        <Button look="quiet" small icon={X} aria-label="Close the entries" onClick={onClose} />
      </div>
      {list.isPending && <SkeletonRows label="Reading the entries" rows={4} />}
      {list.isError && entries.length === 0 && (
        <div className="p-3">
          <Failure title="The entries could not be read" error={list.error} onRetry={() => list.refetch()} />
        </div>
      )}
      {list.isSuccess && entries.length === 0 && (
        <Empty icon={ListOrdered} title="Nobody is in line">
          {queue.working > 0
            ? 'Whatever came is being worked on.'
            : 'Runs that come to this queue stand here until there is room.'}
        </Empty>
      )}
      {entries.length > 0 && <Entries queue={queue.name} entries={entries} />}
      {list.hasNextPage && (
        <div className="border-t border-line px-cell-x py-2">
          <Button small onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
            Show more
          </Button>
        </div>
      )}
    </section>
  )
}

function Entries({ queue, entries }: { queue: string; entries: readonly RunSummary[] }) {
  const ref = useRef<HTMLOListElement>(null)
  const rights = useWorkRights()
  const move = useMove(queue, entries)
  const [said, setSaid] = useState('')
  const movable = entries.filter((entry) => isMovable(entry))
  const put = (id: string, to: number) => {
    const at = Math.max(0, Math.min(movable.length - 1, to))
    const entry = movable.find((one) => one.id === id)
    if (entry && move(id, at)) setSaid(`${entry.name} stands at ${at + 1} of ${movable.length}.`)
  }
  const { drag, handle } = useDrag(ref, put)
  useEntryKeys(ref, movable, put)
  return (
    <>
      <p role="status" className="sr-only">
        {said}
      </p>
      <ol ref={ref} data-testid="entry-list">
        {entries.map((entry) => {
          const index = movable.indexOf(entry)
          const mayMove = index !== -1 && movable.length > 1 && rights.command(entry)
          return (
            <EntryRow
              key={entry.id}
              entry={entry}
              place={{ index, count: movable.length }}
              by={drag?.id === entry.id ? drag.by : null}
              line={lineOf(drag, movable, entry)}
              handle={mayMove ? handle(entry.id) : null}
              onMove={(to) => put(entry.id, to)}
            />
          )
        })}
      </ol>
    </>
  )
}

/** Where a dragged row would come to stand: above this one, below it, or not here. */
function lineOf(
  drag: { id: string; to: number } | null,
  movable: readonly RunSummary[],
  entry: RunSummary,
): 'above' | 'below' | null {
  if (drag === null || drag.id === entry.id) return null
  const others = movable.filter(({ id }) => id !== drag.id)
  const index = others.indexOf(entry)
  if (index === -1) return null
  if (index === drag.to) return 'above'
  return index === others.length - 1 && drag.to >= others.length ? 'below' : null
}

/** Keys that move the entry in which the focus is. */
function useEntryKeys(
  list: { current: HTMLElement | null },
  movable: readonly RunSummary[],
  put: (id: string, to: number) => void,
): void {
  const focused = () => {
    const row = document.activeElement?.closest<HTMLElement>('[data-drag-row]')
    return row && list.current?.contains(row) ? movable.findIndex(({ id }) => id === row.dataset.dragRow) : -1
  }
  const moving = (where: (index: number) => number) => () => {
    const index = focused()
    const entry = movable[index]
    if (!entry) return false
    put(entry.id, where(index))
    return true
  }
  const isActive = () => movable.length > 1
  const group = 'List' as const
  useHotkeys({
    u: { what: 'Move the entry up and down', group, isActive, run: moving((index) => index - 1) },
    d: { what: 'Move the entry up and down', group, isActive, run: moving((index) => index + 1) },
    t: { what: 'Move the entry to the front', group, isActive, run: moving(() => 0) },
  })
}

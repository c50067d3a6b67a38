import { hasEnded } from '@holdfast/protocol/runs'
import { Head, MoreRows, NewRows, SelectBox, SortHead, Table, TableHead, useSelection } from '@holdfast/ui'
import { useEffect, useMemo, useRef } from 'react'
import { overlaid, usePendingOrders } from '../orders.ts'
import { useWorkRights } from '../rights.ts'
import { Seconds } from '../seconds.tsx'
import { BulkBar } from './bulk-bar.tsx'
import type { ListRoute } from './list-route.ts'
import type { LiveRuns } from './live-runs.ts'
import { useRowKeys, useRunActions } from './run-actions.tsx'
import { RunRow } from './run-row.tsx'

interface RunsTableProps {
  live: LiveRuns
  total: number
  route: ListRoute
}

/** The runs as rows that can be worked with by keys, one by one or many at once. */
export function RunsTable({ live, total, route }: RunsTableProps) {
  const { list, held, release } = live
  const rights = useWorkRights()
  const pending = usePendingOrders()
  const runs = useMemo(() => live.runs.map((run) => overlaid(run, pending)), [live.runs, pending])
  const selection = useSelection(
    runs.map(({ id }) => id),
    total,
  )
  const { actions, dialog } = useRunActions()
  useRowKeys(runs, rights.command, actions)
  const toggle = useStable(selection.toggle)
  const sort = { sort: SORTED[route.sort], onSort: (next: string) => route.choose({ sort: sortOf(next) }) }
  return (
    <Seconds isRunning={runs.some(({ status }) => !hasEnded(status))}>
      <NewRows count={held} onShow={release} />
      <Table
        label="Runs"
        total={total}
        data-testid="runs"
        foot={
          list.hasNextPage && <MoreRows {...{ shown: runs.length, total, onMore: () => void list.fetchNextPage() }} />
        }
      >
        <TableHead>
          {rights.operate && (
            <Head className="w-11">
              <SelectBox
                label="Select all runs that are shown"
                checked={selection.loaded}
                onToggle={selection.toggleLoaded}
              />
            </Head>
          )}
          <Head className="w-28">Status</Head>
          <Head className="w-[24%]">Run</Head>
          <Head className="w-[11%] max-lg:hidden">Queue</Head>
          <Head className="w-12 text-right max-xl:hidden">Try</Head>
          <SortHead name="longest" downFirst {...sort} className="w-26 text-right">
            Time
          </SortHead>
          <Head>How it goes</Head>
          <SortHead name="created" downFirst {...sort} className="w-28 max-2xl:hidden">
            Begun
          </SortHead>
          <Head className="w-12">
            <span className="sr-only">What to do</span>
          </Head>
        </TableHead>
        <tbody>
          {runs.map((run) => (
            <RunRow
              key={run.id}
              run={run}
              isSelected={rights.operate ? selection.has(run.id) : null}
              onToggle={toggle}
              actions={rights.command(run) ? actions : null}
            />
          ))}
        </tbody>
      </Table>
      {rights.operate && <BulkBar selection={selection} total={total} runs={runs} route={route} />}
      {dialog}
    </Seconds>
  )
}

/** The order of the address, as the heads of the columns name it. */
const SORTED = { newest: '-created', oldest: 'created', longest: '-longest', priority: undefined } as const

function sortOf(head: string) {
  if (head === 'created') return 'oldest'
  return head === '-longest' ? 'longest' : 'newest'
}

/** The same function at each rendering, which calls the newest one: rows are not drawn again for it. */
function useStable<Args extends unknown[]>(run: (...args: Args) => void): (...args: Args) => void {
  const latest = useRef(run)
  useEffect(() => {
    latest.current = run
  })
  return useMemo(
    () =>
      (...args: Args) =>
        latest.current(...args),
    [],
  )
}

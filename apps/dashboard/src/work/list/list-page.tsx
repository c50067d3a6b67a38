import { RequestError } from '@holdfast/client'
import { Button, Empty, Failure, NoPermission, SkeletonRows, useHotkeys } from '@holdfast/ui'
import { SearchX } from 'lucide-react'
import { WorkFrame } from '../frame.tsx'
import { LiveNote } from '../live-note.tsx'
import { useRunCount } from '../queries.ts'
import { BatchBar } from './batch-bar.tsx'
import { FirstRun } from './first-run.tsx'
import { ListFilters } from './list-filters.tsx'
import { NO_FILTER, useListRoute } from './list-route.ts'
import { useLiveRuns } from './live-runs.ts'
import { RunsTable } from './runs-table.tsx'
import { countText, StatusMenu, StatusTabs, useStatusCounts } from './status-tabs.tsx'

/** All runs, live; filters, order and a batch under way stand in the address. */
export function ListPage() {
  const route = useListRoute()
  const { filter, sort } = route
  return (
    <WorkFrame tab="runs">
      {/* Another filter begins anew: nothing is held back and nothing selected. */}
      <RunList key={JSON.stringify([filter, sort])} route={route} />
    </WorkFrame>
  )
}

function RunList({ route }: { route: ReturnType<typeof useListRoute> }) {
  const { search, filter, sort, isFiltered, choose } = route
  const live = useLiveRuns(filter, sort)
  const { list, runs } = live
  const count = useRunCount(filter).data?.count
  const counts = useStatusCounts(filter)
  const total = Math.max(count ?? 0, runs.length)
  useHotkeys({
    '/': { what: 'Search runs', run: () => document.querySelector<HTMLElement>('[data-search]')?.focus() },
  })
  if (list.error instanceof RequestError && list.error.status === 403) {
    return <NoPermission what="the list of runs" scope="read:runs" />
  }
  const isFirst = list.isSuccess && runs.length === 0 && !isFiltered
  return (
    <>
      {search.batch && (
        <BatchBar
          key={search.batch}
          id={search.batch}
          onUndone={(batch) => choose({ batch }, { replace: true })}
          onClose={() => choose({ batch: undefined }, { replace: true })}
        />
      )}
      {!isFirst && (
        <>
          <StatusTabs counts={counts} search={search} />
          <ListFilters
            search={search}
            choose={choose}
            status={<StatusMenu counts={counts} search={search} choose={choose} />}
          >
            <span className="numbers flex min-h-7 flex-wrap items-center gap-x-3 text-dense text-ink-3 sm:ml-auto">
              <LiveNote />
              {count !== undefined && isFiltered && (
                <span data-testid="runs-total">
                  {countText(count)} {count === 1 ? 'run that matches' : 'runs that match'}
                </span>
              )}
            </span>
          </ListFilters>
        </>
      )}
      {list.isPending && (
        <div className="rounded-md border border-line bg-raised">
          <SkeletonRows label="Reading the runs" rows={8} />
        </div>
      )}
      {list.isError && <Failure title="The runs could not be read" error={list.error} onRetry={() => list.refetch()} />}
      {isFirst && <FirstRun />}
      {list.isSuccess && runs.length === 0 && isFiltered && <NoMatch onClear={() => choose(NO_FILTER)} />}
      {runs.length > 0 && <RunsTable live={live} total={total} route={route} />}
    </>
  )
}

function NoMatch({ onClear }: { onClear(): void }) {
  return (
    <div className="rounded-md border border-line bg-raised" data-testid="no-match">
      <Empty icon={SearchX} title="No run is like that" action={<Button onClick={onClear}>Show all runs</Button>}>
        It appears here when one comes to be. Another status, another name or a longer time may find one now.
      </Empty>
    </div>
  )
}

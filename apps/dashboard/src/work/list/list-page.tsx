import { Failure, SkeletonRows } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { WorkFrame } from '../frame.tsx'
import { useRuns } from '../queries.ts'
import { RunChip } from '../status.tsx'

/** The runs, newest first. */
export function ListPage() {
  const list = useRuns({}, 'newest')
  const runs = list.data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <WorkFrame tab="runs">
      {list.isPending && <SkeletonRows label="Reading the runs" />}
      {list.isError && <Failure title="The runs could not be read" error={list.error} onRetry={() => list.refetch()} />}
      <ul>
        {runs.map((run) => (
          <li key={run.id} className="flex gap-3">
            <RunChip run={run} />
            <Link to="/work/$runId" params={{ runId: run.id }}>
              {run.name}
            </Link>
          </li>
        ))}
      </ul>
    </WorkFrame>
  )
}

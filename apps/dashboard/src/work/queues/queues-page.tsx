import { Failure, SkeletonRows } from '@holdfast/ui'
import { WorkFrame } from '../frame.tsx'
import { useQueues } from '../queries.ts'

/** The queues with how many runs stand in each. */
export function QueuesPage() {
  const { data, error, isPending, refetch } = useQueues()
  return (
    <WorkFrame tab="queues">
      {isPending && <SkeletonRows label="Reading the queues" />}
      {error && <Failure title="The queues could not be read" error={error} onRetry={() => refetch()} />}
      <ul className="overflow-clip rounded-md border border-line bg-raised">
        {data?.queues.map(({ name, queued, working }) => (
          <li key={name} className="flex min-h-row items-center gap-4 border-b border-line px-cell-x last:border-b-0">
            <span className="font-medium">{name}</span>
            <span className="numbers text-ink-2">
              {queued} queued, {working} working
            </span>
          </li>
        ))}
      </ul>
    </WorkFrame>
  )
}

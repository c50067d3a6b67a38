import { RequestError } from '@holdfast/client'
import type { FailureGroup } from '@holdfast/protocol/runs'
import { Empty, Failure, NoPermission, SkeletonRows } from '@holdfast/ui'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Check } from 'lucide-react'
import { useState } from 'react'
import { runs } from '../batches.ts'
import { useWorkNews } from '../changes.ts'
import { WorkFrame } from '../frame.tsx'
import { BatchBar } from '../list/batch-bar.tsx'
import { LiveNote } from '../live-note.tsx'
import { useWorkApi, workKeys } from '../queries.ts'
import { useWorkRights } from '../rights.ts'
import { FailureRow } from './failure-row.tsx'

/** What failed and was not tried again, by cause, each with one retry for all of it. */
export function FailuresPage() {
  const failures = useFailures()
  const { batch, setBatch } = useBatch()
  const { operate } = useWorkRights()
  const groups = useSteady(failures.data?.items ?? [])
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  return (
    <WorkFrame tab="failures" note={count > 0 ? `${count} failed` : undefined}>
      {batch && <BatchBar key={batch} id={batch} onUndone={setBatch} onClose={() => setBatch(undefined)} />}
      {failures.isPending && (
        <div className="rounded-md border border-line bg-raised">
          <SkeletonRows label="Reading the failures" />
        </div>
      )}
      {failures.error instanceof RequestError && failures.error.status === 403 ? (
        <NoPermission what="the failures" scope="read:runs" />
      ) : (
        failures.isError && (
          <Failure title="The failures could not be read" error={failures.error} onRetry={() => failures.refetch()} />
        )
      )}
      {failures.isSuccess && groups.length === 0 && (
        <div className="rounded-md border border-line bg-raised" data-testid="no-failures">
          <Empty icon={Check} title="Nothing has failed">
            Runs that fail are gathered here by their cause, with one retry for each. What was tried again leaves.
          </Empty>
        </div>
      )}
      {groups.length > 0 && (
        <>
          <p className="numbers mb-2 flex flex-wrap gap-x-3 text-dense text-ink-3">
            <span>
              {runs(count)} failed for {groups.length === 1 ? 'one cause' : `${groups.length} causes`} and{' '}
              {count === 1 ? 'was' : 'were'} not tried again.
            </span>
            <LiveNote />
          </p>
          <ul className="overflow-clip rounded-md border border-line bg-raised" data-testid="failures">
            {groups.map((group) => (
              <li key={group.cause} className="border-b border-line last:border-b-0">
                <FailureRow group={group} mayRetry={operate} onStarted={setBatch} />
              </li>
            ))}
          </ul>
        </>
      )}
    </WorkFrame>
  )
}

/** Read again when a run comes to fail, or a failed one is tried again. */
function useFailures() {
  const api = useWorkApi()
  const queries = useQueryClient()
  useWorkNews(({ all, runs: changed }) => {
    const isOther = all || [...changed.values()].some(({ status }) => status === 'failed')
    return isOther ? queries.invalidateQueries({ queryKey: workKeys.failures }) : undefined
  })
  return useQuery({
    queryKey: workKeys.failures,
    queryFn: ({ signal }) => api.failures({}, signal),
    placeholderData: keepPreviousData,
  })
}

/** The groups in the order they came to be shown in: nothing jumps while it is read; what is new stands first or last. */
function useSteady(groups: readonly FailureGroup[]): FailureGroup[] {
  const [order, setOrder] = useState<readonly string[]>([])
  const known = new Set(order)
  const fresh = groups.filter(({ cause }) => !known.has(cause)).map(({ cause }) => cause)
  if (fresh.length > 0) setOrder([...order, ...fresh])
  const byCause = new Map(groups.map((group) => [group.cause, group]))
  return [...order, ...fresh].flatMap((cause) => byCause.get(cause) ?? [])
}

function useBatch() {
  const { batch } = useSearch({ strict: false }) as { batch?: string }
  const navigate = useNavigate()
  const setBatch = (id: string | undefined) =>
    void navigate({ to: '/work/failures', search: { batch: id } as object, resetScroll: false, replace: true })
  return { batch, setBatch }
}

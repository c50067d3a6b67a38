import { RequestError } from '@holdfast/client'
import type { RunSummary } from '@holdfast/protocol/runs'
import { Button, Empty, Failure, NewRows, NoPermission, SkeletonRows } from '@holdfast/ui'
import { Check } from 'lucide-react'
import { WorkFrame } from '../frame.tsx'
import { useLiveRuns } from '../list/live-runs.ts'
import { LiveNote } from '../live-note.tsx'
import { useWorkRights } from '../rights.ts'
import { DecisionCard } from './decision-card.tsx'
import { FOR_PEOPLE, useDecisionCount } from './decision-count.ts'
import { isForPeople } from './for-people.ts'

/** Runs that wait for a person: what each asks, and what follows from each answer. The longest waiting first. */
export function DecisionsPage() {
  const count = useDecisionCount()
  const live = useLiveRuns(FOR_PEOPLE, 'oldest')
  const { list, held, release } = live
  const runs = live.runs.filter(needsPerson)
  const { command } = useWorkRights()
  return (
    <WorkFrame tab="decisions" note={count > 0 ? `${count} to decide` : undefined}>
      {list.isPending && (
        <div className="rounded-md border border-line bg-raised">
          <SkeletonRows label="Reading what waits for a person" />
        </div>
      )}
      {list.error instanceof RequestError && list.error.status === 403 ? (
        <NoPermission what="what waits for a person" scope="read:runs" />
      ) : (
        list.isError && (
          <Failure title="The decisions could not be read" error={list.error} onRetry={() => list.refetch()} />
        )
      )}
      {list.isSuccess && runs.length === 0 && (
        <div className="rounded-md border border-line bg-raised" data-testid="no-decisions">
          <Empty icon={Check} title="Nothing waits for you">
            Runs come here that cannot go on without a person: an approval, a question, a step of which nobody knows
            whether it was done, a run that took its server down again and again.
          </Empty>
        </div>
      )}
      <LiveNote />
      <NewRows count={held} onShow={release} />
      <ul className="flex flex-col gap-3" data-testid="decisions">
        {runs.map((run) => (
          <li key={run.id}>
            <DecisionCard run={run} mayDecide={command(run)} />
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button className="mt-3" onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          Show more
        </Button>
      )}
    </WorkFrame>
  )
}

/** What was answered leaves at once, whatever stands in the list as it was read. */
function needsPerson({ status, waits }: RunSummary): boolean {
  return status === 'waiting' && waits.some(isForPeople)
}

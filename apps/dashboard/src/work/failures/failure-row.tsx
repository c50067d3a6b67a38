import type { FailureGroup } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { Button, buttonClass, Failure, Moment } from '@holdfast/ui'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleSlash, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { isConflict } from '../api.ts'
import { runs } from '../batches.ts'
import { shortId } from '../list/run-row.tsx'
import { useWorkApi, workKeys } from '../queries.ts'

interface FailureRowProps {
  group: FailureGroup
  mayRetry: boolean
  /** With the id of the batch that tries them again. */
  onStarted(batch: string): void
}

/** Apart by less, the first and the last are told as one moment. */
const A_WHILE_MS = 60_000

/** Runs that failed for one cause: how many, why, since when, and one retry for all of them. */
export function FailureRow({ group, mayRetry, onStarted }: FailureRowProps) {
  const { cause, error, name, count, newestAt, oldestAt } = group
  const retry = useRetryGroup(group, onStarted)
  return (
    <div
      data-row
      data-testid="failure-group"
      data-cause={cause}
      tabIndex={-1}
      className="flex flex-wrap items-start gap-x-4 gap-y-2 px-cell-x py-3 -outline-offset-2 focus:bg-sunken"
    >
      <CircleSlash size={18} aria-hidden="true" className="mt-0.5 shrink-0 text-fail" />
      <div className="min-w-0 flex-1 basis-72">
        <p className="font-medium break-words">
          <span className="numbers text-fail">{runs(count)}:</span> {error.message}
        </p>
        <p className="mt-0.5 flex flex-wrap gap-x-3 text-dense text-ink-2">
          <span className="font-medium">{name}</span>
          <span className="font-mono text-small leading-[18px] text-ink-3">{error.code}</span>
          <span>
            last <Moment at={newestAt} />
            {Date.parse(newestAt) - Date.parse(oldestAt) > A_WHILE_MS && (
              <>
                , first <Moment at={oldestAt} />
              </>
            )}
          </span>
        </p>
        <Newest group={group} />
        <div aria-live="polite">{retry.notice}</div>
      </div>
      <div className="flex gap-2">
        <Link
          to="/work"
          search={{ status: 'failed', retried: 'false', cause } as object}
          className={buttonClass('quiet', true)}
          data-open
        >
          See {count === 1 ? 'it' : 'them'}
        </Link>
        {mayRetry && (
          <Button small icon={RotateCw} disabled={retry.isPending} onClick={retry.run} data-testid="retry-group">
            Retry {runs(count)}
          </Button>
        )}
      </div>
    </div>
  )
}

function Newest({ group: { runs: ids, count } }: { group: FailureGroup }) {
  return (
    <p className="mt-1 flex flex-wrap gap-x-2 text-small text-ink-3 max-sm:hidden">
      {count > ids.length ? 'Newest:' : 'Runs:'}
      {ids.map((id) => (
        <Link key={id} to="/work/$runId" params={{ runId: id }} className="font-mono text-accent hover:underline">
          {shortId(id)}
        </Link>
      ))}
    </p>
  )
}

function useRetryGroup({ cause, count }: FailureGroup, onStarted: (batch: string) => void) {
  const client = useStreamClient()
  const api = useWorkApi()
  const queries = useQueryClient()
  const [told, setTold] = useState(count)
  const start = useMutation({
    networkMode: 'always',
    mutationFn: () =>
      api.startBatch(
        { action: 'retry', filter: { status: 'failed', retried: 'false', cause }, expected: count },
        client.world.id(),
      ),
    onMutate: () => setTold(count),
    onSuccess: (batch) => {
      queries.setQueryData(workKeys.batch(batch.id), batch)
      onStarted(batch.id)
    },
    onSettled: () => queries.invalidateQueries({ queryKey: workKeys.failures }),
  })
  const notice = isConflict(start.error) ? (
    <p className="mt-2 rounded-md bg-wait-soft px-3 py-2 text-wait" data-testid="count-changed">
      Nothing was done. You were told of {runs(told)}, and now there are {count.toLocaleString('en')}.
    </p>
  ) : (
    start.error && <Failure title="Nothing was tried again" error={start.error} />
  )
  return { run: () => start.mutate(), isPending: start.isPending, notice }
}

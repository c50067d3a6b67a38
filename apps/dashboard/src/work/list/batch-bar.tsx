import { type BatchView, hasEnded } from '@holdfast/protocol/runs'
import { Button, Failure, ProgressBar, useReport } from '@holdfast/ui'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, CircleSlash, LoaderCircle, Undo2, X } from 'lucide-react'
import { BATCH_WORDS, runs } from '../batches.ts'
import { useWorkNews } from '../changes.ts'
import { useWorkApi, workKeys } from '../queries.ts'

interface BatchBarProps {
  id: string
  /** With the batch that takes this one back. */
  onUndone(id: string): void
  onClose(): void
}

/** How far an action on many runs is, live, and the way to take it back. */
export function BatchBar({ id, onUndone, onClose }: BatchBarProps) {
  const api = useWorkApi()
  const queries = useQueryClient()
  const report = useReport()
  const {
    data: batch,
    error,
    refetch,
  } = useQuery({
    queryKey: workKeys.batch(id),
    queryFn: ({ signal }) => api.batch(id, signal),
  })
  useWorkNews(({ all, runs: changed }) => {
    if (all || changed.has(id)) return queries.invalidateQueries({ queryKey: workKeys.batch(id) })
  })
  const undo = useMutation({
    networkMode: 'always',
    mutationFn: () => api.undoBatch(id),
    onSuccess: (made) => {
      queries.setQueryData(workKeys.batch(made.id), made)
      onUndone(made.id)
    },
    onError: (failure) => report('It was not taken back', failure),
  })
  if (error && !batch) return <Failure title="The batch could not be read" error={error} onRetry={() => refetch()} />
  if (!batch) return null
  const isOver = hasEnded(batch.status)
  const Icon = !isOver ? LoaderCircle : batch.status === 'done' ? Check : CircleSlash
  const colour = !isOver ? 'text-accent' : batch.status === 'done' ? 'text-done' : 'text-fail'
  return (
    <div
      role="status"
      data-testid="batch"
      data-status={batch.status}
      className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md border border-line bg-raised py-1.5 pr-1.5 pl-3"
    >
      <Icon size={16} aria-hidden="true" className={`shrink-0 ${colour}`} />
      <span className="numbers min-w-0 flex-1 basis-56">
        {wordsOf(batch)}{' '}
        <Link to="/work/$runId" params={{ runId: batch.id }} className="text-accent underline underline-offset-2">
          See how
        </Link>
      </span>
      {!isOver && (
        <span className="w-32 shrink-0">
          <ProgressBar
            key={id}
            label="Batch"
            percent={percentOf(batch)}
            valueText={`${batch.done} of ${batch.count}`}
          />
        </span>
      )}
      {batch.undoable && (
        <Button small icon={Undo2} disabled={undo.isPending} onClick={() => undo.mutate()} data-testid="undo-batch">
          Undo
        </Button>
      )}
      <Button look="quiet" small icon={X} aria-label="Close" onClick={onClose} />
    </div>
  )
}

function percentOf({ done, skipped, count }: BatchView): number {
  return count === 0 ? 100 : ((done + skipped) / count) * 100
}

function wordsOf({ action, count, done, skipped, status, undoOf }: BatchView): string {
  const { going, over } = BATCH_WORDS[action]
  const rest = skipped > 0 ? ` ${runs(skipped)} had changed meanwhile and ${skipped === 1 ? 'stays' : 'stay'} so.` : ''
  const back = undoOf === null ? '' : ' This takes the action before it back.'
  if (!hasEnded(status)) return `${going} ${runs(count)}: ${done.toLocaleString('en')} done.${rest}${back}`
  const end =
    status === 'done' ? '' : status === 'failed' ? ' It failed before it came to the end.' : ' It was cancelled.'
  return `${runs(done)} ${done === 1 ? 'was' : 'were'} ${over}.${rest}${end}${back}`
}

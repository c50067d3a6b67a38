import type { BatchAction } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { Button, Dialog, DialogActions, Failure, Field, Skeleton } from '@holdfast/ui'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { isConflict, type RunCount } from '../api.ts'
import { BATCH_WORDS, consequences, countSet, fitting, type RunSet, runs } from '../batches.ts'
import { useWorkApi, workKeys } from '../queries.ts'

interface BulkDialogProps {
  action: BatchAction
  set: RunSet
  onClose(): void
  /** With the batch's id. */
  onStarted(batch: string): void
}

/** Asks before many runs are changed: how many the server counts, what becomes of them and what is lost. */
export function BulkDialog(props: BulkDialogProps) {
  const { action, set, onClose } = props
  const api = useWorkApi()
  const count = useQuery({
    queryKey: [...workKeys.all, 'set', action, set],
    queryFn: ({ signal }) => countSet(api, set, signal),
    // What is about to be changed is counted each time it is asked.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={titleOf(action, count.data)}
      description={count.data ? consequences(action, count.data).join(' ') : undefined}
    >
      {count.isPending && <Skeleton className="h-10" />}
      {count.isError && (
        <Failure title="They could not be counted" error={count.error} onRetry={() => count.refetch()} />
      )}
      {count.data && <BulkForm {...props} count={count.data} onRecount={() => void count.refetch()} />}
    </Dialog>
  )
}

function titleOf(action: BatchAction, count: RunCount | undefined): string {
  const { verb } = BATCH_WORDS[action]
  if (!count) return `${verb} runs`
  const fit = fitting(action, count)
  return fit === count.count ? `${verb} ${runs(fit)}?` : `${verb} ${fit.toLocaleString('en')} of ${runs(count.count)}?`
}

interface BulkFormProps extends BulkDialogProps {
  count: RunCount
  onRecount(): void
}

function BulkForm({ action, set, count, onClose, onStarted, onRecount }: BulkFormProps) {
  const client = useStreamClient()
  const api = useWorkApi()
  const queries = useQueryClient()
  const [priority, setPriority] = useState('60')
  // Sent again it is the same batch, as long as it is about as many.
  const [id] = useState(() => client.world.id())
  const [told, setTold] = useState(count.count)
  const start = useMutation({
    networkMode: 'always',
    mutationFn: () =>
      api.startBatch(
        {
          action,
          ...set,
          expected: count.count,
          ...(action === 'priority' && { priority: Number(priority) }),
        },
        `${id}-${count.count}`,
      ),
    onSuccess: (batch) => {
      queries.setQueryData(workKeys.batch(batch.id), batch)
      onStarted(batch.id)
    },
    onError: (error) => {
      if (!isConflict(error)) return
      setTold(count.count)
      onRecount()
    },
  })
  const isOther = isConflict(start.error)
  const isWrong = action === 'priority' && !/^-?\d{1,6}$/.test(priority.trim())
  const fit = fitting(action, count)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isWrong && fit > 0) start.mutate()
  }
  return (
    <form onSubmit={submit}>
      {action === 'priority' && (
        <Field
          label="Priority, in seconds"
          hint="A run goes before what was due up to so much earlier. Negative: after."
          problem={isWrong ? 'A whole number of seconds.' : undefined}
          value={priority}
          onChange={(event) => setPriority(event.target.value)}
          inputMode="numeric"
          autoFocus
        />
      )}
      {isOther && (
        <p role="alert" className="rounded-md bg-wait-soft px-3 py-2 text-wait" data-testid="count-changed">
          Nothing was done. It was about {runs(told)}, and now there are {count.count.toLocaleString('en')}.
        </p>
      )}
      {start.isError && !isOther && <Failure title="Nothing was done" error={start.error} />}
      <DialogActions>
        <Button onClick={onClose}>Leave them as they are</Button>
        <Button
          look={action === 'cancel' ? 'danger' : 'primary'}
          type="submit"
          disabled={start.isPending || isWrong || fit === 0}
          data-testid="confirm-bulk"
        >
          {BATCH_WORDS[action].verb} {runs(fit)}
        </Button>
      </DialogActions>
    </form>
  )
}

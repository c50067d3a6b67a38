import { RequestError } from '@holdfast/client'
import type { RunDetails } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { Button, Dialog, DialogActions, Failure, useToast } from '@holdfast/ui'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { isConflict } from '../../api.ts'
import { takeRuns } from '../../cached-runs.ts'
import { standsNow } from '../../orders.ts'
import { useWorkApi, workKeys } from '../../queries.ts'
import { JsonEditor, type JsonProblem } from './json-editor.tsx'
import { findPlace, findSyntaxError } from './json-place.ts'

/** Tries a run again with an input that was changed; what is wrong with it is told where it stands. */
export default function RetryWithInput({ run, onClose }: { run: RunDetails; onClose(): void }) {
  const [text, setText] = useState(() => JSON.stringify(run.input, null, 2) ?? 'null')
  const { send, isPending, error, forget } = useSend(run, onClose)
  const wrong = findSyntaxError(text)
  const problems: JsonProblem[] = wrong ? [{ ...wrong, field: null }] : fieldProblems(error, text)
  const isElsewhere = error !== null && !wrong && problems.length === 0
  const change = (next: string) => {
    setText(next)
    forget()
  }
  return (
    <Dialog
      open
      wide
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Retry ${run.name} with another input`}
      description="A new run with this input, linked with this one. Steps that do not depend on what you change are taken over."
    >
      <JsonEditor label="Input" text={text} onChange={change} problems={problems} />
      {isElsewhere && (
        <div className="mt-3">
          <Failure title="It was not tried again" error={error} />
        </div>
      )}
      <DialogActions>
        <Button onClick={onClose}>Leave it</Button>
        <Button
          look="primary"
          disabled={isPending || wrong !== null}
          onClick={() => send(JSON.parse(text))}
          data-testid="retry-with-input"
        >
          {isPending ? 'Starting' : 'Retry with this input'}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function useSend(run: RunDetails, onDone: () => void) {
  const client = useStreamClient()
  const api = useWorkApi()
  const queries = useQueryClient()
  const toast = useToast()
  const navigate = useNavigate()
  const mutation = useMutation({
    networkMode: 'always',
    mutationFn: (input: unknown) =>
      api.retry(run.id, { from: 'failed', input }, { id: client.world.id(), revision: run.revision }),
    onSuccess: ({ run: made }) => {
      takeRuns(queries, [{ ...run, retriedBy: made.id }])
      onDone()
      toast({ title: `${run.name} is tried again with another input` })
      void navigate({ to: '/work/$runId', params: { runId: made.id } })
    },
    onError: async (error) => {
      if (!isConflict(error)) return
      const now = await queries.fetchQuery({
        queryKey: workKeys.facts(run.id),
        queryFn: () => api.run(run.id),
        staleTime: 0,
      })
      toast({ title: `${run.name} was not tried again`, detail: standsNow(now), tone: 'waiting' })
    },
  })
  return { send: mutation.mutate, isPending: mutation.isPending, error: mutation.error, forget: mutation.reset }
}

/** What the server found wrong with fields, at their places in the text. */
function fieldProblems(error: unknown, text: string): JsonProblem[] {
  if (!(error instanceof RequestError) || error.errors === undefined) return []
  return error.errors.map(({ field, message }) => {
    const name = field.replace(/^\/?input[./]?/, '')
    return { place: findPlace(text, name), field: name || null, message }
  })
}

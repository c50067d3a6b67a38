import type { RunDetails } from '@holdfast/protocol/runs'
import { Button, Dialog, DialogActions, duration, Field } from '@holdfast/ui'
import { type FormEvent, useState } from 'react'
import { useOrder } from '../../orders.ts'

/** Seconds by which a run goes before what was due at the same time. */
export default function PriorityDialog({ run, onClose }: { run: RunDetails; onClose(): void }) {
  const [text, setText] = useState(String(run.priority))
  const order = useOrder()
  const priority = Number(text.trim())
  const isNumber = text.trim() !== '' && Number.isFinite(priority)
  const save = (event: FormEvent) => {
    event.preventDefault()
    if (!isNumber) return
    onClose()
    if (priority !== run.priority) order(run, { command: 'priority', priority })
  }
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Priority of ${run.name}`}
      description="So many seconds it goes before what came to its queue at the same time; below 0 after it. Whatever waits long enough has its turn."
    >
      <form onSubmit={save}>
        <Field
          label="Priority"
          inputMode="numeric"
          value={text}
          onChange={(event) => setText(event.target.value)}
          problem={isNumber ? undefined : 'A number is expected.'}
          {...(isNumber && { hint: meaningOf(priority) })}
        />
        <DialogActions>
          <Button onClick={onClose}>Leave it at {run.priority}</Button>
          <Button type="submit" look="primary" disabled={!isNumber} data-testid="save-priority">
            Set priority
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

function meaningOf(priority: number): string {
  if (priority === 0) return 'It goes in the order in which it came.'
  const length = duration(Math.abs(priority) * 1000)
  return priority > 0 ? `As if it had come ${length} earlier.` : `As if it had come ${length} later.`
}

import type { RunDetails } from '@holdfast/protocol/runs'
import { Button, Dialog, DialogActions } from '@holdfast/ui'
import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { useOrder } from '../../orders.ts'

/** A message to a run that works: it is kept until the run reads it. */
export default function SteerDialog({ run, onClose }: { run: RunDetails; onClose(): void }) {
  const [message, setMessage] = useState('')
  const order = useOrder()
  const isEmpty = message.trim() === ''
  const send = (event?: FormEvent) => {
    event?.preventDefault()
    if (isEmpty) return
    onClose()
    order(run, { command: 'steer', message: message.trim() })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) send()
  }
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Steer ${run.name}`}
      description="The message is kept for the run, which reads it when it next looks. It goes on meanwhile."
    >
      <form onSubmit={send}>
        <label htmlFor="steer-message" className="text-dense font-medium">
          Message
        </label>
        <textarea
          id="steer-message"
          rows={4}
          maxLength={10_000}
          value={message}
          onChange={(event) => setMessage(event.target.value)}
          onKeyDown={onKeyDown}
          className="mt-1 w-full rounded-md border border-control bg-raised px-2.5 py-1.5 -outline-offset-1 pointer-coarse:text-[16px]"
        />
        <DialogActions>
          <Button onClick={onClose}>Do not send</Button>
          <Button type="submit" look="primary" disabled={isEmpty} data-testid="send-message">
            Send message
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

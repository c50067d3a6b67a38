import type { RunDetails } from '@holdfast/protocol/runs'
import { hasEnded } from '@holdfast/protocol/runs'
import { Button, Dialog, DialogActions } from '@holdfast/ui'
import { useOrder } from '../../orders.ts'
import { counted } from '../words.ts'

interface CancelDialogProps {
  run: RunDetails
  onClose(): void
}

/** Asks before a run is cancelled, and says what is lost and what stays. */
export function CancelDialog({ run, onClose }: CancelDialogProps) {
  const order = useOrder()
  const confirm = () => {
    onClose()
    order(run, { command: 'cancel' })
  }
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Cancel this run of ${run.name}?`}
      description={whatIsLost(run)}
    >
      <DialogActions>
        <Button onClick={onClose}>Keep it going</Button>
        <Button look="danger" onClick={confirm} data-testid="confirm-cancel">
          Cancel run
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** What a cancel takes away, in the words of this run. */
export function whatIsLost(run: RunDetails): string {
  const living = run.children.filter(({ status }) => !hasEnded(status)).length
  const children =
    living === 0 ? '' : ` ${counted(living, 'run')} it started ${living === 1 ? 'is' : 'are'} cancelled too.`
  if (run.attempt === 0) return `It has not begun, so nothing is lost.${children}`
  const far = run.progress ? ` It is at ${Math.floor(run.progress.percent)}\u00a0%.` : ''
  const now =
    run.worker === null
      ? 'It ends at once.'
      : 'What it is doing at this moment is stopped, and what that step did so far is lost.'
  return `${now}${far} Steps that are done stay done: a retry goes on from there.${children}`
}

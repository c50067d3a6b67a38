import type { RunSummary } from '@holdfast/protocol/runs'
import { Button, Dialog, DialogActions } from '@holdfast/ui'

interface CancelRunDialogProps {
  run: RunSummary
  onClose(): void
  onConfirm(): void
}

/** Asks before a run is cancelled, and says what is lost and what stays. */
export function CancelRunDialog({ run, onClose, onConfirm }: CancelRunDialogProps) {
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Cancel ${run.name}?`}
      description={whatIsLost(run)}
    >
      <DialogActions>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" onClick={onConfirm} data-testid="confirm-cancel-run">
          Cancel the run
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** What a cancel costs, in words. */
export function whatIsLost({ status, startedAt, attempt }: RunSummary): string {
  if (startedAt === null && attempt === 0) return 'It has not begun, so nothing is lost.'
  const kept = 'Steps it has finished are kept: a retry goes on after them. Runs that it started are cancelled too.'
  return status === 'working' || status === 'quiet' || status === 'stalled'
    ? `It stops at once; what the step at work has done so far is lost. ${kept}`
    : kept
}

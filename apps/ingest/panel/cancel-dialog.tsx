import { Button, Dialog, DialogActions } from '@holdfast/ui'
import { formatCount } from '../view.ts'
import type { Figures } from './figures.ts'

interface CancelDialogProps {
  /** The project's. */
  name: string
  /** `null`: it has not begun, or is not known yet. */
  figures: Figures | null
  onClose(): void
  onConfirm(): void
}

/** Asks before an ingestion is cancelled, and says what is lost and what stays. */
export function CancelDialog({ name, figures, onClose, onConfirm }: CancelDialogProps) {
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Cancel this ingestion of ${name}?`}
      description={whatStays(figures)}
    >
      <DialogActions>
        <Button onClick={onClose}>Keep it going</Button>
        <Button look="danger" onClick={onConfirm} data-testid="confirm-cancel">
          Cancel ingestion
        </Button>
      </DialogActions>
    </Dialog>
  )
}

function whatStays(figures: Figures | null): string {
  if (figures === null || figures.status === 'queued') return 'It has not begun, so nothing is lost.'
  const { total, dealtWith, failed, phase } = figures
  if (total === 0) return 'It is still looking for files, so nothing is lost.'
  if (phase !== 'index') {
    return `None of its ${formatCount(total)} files is searchable yet. What was read so far is kept, and a retry goes on from there. Earlier passages stay.`
  }
  const left = Math.max(0, total - dealtWith)
  return `${formatCount(dealtWith - failed)} files stay searchable; ${formatCount(left)} are left as they were. A retry goes on from there.`
}

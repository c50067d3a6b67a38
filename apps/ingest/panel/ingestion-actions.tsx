import { Button, Dialog, DialogActions, Menu, MenuItem, useHotkeys, useReport } from '@holdfast/ui'
import { ChevronDown, CircleStop, RotateCw, SkipForward } from 'lucide-react'
import { useState } from 'react'
import type { UseIngestionSocket } from '../client.ts'
import { PHASES } from '../streams.ts'
import { formatCount } from '../view.ts'
import { useProjectRoute } from './project-route.ts'
import { type RetryInput, useProjectActions } from './queries.ts'

interface ActionsProps {
  projectId: string
  live: UseIngestionSocket
}

/** What can be done with the ingestion now: cancel while it works, try again afterwards. */
export function IngestionActions(props: ActionsProps) {
  switch (props.live.status) {
    case 'queued':
    case 'working':
      return <CancelAction {...props} />
    case 'done':
    case 'failed':
    case 'cancelled':
      return <RetryAction {...props} />
    default:
      return null
  }
}

function CancelAction({ projectId, live }: ActionsProps) {
  const [isAsking, setAsking] = useState(false)
  const { cancel } = useProjectActions(projectId)
  const report = useReport()
  const ingestionId = live.view?.ingestionId
  const confirm = () => {
    setAsking(false)
    if (!ingestionId) return
    cancel.mutate(ingestionId, { onError: (error) => report('It could not be cancelled', error) })
  }
  return (
    <>
      <Button icon={CircleStop} onClick={() => setAsking(true)} disabled={cancel.isPending} data-testid="cancel">
        {cancel.isPending ? 'Cancelling' : 'Cancel'}
      </Button>
      <Dialog open={isAsking} onOpenChange={setAsking} title="Cancel this ingestion?" description={whatStays(live)}>
        <DialogActions>
          <Button onClick={() => setAsking(false)}>Keep it going</Button>
          <Button look="danger" onClick={confirm} data-testid="confirm-cancel">
            Cancel ingestion
          </Button>
        </DialogActions>
      </Dialog>
    </>
  )
}

function whatStays({ metrics, status, currentPhase }: UseIngestionSocket): string {
  if (status === 'queued' || metrics === null) return 'It has not begun, so nothing is lost.'
  const { filesTotal, filesDone, filesSkipped, filesFailed } = metrics
  const left = Math.max(0, filesTotal - filesDone - filesSkipped - filesFailed)
  if (currentPhase < 4) {
    return `None of its ${formatCount(filesTotal)} files is searchable yet. What was read so far is kept, and a retry goes on from there. Earlier passages stay.`
  }
  return `${formatCount(filesDone)} files stay searchable; ${formatCount(left)} are left as they were. A retry goes on from there.`
}

function RetryAction({ projectId, live }: ActionsProps) {
  const [isOpen, setOpen] = useState(false)
  const { choose } = useProjectRoute()
  const { retry } = useProjectActions(projectId)
  const report = useReport()
  useHotkeys({ r: { what: 'Retry the ingestion', run: () => setOpen(true) } })
  const ingestionId = live.view?.ingestionId
  const ask = (input: RetryInput) => {
    if (!ingestionId) return
    retry.mutate(
      { ...input, ingestionId },
      {
        onSuccess: () => choose({ ingestion: undefined }),
        onError: (error) => report('It could not be tried again', error),
      },
    )
  }
  const scopes = live.error?.retryOptions?.scopes ?? ['all', 'phase', 'file']
  const phase = live.error?.phase ?? 1
  return (
    <Menu
      open={isOpen}
      onOpenChange={setOpen}
      trigger={
        <Button
          look={live.status === 'done' ? 'secondary' : 'primary'}
          icon={RotateCw}
          disabled={retry.isPending}
          data-testid="retry"
        >
          Retry
          <ChevronDown size={14} aria-hidden="true" />
        </Button>
      }
    >
      {live.error && scopes.includes('phase') && (
        <MenuItem
          icon={SkipForward}
          hint="What was finished before is kept"
          onSelect={() => ask({ scope: 'phase', phase })}
        >
          From {PHASES[phase - 1]} on
        </MenuItem>
      )}
      {scopes.includes('all') && (
        <MenuItem
          icon={RotateCw}
          hint="Looks at every file; unchanged ones are skipped"
          onSelect={() => ask({ scope: 'all' })}
        >
          All of it
        </MenuItem>
      )}
      {!live.error &&
        scopes.includes('phase') &&
        PHASES.slice(1).map((name, index) => (
          <MenuItem key={name} icon={SkipForward} onSelect={() => ask({ scope: 'phase', phase: index + 2 })}>
            From {name} on
          </MenuItem>
        ))}
    </Menu>
  )
}

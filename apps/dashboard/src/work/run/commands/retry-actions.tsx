import type { RunDetails } from '@holdfast/protocol/runs'
import { Button, buttonClass, Menu, MenuItem, useHotkeys } from '@holdfast/ui'
import { Link, useNavigate } from '@tanstack/react-router'
import { ArrowRight, ChevronDown, FilePen, RotateCw, SkipForward } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { useRetryRun } from '../../orders.ts'

const RetryWithInput = lazy(() => import('./retry-with-input.tsx'))

/** The ways to try an ended run again; for one that was, the way to the newer run. */
export function RetryActions({ run }: { run: RunDetails }) {
  const [isOpen, setOpen] = useState(false)
  const [isEditing, setEditing] = useState(false)
  const retry = useRetryRun()
  const navigate = useNavigate()
  const canRetry = run.commands.includes('retry') && run.retriedBy === null
  const again = (from: 'failed' | 'start') =>
    retry(run, { from }, (made) => void navigate({ to: '/work/$runId', params: { runId: made.id } }))
  useHotkeys({ r: { what: 'Retry the run', isActive: () => canRetry, run: () => setOpen(true) } })
  if (run.retriedBy !== null) {
    return (
      <Link
        to="/work/$runId"
        params={{ runId: run.retriedBy }}
        className={buttonClass('primary')}
        data-testid="to-newer"
      >
        <ArrowRight size={16} aria-hidden="true" />
        Go to the newer run
      </Link>
    )
  }
  if (!canRetry) return null
  const isFailed = run.status === 'failed'
  return (
    <>
      {isFailed && (
        <Button look="primary" icon={SkipForward} onClick={() => again('failed')} data-testid="retry-failed">
          Retry from the failed step
        </Button>
      )}
      <Menu
        open={isOpen}
        onOpenChange={setOpen}
        trigger={
          isFailed ? (
            <Button icon={ChevronDown} aria-label="Other ways to retry" data-testid="retry" />
          ) : (
            <Button icon={RotateCw} data-testid="retry">
              Retry
              <ChevronDown size={14} aria-hidden="true" />
            </Button>
          )
        }
      >
        {run.status !== 'done' && (
          <MenuItem
            icon={SkipForward}
            hint="Steps that are done are taken over, not done again"
            onSelect={() => again('failed')}
          >
            {isFailed ? 'From the failed step' : 'From where it stopped'}
          </MenuItem>
        )}
        <MenuItem icon={RotateCw} hint="Every step is done again" onSelect={() => again('start')}>
          All of it
        </MenuItem>
        <MenuItem
          icon={FilePen}
          hint="Steps that do not depend on what is changed are taken over"
          onSelect={() => setEditing(true)}
        >
          With another input
        </MenuItem>
      </Menu>
      <Suspense>{isEditing && <RetryWithInput run={run} onClose={() => setEditing(false)} />}</Suspense>
    </>
  )
}

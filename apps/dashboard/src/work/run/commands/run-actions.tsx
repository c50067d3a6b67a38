import { hasEnded, type RunDetails } from '@holdfast/protocol/runs'
import { Button, Menu, MenuItem, useHotkeys } from '@holdfast/ui'
import { ArrowUpDown, CircleStop, Ellipsis, MessageSquareText, Pause, Play } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { useOrder, usePendingOrders } from '../../orders.ts'
import { useWorkRights } from '../../rights.ts'
import { CancelDialog } from './cancel-dialog.tsx'
import { RetryActions } from './retry-actions.tsx'

const SteerDialog = lazy(() => import('./steer-dialog.tsx'))
const PriorityDialog = lazy(() => import('./priority-dialog.tsx'))

/** What the run takes now, for whoever may command it. */
export function RunActions({ run }: { run: RunDetails }) {
  const rights = useWorkRights()
  if (!rights.command(run)) return null
  return hasEnded(run.status) ? <RetryActions run={run} /> : <LivingActions run={run} />
}

type Asking = 'cancel' | 'steer' | 'priority'

function LivingActions({ run }: { run: RunDetails }) {
  const [asking, setAsking] = useState<Asking | null>(null)
  const order = useOrder()
  const pending = usePendingOrders().get(run.id)
  const takes = (name: RunDetails['commands'][number]) => run.commands.includes(name)
  const close = () => setAsking(null)
  useHotkeys({
    p: {
      what: run.paused ? 'Resume the run' : 'Pause the run',
      isActive: () => takes(run.paused ? 'resume' : 'pause'),
      run: () => order(run, { command: run.paused ? 'resume' : 'pause' }),
    },
  })
  const canResume = takes('resume') && !pending
  const canPause = takes('pause') && !takes('resume')
  return (
    <>
      {takes('steer') && (
        <Button icon={MessageSquareText} onClick={() => setAsking('steer')} data-testid="steer">
          Steer
        </Button>
      )}
      {canPause && (
        <Button
          icon={Pause}
          disabled={pending !== undefined || run.paused}
          onClick={() => order(run, { command: 'pause' })}
          data-testid="pause"
        >
          {run.paused ? 'Pausing' : 'Pause'}
        </Button>
      )}
      {canResume && (
        <Button look="primary" icon={Play} onClick={() => order(run, { command: 'resume' })} data-testid="resume">
          Resume
        </Button>
      )}
      {(takes('cancel') || run.cancelRequested) && (
        <Button
          icon={CircleStop}
          disabled={run.cancelRequested}
          onClick={() => setAsking('cancel')}
          data-testid="cancel"
        >
          {run.cancelRequested ? 'Cancelling' : 'Cancel'}
        </Button>
      )}
      {takes('retry') && <RetryActions run={run} />}
      {takes('priority') && (
        <Menu trigger={<Button icon={Ellipsis} aria-label="More that can be done" data-testid="more" />}>
          <MenuItem
            icon={ArrowUpDown}
            hint={`Now ${run.priority}; with more it goes before others of its queue`}
            onSelect={() => setAsking('priority')}
          >
            Change the priority
          </MenuItem>
        </Menu>
      )}
      <Suspense>
        {asking === 'cancel' && <CancelDialog run={run} onClose={close} />}
        {asking === 'steer' && <SteerDialog run={run} onClose={close} />}
        {asking === 'priority' && <PriorityDialog run={run} onClose={close} />}
      </Suspense>
    </>
  )
}

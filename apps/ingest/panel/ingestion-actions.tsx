import { Button, Menu, MenuItem, useHotkeys, useReport, useToast } from '@holdfast/ui'
import { ChevronDown, CircleStop, Eye, EyeOff, RotateCw, SkipForward } from 'lucide-react'
import { useState } from 'react'
import type { UseIngestionSocket } from '../client.ts'
import { PHASES } from '../streams.ts'
import { type RetryInput, useProjectActions, useRetryToast } from './actions.ts'
import { CancelDialog } from './cancel-dialog.tsx'
import { figuresOf, isEnded } from './figures.ts'
import { useProjectRoute } from './project-route.ts'
import { useWatched, useWatching } from './watching/watching.tsx'

interface ActionsProps {
  projectId: string
  name: string
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

/** Keeps an ingestion in sight on every page of this browser, or no longer. */
export function WatchToggle({ projectId, name, live }: ActionsProps) {
  const { watch, unwatch } = useWatching()
  const ingestionId = live.view?.ingestionId ?? null
  const isWatched = useWatched().some((entry) => entry.ingestionId === ingestionId)
  if (watch === null || ingestionId === null) return null
  // There is nothing to watch in what has ended; what is in the tray can always be let go.
  if (isEnded(live.state) && !isWatched) return null
  const toggle = () => (isWatched ? unwatch([ingestionId]) : watch({ projectId, ingestionId, name }))
  return (
    <Button
      icon={isWatched ? EyeOff : Eye}
      aria-label={isWatched ? 'Unwatch' : 'Watch'}
      aria-pressed={isWatched}
      onClick={toggle}
      data-testid="watch"
    >
      <span className="max-sm:hidden">{isWatched ? 'Unwatch' : 'Watch'}</span>
    </Button>
  )
}

function CancelAction({ projectId, name, live }: ActionsProps) {
  const [isAsking, setAsking] = useState(false)
  const { cancel } = useProjectActions(projectId)
  const report = useReport()
  const toast = useToast()
  const ingestionId = live.view?.ingestionId
  const confirm = () => {
    setAsking(false)
    if (!ingestionId) return
    cancel.mutate(ingestionId, {
      onSuccess: () => toast({ title: 'It is being cancelled', detail: 'What is done is kept.', tone: 'quiet' }),
      onError: (error) => report('It could not be cancelled', error),
    })
  }
  return (
    <>
      <Button icon={CircleStop} onClick={() => setAsking(true)} disabled={cancel.isPending} data-testid="cancel">
        {cancel.isPending ? 'Cancelling' : 'Cancel'}
      </Button>
      {isAsking && (
        <CancelDialog
          name={name}
          figures={figuresOf(live.state)}
          onClose={() => setAsking(false)}
          onConfirm={confirm}
        />
      )}
    </>
  )
}

function RetryAction({ projectId, live }: ActionsProps) {
  const [isOpen, setOpen] = useState(false)
  const { choose } = useProjectRoute()
  const { retry } = useProjectActions(projectId)
  const report = useReport()
  const tell = useRetryToast(projectId)
  useHotkeys({ r: { what: 'Retry: the row in focus, or the ingestion', run: () => setOpen(true) } })
  const ingestionId = live.view?.ingestionId
  const ask = (input: RetryInput) => {
    if (!ingestionId) return
    retry.mutate(
      { ...input, ingestionId },
      {
        onSuccess: (accepted) => {
          choose({ ingestion: undefined })
          tell('The ingestion is tried again', [accepted.ingestionId])
        },
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

import { hasEnded, type RunSummary } from '@holdfast/protocol/runs'
import {
  Button,
  Cell,
  classNames,
  Menu,
  MenuItem,
  Moment,
  Row,
  SelectBox,
  type Selection,
  TONE_TEXT,
} from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Ban, Ellipsis, Pause, Play, RotateCw, Timer } from 'lucide-react'
import { memo, type ReactNode, useState } from 'react'
import { takes } from '../run-commands.ts'
import { Age } from '../seconds.tsx'
import { ProgressCell, RunChip } from '../status.tsx'
import type { RunActions } from './run-actions.tsx'

interface RunRowProps {
  run: RunSummary
  /** Whether it is selected; `null`: nothing can be. */
  isSelected: boolean | null
  onToggle: Selection['toggle']
  /** What may be done with it; `null`: nothing. */
  actions: RunActions | null
}

/** One run of the list. On a phone it folds into a few lines. */
export const RunRow = memo(function RunRow({ run, isSelected, onToggle, actions }: RunRowProps) {
  const [first] = useState(run.status)
  const canSelect = isSelected !== null
  return (
    <Row
      data-testid="run-row"
      data-run={run.id}
      data-status={run.status}
      selected={isSelected === true}
      className={classNames(
        'max-md:grid max-md:items-center max-md:gap-x-2 max-md:px-3 max-md:py-2',
        canSelect
          ? 'max-md:grid-cols-[auto_minmax(0,1fr)_auto_2.5rem]'
          : 'max-md:grid-cols-[minmax(0,1fr)_auto_2.5rem]',
      )}
    >
      {canSelect && (
        <Cell className="max-md:p-0">
          <SelectBox
            label={`Select ${run.name} ${shortId(run.id)}`}
            checked={isSelected === true}
            onToggle={(isRange) => onToggle(run.id, isRange)}
          />
        </Cell>
      )}
      <Cell className="max-md:order-2 max-md:p-0">
        <span key={run.status} className={run.status === first ? undefined : 'flash'}>
          <RunChip run={run} />
        </span>
      </Cell>
      <Cell className="max-md:order-1 max-md:p-0">
        <RunName run={run} />
      </Cell>
      <Cell className="truncate text-ink-2 max-lg:hidden" title={run.queue}>
        {run.queue}
        {run.priority !== 0 && (
          <span className="numbers ml-1.5 font-mono text-small text-ink-3" title="Priority, in seconds">
            {run.priority > 0 ? `+${run.priority}` : run.priority}
          </span>
        )}
      </Cell>
      <Cell className="numbers text-right text-ink-2 max-xl:hidden">{run.attempt > 0 ? run.attempt : '–'}</Cell>
      <Cell className="numbers text-right text-ink-2 max-md:hidden">
        <Age run={run} />
      </Cell>
      <Cell className={line(canSelect, 'text-ink-2 max-md:order-4 max-md:empty:hidden')}>
        <How run={run} />
      </Cell>
      <Cell className="text-ink-3 max-2xl:hidden">
        <Moment at={run.createdAt} />
      </Cell>
      <Cell className="text-right max-md:order-3 max-md:p-0">{actions && <RowMenu run={run} actions={actions} />}</Cell>
    </Row>
  )
})

/** Of a folded row: a line of its own, below the name. */
function line(canSelect: boolean, ...more: string[]): string {
  return classNames('max-md:p-0', canSelect ? 'max-md:col-span-3 max-md:col-start-2' : 'max-md:col-span-3', ...more)
}

/** The end of an id tells runs apart; its beginning is the time. */
export function shortId(id: string): string {
  return id.slice(-8)
}

function RunName({ run: { id, name, attempt } }: { run: RunSummary }) {
  return (
    <Link
      to="/work/$runId"
      params={{ runId: id }}
      data-open
      data-testid="run-link"
      className="flex min-w-0 items-baseline gap-2 hover:underline max-md:-my-3 max-md:py-3"
      title={`${name} ${id}`}
    >
      <span className="truncate font-medium">{name}</span>
      <span className="shrink-0 font-mono text-small text-ink-3">{shortId(id)}</span>
      {attempt > 1 && <span className="shrink-0 text-small text-ink-3 xl:hidden">try {attempt}</span>}
    </Link>
  )
}

/** How far it is, what is wrong, or why it does not work now; in one line. */
function How({ run }: { run: RunSummary }): ReactNode {
  const { status, error, why, retriedBy, retryOf, progress } = run
  const isFailed = status === 'failed' && error !== null
  const isUnderWay = progress !== null && !hasEnded(status)
  const words = isFailed ? error.message : why
  const message = isUnderWay && words === null ? progress.message : null
  return (
    <span className="flex min-w-0 items-center gap-x-3">
      {isUnderWay && <ProgressCell progress={progress} status={status} id={run.id} />}
      {words && (
        <span
          className={classNames('min-w-0 max-md:line-clamp-2 md:truncate', isFailed && TONE_TEXT.failed)}
          title={isFailed ? `${words} (${error.code})` : words}
        >
          {words}
        </span>
      )}
      {message && (
        <span className="min-w-0 flex-1 truncate text-ink-3 max-xl:hidden" title={message}>
          {message}
        </span>
      )}
      <span className="numbers ml-auto shrink-0 text-small text-ink-3 md:hidden">
        <Age run={run} />
      </span>
      {retriedBy ? (
        <RunLink id={retriedBy} word="tried again" />
      ) : retryOf ? (
        <RunLink id={retryOf} word="tries again" />
      ) : null}
    </span>
  )
}

function RunLink({ id, word }: { id: string; word: string }) {
  return (
    <Link
      to="/work/$runId"
      params={{ runId: id }}
      className="shrink-0 text-small text-accent hover:underline"
      title={`Run ${id}`}
    >
      {word}
    </Link>
  )
}

function RowMenu({ run, actions }: { run: RunSummary; actions: RunActions }) {
  const can = takes(run)
  if (!Object.values(can).some(Boolean)) return null
  return (
    <Menu
      trigger={
        <Button look="quiet" small icon={Ellipsis} aria-label={`What to do with ${run.name} ${shortId(run.id)}`} />
      }
    >
      {can.retry && (
        <MenuItem icon={RotateCw} hint="What it finished is kept" onSelect={() => actions.retry(run)}>
          Retry
        </MenuItem>
      )}
      {can.pause && (
        <MenuItem icon={Pause} hint="It stops, and goes on when resumed" onSelect={() => actions.pause(run)}>
          Pause
        </MenuItem>
      )}
      {can.resume && (
        <MenuItem icon={Play} onSelect={() => actions.resume(run)}>
          Resume
        </MenuItem>
      )}
      {can.cancel && run.status === 'queued' && (
        <MenuItem
          icon={Timer}
          hint="Goes before what was due within 60 s before it"
          onSelect={() => actions.prefer(run)}
        >
          Put forward by 60 s
        </MenuItem>
      )}
      {can.cancel && (
        <MenuItem icon={Ban} onSelect={() => actions.cancel(run)}>
          Cancel
        </MenuItem>
      )}
    </Menu>
  )
}

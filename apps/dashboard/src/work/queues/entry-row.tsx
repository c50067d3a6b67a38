import type { RunSummary } from '@holdfast/protocol/runs'
import { Button, classNames, Menu, MenuItem, Moment } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowDownToLine, ArrowUp, ArrowUpToLine, Ellipsis, GripVertical } from 'lucide-react'
import type { ComponentProps, KeyboardEvent } from 'react'
import { shortId } from '../run/run-link.tsx'
import { lookOf, RunChip } from '../status.tsx'

interface EntryRowProps {
  entry: RunSummary
  /** Among those in the order; the index is -1 for one that begins at its time. */
  place: { index: number; count: number }
  /** It is being dragged, so far. */
  by: number | null
  /** A dragged row would come to stand here. */
  line: 'above' | 'below' | null
  /** `null`: it cannot be moved. */
  handle: ComponentProps<'button'> | null
  onMove(to: number): void
}

/** One in line: its place, what it is, and why it has not begun. */
export function EntryRow({ entry, place, by, line, handle, onMove }: EntryRowProps) {
  const { id, name, why, priority, dueAt, position, status } = entry
  return (
    <li
      data-row
      data-drag-row={place.index === -1 ? undefined : id}
      tabIndex={-1}
      data-testid="entry"
      data-id={id}
      className={classNames(
        'relative flex min-h-11 items-center gap-2 border-b border-line bg-raised py-1 pr-1.5 pl-1.5 -outline-offset-2 last:rounded-b-md last:border-b-0 focus-visible:bg-sunken',
        by !== null && 'z-10 border-transparent opacity-95 shadow-float ring-1 ring-accent',
      )}
      style={by === null ? undefined : { transform: `translateY(${by}px)` }}
    >
      {line && (
        <span
          aria-hidden="true"
          className={classNames('absolute inset-x-0 z-5 h-0.5 bg-accent', line === 'above' ? '-top-px' : '-bottom-px')}
        />
      )}
      <Handle name={name} place={place} handle={handle} onMove={onMove} isDragged={by !== null} />
      <span className="numbers min-w-5 shrink-0 text-right text-dense text-ink-3" data-testid="position">
        {position === null ? '–' : position > 1000 ? '1,000+' : position.toLocaleString('en')}
      </span>
      <span className="min-w-0 flex-1 text-dense">
        <span className="flex min-w-0 items-center gap-1.5">
          <Link
            to="/work/$runId"
            params={{ runId: id }}
            data-open
            title={id}
            className="min-w-0 truncate font-medium hover:underline"
          >
            {name} <span className="font-mono text-small font-normal text-ink-3">{shortId(id)}</span>
          </Link>
          {(status !== 'queued' || lookOf(entry).word !== 'Queued') && <RunChip run={entry} />}
          {priority !== 0 && (
            <span
              className="numbers shrink-0 text-small text-accent"
              title={`Priority ${priority}: as if it had come ${Math.abs(priority)} s ${priority > 0 ? 'earlier' : 'later'}`}
            >
              {priority > 0 ? `+${priority}` : `−${Math.abs(priority)}`}
            </span>
          )}
        </span>
        <span className="line-clamp-2 text-ink-2" title={why ?? undefined} data-testid="why">
          {why ?? 'It begins as soon as there is room.'}
        </span>
      </span>
      <span className="shrink-0 text-small text-ink-3 max-sm:hidden">
        <Due at={dueAt} />
      </span>
      {handle ? <MoveMenu name={name} place={place} onMove={onMove} /> : <span className="w-7 shrink-0" />}
    </li>
  )
}

/** Since when it is due, or from when on. */
function Due({ at }: { at: string }) {
  if (Date.parse(at) <= Date.now()) return <Moment at={at} />
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  const words = isToday
    ? date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  return <time dateTime={at} title={date.toLocaleString()}>{`from ${words}`}</time>
}

interface HandleProps {
  name: string
  place: { index: number; count: number }
  handle: ComponentProps<'button'> | null
  isDragged: boolean
  onMove(to: number): void
}

/** What a row is taken by; with the focus on it the arrow keys move the row. */
function Handle({ name, place, handle, isDragged, onMove }: HandleProps) {
  if (handle === null) return <span className="w-6 shrink-0 pointer-coarse:w-2" />
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    onMove(place.index + step)
  }
  return (
    <button
      type="button"
      {...handle}
      onKeyDown={onKeyDown}
      aria-label={`Move ${name}, ${place.index + 1} of ${place.count}: arrow keys, or drag`}
      data-testid="handle"
      className={classNames(
        'flex h-8 w-6 shrink-0 touch-none items-center justify-center rounded-sm text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10',
        isDragged ? 'cursor-grabbing' : 'cursor-grab',
      )}
    >
      <GripVertical size={14} aria-hidden="true" />
    </button>
  )
}

function MoveMenu({ name, place, onMove }: Pick<HandleProps, 'name' | 'place' | 'onMove'>) {
  const { index, count } = place
  return (
    <Menu trigger={<Button look="quiet" small icon={Ellipsis} aria-label={`Move ${name}`} data-testid="move" />}>
      {index > 0 && (
        <>
          <MenuItem icon={ArrowUpToLine} onSelect={() => onMove(0)}>
            To the front
          </MenuItem>
          <MenuItem icon={ArrowUp} onSelect={() => onMove(index - 1)}>
            Up
          </MenuItem>
        </>
      )}
      {index < count - 1 && (
        <>
          <MenuItem icon={ArrowDown} onSelect={() => onMove(index + 1)}>
            Down
          </MenuItem>
          <MenuItem icon={ArrowDownToLine} hint="Of those that are shown" onSelect={() => onMove(count - 1)}>
            To the end
          </MenuItem>
        </>
      )}
    </Menu>
  )
}

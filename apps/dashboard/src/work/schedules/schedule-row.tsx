import type { ScheduleView } from '@holdfast/protocol/runs'
import { Button, Chip } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { CalendarClock, Pause, Play, Trash2 } from 'lucide-react'
import { readCron, timeIn } from './cron-words.ts'

interface ScheduleRowProps {
  schedule: ScheduleView
  mayChange: boolean
  onPause(schedule: ScheduleView, paused: boolean): void
  onRemove(schedule: ScheduleView): void
}

/** What is begun by the clock, when it comes next, and what it began last. */
export function ScheduleRow({ schedule, mayChange, onPause, onRemove }: ScheduleRowProps) {
  const { id, name, cron, timezone, paused, nextAt, lastRunId, input } = schedule
  const reading = readCron(cron, timezone, Date.now())
  return (
    <div
      data-row
      data-testid="schedule"
      data-schedule={id}
      tabIndex={-1}
      className="flex flex-wrap items-center gap-x-4 gap-y-2 px-cell-x py-2.5 -outline-offset-2 focus:bg-sunken"
    >
      <div className="min-w-0 flex-1 basis-72">
        <p className="flex flex-wrap items-center gap-x-2 font-medium">
          {name}
          {paused && (
            <Chip tone="quiet" icon={Pause}>
              Paused
            </Chip>
          )}
        </p>
        <p className="flex flex-wrap gap-x-2 text-dense text-ink-2">
          <code className="font-mono text-small leading-[18px] text-ink">{cron}</code>
          <span>
            {'words' in reading ? reading.words : reading.problem}, {timezone}
          </span>
        </p>
      </div>
      <p className="numbers min-w-0 basis-56 text-dense text-ink-2 max-sm:basis-full">
        <span className="flex items-center gap-1.5">
          <CalendarClock size={13} aria-hidden="true" className="shrink-0 text-ink-3" />
          {paused || nextAt === null ? 'Does not come' : `Next ${timeIn(timezone, Date.parse(nextAt))}`}
        </span>
        <span className="text-ink-3">
          {lastRunId === null ? (
            'Has not come yet'
          ) : (
            <>
              <Link to="/work/$runId" params={{ runId: lastRunId }} data-open className="text-accent hover:underline">
                Last run
              </Link>
              {', '}
              <Link to="/work" search={{ schedule: id } as object} className="text-accent hover:underline">
                all of them
              </Link>
            </>
          )}
        </span>
      </p>
      <code
        className="min-w-0 basis-48 truncate font-mono text-small text-ink-3 max-xl:hidden"
        title={JSON.stringify(input)}
      >
        {JSON.stringify(input)}
      </code>
      {mayChange && (
        <span className="flex gap-1.5 sm:w-32 sm:justify-end">
          <Button
            small
            icon={paused ? Play : Pause}
            onClick={() => onPause(schedule, !paused)}
            data-testid="pause-schedule"
          >
            {paused ? 'Resume' : 'Pause'}
          </Button>
          <Button
            look="quiet"
            small
            icon={Trash2}
            aria-label={`Remove the schedule of ${name}`}
            onClick={() => onRemove(schedule)}
            data-testid="remove-schedule"
          />
        </span>
      )}
    </div>
  )
}

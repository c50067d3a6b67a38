import { hasEnded } from '@holdfast/protocol/runs'
import { Button, Empty, Failure, SkeletonRows } from '@holdfast/ui'
import { ArrowDown, ScrollText } from 'lucide-react'
import type { LiveRun } from '../use-live-run.ts'
import { count, counted } from '../words.ts'
import { LogRow } from './log-row.tsx'
import { findFailure } from './log-window.ts'
import { useFollow } from './use-follow.ts'
import type { Log } from './use-log.ts'

interface LogBoxProps {
  live: LiveRun
  log: Log
  /** The line the address names. */
  chosen: string | undefined
  /** That line when the log was opened. */
  opened: string | undefined
  onChoose(line: string): void
}

/** The lines in a box of their own, which follows the end of a living log until somebody scrolls up. */
export function LogBox({ live: { run }, log, chosen, opened, onChoose }: LogBoxProps) {
  const { lines, isRead, hasEarlier, hasLater, isReading, error } = log.shown
  const isOver = hasEnded(run.status)
  const failure = run.status === 'failed' ? findFailure(lines) : undefined
  const { ref, onScroll, isFollowing, news, toEnd } = useFollow(log, {
    startAt: opened ?? failure?.offset,
    isLiving: !isOver,
  })
  if (!isRead && error) {
    return (
      <div className="p-3">
        <Failure title="The log could not be read" error={error} onRetry={log.openEnd} />
      </div>
    )
  }
  if (!isRead) return <SkeletonRows label="Reading the log" rows={4} />
  if (lines.length === 0 && !hasEarlier) {
    return (
      <Empty icon={ScrollText} title={isOver ? 'No line of this level' : 'No line of this level yet'}>
        What happens to the run is written here: attempts, steps, orders, and what its code says.
      </Empty>
    )
  }
  const start = Date.parse(run.startedAt ?? run.createdAt)
  return (
    <div className="relative">
      <div
        ref={ref}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached with the keyboard
        tabIndex={0}
        role="log"
        aria-label="Log"
        aria-live={isFollowing && !isOver ? 'polite' : 'off'}
        data-testid="log-lines"
        className="max-h-[min(60dvh,36rem)] overflow-y-auto overscroll-contain py-1 -outline-offset-2 [overflow-anchor:none]"
      >
        {hasEarlier && (
          <div className="px-cell-x py-1">
            <Button look="quiet" small disabled={isReading} onClick={log.earlier} data-testid="earlier">
              Show earlier lines
            </Button>
          </div>
        )}
        {lines.map((line) => (
          <LogRow
            key={line.offset}
            line={line}
            start={start}
            isChosen={line.offset === chosen}
            isFailure={line === failure}
            onChoose={onChoose}
          />
        ))}
      </div>
      <LogFoot {...{ isOver, isFollowing, news, hasLater, lines: lines.length, toEnd }} />
    </div>
  )
}

interface LogFootProps {
  isOver: boolean
  isFollowing: boolean
  /** Lines that came since somebody scrolled up. */
  news: number
  hasLater: boolean
  lines: number
  toEnd(): void
}

/** Whether it follows, or how many lines have come meanwhile and the way to them. */
function LogFoot({ isOver, isFollowing, news, hasLater, lines, toEnd }: LogFootProps) {
  const words = hasLater ? 'Later lines' : news > 0 ? `${counted(news, 'new line')}` : 'To the end'
  return (
    <div className="flex min-h-9 items-center gap-3 border-t border-line px-cell-x text-dense text-ink-3">
      <span className="numbers" data-testid="log-state">
        {isOver
          ? `${counted(lines, 'line')}${hasLater ? ' and more' : ''}`
          : isFollowing
            ? 'Following'
            : `${count(lines)} shown`}
      </span>
      {!isFollowing && (
        <Button
          small
          look="quiet"
          icon={ArrowDown}
          onClick={toEnd}
          className={news > 0 ? 'ml-auto text-accent!' : 'ml-auto'}
          data-testid="to-end"
        >
          {words}
        </Button>
      )}
    </div>
  )
}

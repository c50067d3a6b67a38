import { Button, buttonClass, Moment, ProgressBar, ProgressRing } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { ArrowUpRight, CircleStop, X } from 'lucide-react'
import { formatCount } from '../../view.ts'
import { type Figures, filesText, phaseText } from '../figures.ts'
import { IngestionChip } from '../status-chips.tsx'
import { isUpToDate } from './live-set.ts'
import type { WatchedNow } from './watching.tsx'

interface WatchedRowProps {
  entry: WatchedNow
  onCancel(): void
  onDismiss(): void
  /** Called when a link of it is followed. */
  onOpen?: () => void
}

/** One watched ingestion: what it is, how far, how fast, what it is at, and what can be done with it. */
export function WatchedRow({ entry, onCancel, onDismiss, onOpen }: WatchedRowProps) {
  const { name, figures, outcome, trouble } = entry
  const isRunning = outcome === null && trouble === null
  return (
    <li
      data-testid="watched"
      data-ingestion={entry.ingestionId}
      data-status={outcome?.status ?? figures?.status ?? 'reading'}
      className="grid min-h-9 grid-cols-[minmax(0,1fr)_auto] items-center gap-x-3 border-t border-line px-3 py-1 text-dense md:grid-cols-[minmax(8rem,14rem)_minmax(0,1fr)_auto]"
    >
      <span className="flex min-w-0 items-center gap-2">
        <Mark entry={entry} />
        <OpenLink entry={entry} onOpen={onOpen} className="truncate font-medium hover:underline">
          {name}
        </OpenLink>
      </span>
      <span className="min-w-0 max-md:order-last max-md:col-span-2 max-md:pb-1">
        {trouble ? (
          <span className="truncate text-ink-2">{trouble.message}</span>
        ) : outcome ? (
          <Ended outcome={outcome} />
        ) : (
          <Running entry={entry} />
        )}
      </span>
      <span className="flex items-center justify-end">
        <OpenLink entry={entry} onOpen={onOpen} label={`Open ${name}`} className={buttonClass('quiet', true, true)}>
          <ArrowUpRight size={16} aria-hidden="true" />
        </OpenLink>
        {isRunning ? (
          <Button look="quiet" small icon={CircleStop} aria-label={`Cancel ${name}`} onClick={onCancel} />
        ) : (
          <Button
            look="quiet"
            small
            icon={X}
            aria-label={`Dismiss ${name}`}
            onClick={onDismiss}
            data-testid="dismiss"
          />
        )}
      </span>
    </li>
  )
}

/** A ring while it works, its status otherwise. */
export function Mark({ entry: { figures, outcome, name } }: { entry: WatchedNow }) {
  if (outcome) return <IngestionChip status={outcome.status} />
  if (figures?.status === 'queued') return <IngestionChip status="queued" />
  return <ProgressRing label={`Progress of ${name}`} percent={figures?.percent ?? 0} />
}

interface OpenLinkProps {
  entry: WatchedNow
  className: string
  label?: string
  onOpen?: (() => void) | undefined
  children: React.ReactNode
}

function OpenLink({ entry, className, label, onOpen, children }: OpenLinkProps) {
  return (
    <Link
      to="/projects/$projectId"
      params={{ projectId: entry.projectId }}
      search={{ ingestion: entry.ingestionId }}
      aria-label={label}
      title={label}
      onClick={onOpen}
      className={className}
    >
      {children}
    </Link>
  )
}

function Ended({ outcome: { files, failed, at } }: { outcome: NonNullable<WatchedNow['outcome']> }) {
  return (
    <span className="numbers text-ink-2">
      {formatCount(files)} {files === 1 ? 'file' : 'files'}
      <FailedCount count={failed} /> · <Moment at={at} />
    </span>
  )
}

function FailedCount({ count }: { count: number }) {
  return count > 0 && <span className="text-fail">, {formatCount(count)} failed</span>
}

function Running({ entry: { figures, connection, name } }: { entry: WatchedNow }) {
  if (figures === null) return <span className="text-ink-3">Reading</span>
  if (figures.status === 'queued') return <span className="text-ink-2">Waits behind another one of this project</span>
  const isLive = connection === null || isUpToDate(connection)
  return (
    <span className="flex min-w-0 items-center gap-3 max-md:flex-wrap max-md:gap-y-0">
      <span className="numbers w-40 shrink-0 text-ink-2 max-md:w-auto">{phaseText(figures, isLive)}</span>
      <span className="w-24 shrink-0 max-md:hidden">
        <ProgressBar label={name} percent={figures.percent} valueText={filesText(figures, formatCount)} />
      </span>
      <span className="numbers w-11 shrink-0 text-right font-mono" data-testid="watched-percent">
        {Math.floor(figures.percent)} %
      </span>
      <span className="numbers shrink-0 text-ink-2">
        {filesText(figures, formatCount)}
        <FailedCount count={figures.failed} />
      </span>
      {isLive ? <Rate figures={figures} /> : <AsOf since={connection?.since ?? null} />}
      <span
        className="min-w-0 flex-1 truncate font-mono text-small text-ink-3 max-lg:hidden"
        title={figures.currentFile ?? undefined}
      >
        {figures.currentFile}
      </span>
    </span>
  )
}

function Rate({ figures: { ratePerSecond } }: { figures: Figures }) {
  return (
    <span className="numbers w-20 shrink-0 text-right text-ink-2 max-lg:hidden">
      {ratePerSecond === null ? '' : `${ratePerSecond.toFixed(1)} files/s`}
    </span>
  )
}

/** What stands still is said to be of then; a time left would be wrong by now. */
function AsOf({ since }: { since: number | null }) {
  return (
    <span className="shrink-0 text-wait">
      as of {since === null ? 'before' : <Moment at={new Date(since).toISOString()} />}
    </span>
  )
}

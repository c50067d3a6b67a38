import { hasEnded, type RunDetails } from '@holdfast/protocol/runs'
import { CopyButton, duration, Moment, useNow } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Fragment, type ReactNode } from 'react'
import { RunChip } from '../status.tsx'
import { RunLink, shortId } from './run-link.tsx'
import type { LiveRun } from './use-live-run.ts'
import { exactTime } from './words.ts'

/** What it is: its name, how it stands and since when, its id, and where it belongs. */
export function RunHeader({ live: { run }, actions }: { live: LiveRun; actions: ReactNode }) {
  return (
    <header className="mb-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="min-w-0 text-title font-bold break-words">{run.name}</h1>
        <span className="inline-flex items-center gap-2" data-testid="run-status" data-status={run.status}>
          <RunChip run={run} />
          <Since run={run} />
        </span>
        <div className="flex flex-wrap items-center gap-2 sm:ml-auto">{actions}</div>
      </div>
      <ul className="mt-1 flex flex-wrap items-center gap-x-4 text-dense text-ink-2">
        {factsOf(run).map(([name, fact]) => (
          <li key={name} className="inline-flex min-h-6 max-w-full items-center" data-testid={`fact-${name}`}>
            {fact}
          </li>
        ))}
      </ul>
    </header>
  )
}

/** `for 2 m 04 s` while it stands so; afterwards when it ended and how long it took. */
function Since({ run }: { run: RunDetails }) {
  const isOver = hasEnded(run.status)
  const now = useNow(isOver ? null : 1000)
  if (isOver) {
    const took = Date.parse(run.endedAt ?? run.since) - Date.parse(run.startedAt ?? run.createdAt)
    return (
      <span className="numbers text-dense text-ink-2">
        <Moment at={run.endedAt ?? run.since} />
        {run.startedAt && `, took ${duration(took)}`}
      </span>
    )
  }
  return (
    <span className="numbers text-dense text-ink-2" title={`since ${exactTime(run.since)}`}>
      for {duration(Math.max(0, now - Date.parse(run.since)))}
    </span>
  )
}

function factsOf(run: RunDetails): [name: string, fact: ReactNode][] {
  const { id, queue, attempt, worker, priority, version, retryOf, retriedBy, parentId, scheduleId } = run
  const facts: [string, ReactNode | false][] = [
    [
      'id',
      <Fragment key="id">
        <span className="truncate font-mono text-small">{id}</span>
        <CopyButton text={id} label="Copy the run's id" />
      </Fragment>,
    ],
    [
      'queue',
      <span key="queue">
        queue{' '}
        <Link
          to="/work/queues"
          search={{ queue }}
          className="underline decoration-line-strong underline-offset-2 hover:text-ink"
        >
          {queue}
        </Link>
        {priority !== 0 && `, priority ${priority}`}
      </span>,
    ],
    ['attempt', attempt > 0 && <span className="numbers">attempt {attempt}</span>],
    [
      'worker',
      worker !== null && (
        <span title={worker}>
          on <span className="font-mono text-small">{shortId(worker)}</span>
        </span>
      ),
    ],
    [
      'version',
      <span key="version" className="numbers">
        version {version}
      </span>,
    ],
    [
      'started',
      <span key="started">
        {run.startedAt ? 'started ' : 'made '}
        <Moment at={run.startedAt ?? run.createdAt} />
      </span>,
    ],
    ['retry-of', retryOf && <RunLink id={retryOf}>tries an earlier run again</RunLink>],
    ['retried-by', retriedBy && <RunLink id={retriedBy}>was tried again</RunLink>],
    ['parent', parentId && <RunLink id={parentId}>started by another run</RunLink>],
    [
      'schedule',
      scheduleId && (
        <Link to="/work/schedules" className="underline decoration-line-strong underline-offset-2 hover:text-ink">
          by schedule
        </Link>
      ),
    ],
  ]
  return facts.filter((fact): fact is [string, ReactNode] => fact[1] !== false && fact[1] !== null)
}

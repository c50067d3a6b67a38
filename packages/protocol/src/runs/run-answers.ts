import type { Effect, RunFault, RunProgress, RunStatus, RunWait, StepStatus } from './run-view.ts'

/** What the server answers under `/api/runs`, `/api/queue` and `/api/schedules`. Times are RFC 3339, UTC. */

export interface RunSummary {
  id: string
  name: string
  version: number
  status: RunStatus
  /** Since when it stands so. */
  since: string
  /** What it waits for; empty unless `waiting`. */
  waits: RunWait[]
  /** Why it does not work at this moment, in one sentence for people; `null` where it works or has ended. */
  why: string | null
  queue: string
  priority: number
  /** How many go before it in its queue, counted from 1; `null` unless it is queued. At most 1,001: "more than 1,000". */
  position: number | null
  attempt: number
  worker: string | null
  progress: RunProgress | null
  error: RunFault | null
  /** The same for failures of one cause. */
  cause: string | null
  /** The run's own stream, `runs/<id>`, and that of its app, which may be the same. */
  runStream: string
  stream: string
  retryOf: string | null
  retriedBy: string | null
  parentId: string | null
  scheduleId: string | null
  cancelRequested: boolean
  paused: boolean
  /** Grows with every change that matters to whoever acts on it: send it as `If-Match` to act on just what you see. */
  revision: number
  createdAt: string
  dueAt: string
  startedAt: string | null
  endedAt: string | null
}

export interface RunDetails extends RunSummary {
  input: unknown
  result: unknown
  /** The attempts made at it, and the runs of its line of retries, oldest first. */
  attempts: RunAttempt[]
  line: { id: string; status: RunStatus; createdAt: string }[]
  children: { id: string; name: string; status: RunStatus; progress: RunProgress | null }[]
  /** Which commands it would take now. */
  commands: RunCommandName[]
}

export interface RunAttempt {
  attempt: number
  worker: string
  startedAt: string
  /** `null` while it works. */
  endedAt: string | null
  /** How it came out: `waiting` gave its worker free, `given_back` went on elsewhere after a restart. */
  outcome: 'working' | 'done' | 'failed' | 'cancelled' | 'waiting' | 'lost' | 'given_back' | 'crashed'
  error: RunFault | null
}

/** One bar of a run's waterfall. */
export interface StepView {
  key: string
  status: StepStatus
  effect: Effect
  provider: string | null
  /** The run that did it: another one of its line where its result was reused. */
  runId: string
  reused: boolean
  attempt: number
  tries: number
  startedAt: string
  endedAt: string | null
  error: RunFault | null
  /** When the next try follows. */
  retryAt: string | null
  /** At most 2,000 characters of its result as JSON; `null` where there is none. */
  output: string | null
}

export type RunCommandName =
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'steer'
  | 'approve'
  | 'reject'
  | 'decide'
  | 'retry'
  | 'priority'

/** The acknowledgement of a command: it is on disk, and holds whatever happens now. */
export interface CommandReceipt {
  /** Of the command: sending it again under the same id is the same command. */
  commandId: string
  command: RunCommandName | 'signal'
  run: RunSummary
}

export interface QueueView {
  name: string
  paused: boolean
  /** Runs of it that may work at the same time, over all servers; `null`: as many as there is room for. */
  concurrency: number | null
  queued: number
  working: number
  waiting: number
  /** Failed and not tried again. */
  failed: number
  /** When the first in line became due. */
  oldestDueAt: string | null
}

export interface ProviderView {
  name: string
  paused: boolean
  /** Steps that may use it at the same time; `null`: any number. */
  concurrency: number | null
  working: number
  /** Runs that wait for a place. */
  waiting: number
}

export interface QueuesView {
  queues: QueueView[]
  providers: ProviderView[]
  workers: {
    id: string
    kinds: { name: string; version: number }[]
    working: number
    seenAt: string
    outside: boolean
  }[]
}

export interface FailureGroup {
  cause: string
  error: RunFault
  name: string
  count: number
  newestAt: string
  oldestAt: string
  /** The newest few. */
  runs: string[]
}

/** An action on many runs at once: itself a run, of the kind `batch`. */
export interface BatchView {
  id: string
  action: BatchAction
  /** Runs it is about, fixed when it was begun. */
  count: number
  done: number
  /** Runs that had changed so that it did not fit any more. */
  skipped: number
  status: RunStatus
  /** Whether it can be taken back. */
  undoable: boolean
  undoOf: string | null
  createdAt: string
}

export type BatchAction = 'cancel' | 'pause' | 'resume' | 'retry' | 'priority'

export interface ScheduleView {
  id: string
  name: string
  input: unknown
  /** Five or six fields, and the time zone they are meant in. */
  cron: string
  timezone: string
  paused: boolean
  nextAt: string | null
  lastRunId: string | null
}

export interface Paged<Item> {
  items: Item[]
  /** Give it as `cursor` for the next page; `null` on the last. */
  nextCursor: string | null
}

/**
 * What lists of runs are told by: few events a second, whatever happens. An event names what changed; whoever shows
 * those reads them anew.
 */
export interface WorkChange {
  id: string
  status: RunStatus
  queue: string
  percent: number | null
}

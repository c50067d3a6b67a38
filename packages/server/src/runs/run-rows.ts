import type { Row } from '../db/database.ts'
import type { Run } from './run.ts'
import { text } from './sql.ts'

interface RunRow {
  id: string
  name: string
  version: number
  input: string
  status: Run['status']
  liveness: Run['liveness']
  stream: string
  attempt: number
  worker: string | null
  queue: string
  priority: number
  due_at: number
  serial_key: string | null
  dedupe_key: string | null
  retry_of: string | null
  retried_by: string | null
  root_id: string
  parent_id: string | null
  schedule_id: string | null
  failures: number
  progress: string | null
  error: string | null
  cause: string | null
  revision: number
  outside: number
  cancel_requested_at: number | null
  paused_at: number | null
  created_at: number
  started_at: number | null
  ended_at: number | null
  heard_at: number | null
  lease_until: number | null
  lease_ms: number
  quiet_ms: number
}

/** The columns a run is made of. */
export const COLUMNS =
  text(`id, name, version, input, status, liveness, stream, attempt, worker, queue, priority, due_at,
  serial_key, dedupe_key, retry_of, retried_by, root_id, parent_id, schedule_id, failures, progress, error, cause, revision,
  outside, cancel_requested_at, paused_at, created_at, started_at, ended_at, heard_at, lease_until, lease_ms, quiet_ms`)

export function toRun(given: Row): Run {
  const row = given as unknown as RunRow
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    input: JSON.parse(row.input),
    status: row.status,
    liveness: row.liveness,
    stream: row.stream,
    attempt: row.attempt,
    worker: row.worker,
    queue: row.queue,
    priority: row.priority,
    dueAt: row.due_at,
    serialKey: row.serial_key,
    dedupeKey: row.dedupe_key,
    retryOf: row.retry_of,
    retriedBy: row.retried_by,
    rootId: row.root_id,
    parentId: row.parent_id,
    scheduleId: row.schedule_id,
    failures: row.failures,
    progress: row.progress === null ? null : JSON.parse(row.progress),
    error: row.error === null ? null : JSON.parse(row.error),
    cause: row.cause,
    revision: row.revision,
    isOutside: row.outside === 1,
    cancelRequestedAt: row.cancel_requested_at,
    pausedAt: row.paused_at,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    heardAt: row.heard_at,
    leaseUntil: row.lease_until,
    leaseMs: row.lease_ms,
    quietMs: row.quiet_ms,
  }
}

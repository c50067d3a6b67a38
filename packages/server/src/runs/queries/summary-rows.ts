import type { RunProgress, RunStatus, RunWait } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import { statusOf } from '../lifecycle.ts'
import type { Liveness, RunError, StoredStatus } from '../run.ts'
import { list, sql, text } from '../sql.ts'

/** What is told of a run in lists, as stored; without its input, which may be long. Times are Unix milliseconds. */
export interface SummaryRow {
  id: string
  name: string
  version: number
  /** As people see it. */
  status: RunStatus
  since: number
  waits: RunWait[]
  queue: string
  priority: number
  isReady: boolean
  attempt: number
  worker: string | null
  progress: RunProgress | null
  error: RunError | null
  cause: string | null
  stream: string
  serialKey: string | null
  retryOf: string | null
  retriedBy: string | null
  rootId: string
  parentId: string | null
  scheduleId: string | null
  isCancelRequested: boolean
  isPaused: boolean
  isOutside: boolean
  revision: number
  createdAt: number
  dueAt: number
  startedAt: number | null
  endedAt: number | null
}

interface StoredRow {
  id: string
  name: string
  version: number
  status: StoredStatus
  liveness: Liveness
  queue: string
  priority: number
  ready: number
  attempt: number
  worker: string | null
  progress: string | null
  error: string | null
  cause: string | null
  stream: string
  serial_key: string | null
  retry_of: string | null
  retried_by: string | null
  root_id: string
  parent_id: string | null
  schedule_id: string | null
  cancel_requested_at: number | null
  paused_at: number | null
  outside: number
  revision: number
  created_at: number
  due_at: number
  started_at: number | null
  ended_at: number | null
  heard_at: number | null
  begun: number | null
  left_at: number | null
}

const SUMMARY = text(`r.id, r.name, r.version, r.status, r.liveness, r.queue, r.priority, r.ready, r.attempt, r.worker,
  r.progress, r.error, r.cause, r.stream, r.serial_key, r.retry_of, r.retried_by, r.root_id, r.parent_id, r.schedule_id,
  r.cancel_requested_at, r.paused_at, r.outside, r.revision, r.created_at, r.due_at, r.started_at, r.ended_at, r.heard_at,
  a.started_at AS begun, a.ended_at AS left_at`)

/** The runs of these ids that are there, in the order of the ids; at most a page of them. */
export async function summaryRows(db: Database, ids: readonly string[]): Promise<SummaryRow[]> {
  if (ids.length === 0) return []
  const rows = await db.read<StoredRow>(sql`
    SELECT ${SUMMARY} FROM runs r LEFT JOIN run_attempts a ON a.run_id = r.id AND a.attempt = r.attempt
    WHERE r.id IN (${list(ids)})`)
  const waits = await waitsOf(
    db,
    rows.filter(({ status }) => status === 'waiting').map(({ id }) => id),
  )
  const byId = new Map(rows.map((row) => [row.id, toSummaryRow(row, waits.get(row.id) ?? [])]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

function toSummaryRow(row: StoredRow, waits: RunWait[]): SummaryRow {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    status: statusOf(row),
    since: sinceOf(row),
    waits,
    queue: row.queue,
    priority: row.priority,
    isReady: row.ready === 1,
    attempt: row.attempt,
    worker: row.worker,
    progress: parsed<RunProgress>(row.progress),
    error: parsed<RunError>(row.error),
    cause: row.cause,
    stream: row.stream,
    serialKey: row.serial_key,
    retryOf: row.retry_of,
    retriedBy: row.retried_by,
    rootId: row.root_id,
    parentId: row.parent_id,
    scheduleId: row.schedule_id,
    isCancelRequested: row.cancel_requested_at !== null,
    isPaused: row.paused_at !== null,
    isOutside: row.outside === 1,
    revision: row.revision,
    createdAt: row.created_at,
    dueAt: row.due_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

/** Since when it stands so: since its attempt began or ended, since it was heard of last, or since it was queued. */
function sinceOf(row: StoredRow): number {
  const { status, liveness, ended_at, begun, left_at, heard_at, paused_at, created_at } = row
  if (ended_at !== null) return ended_at
  if (status === 'working') return (liveness === 'working' ? begun : heard_at) ?? begun ?? created_at
  return Math.max(left_at ?? created_at, status === 'waiting' ? (paused_at ?? 0) : 0)
}

// Of all runs of a page.
const WAITS_MOST = 1_000

async function waitsOf(db: Database, ids: readonly string[]): Promise<Map<string, RunWait[]>> {
  const waits = new Map<string, RunWait[]>()
  if (ids.length === 0) return waits
  const rows = await db.read<{ run_id: string; detail: string }>(sql`
    SELECT run_id, detail FROM run_waits WHERE run_id IN (${list(ids)}) ORDER BY run_id, kind, name LIMIT ${WAITS_MOST}`)
  for (const { run_id, detail } of rows) waits.set(run_id, [...(waits.get(run_id) ?? []), JSON.parse(detail)])
  return waits
}

/** An error as it is told: without what its kind adds for itself. */
export function faultOf({ code, message, retryAfter }: RunError) {
  return { code, message, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}

export function parsed<Value>(json: string | null): Value | null {
  return json === null ? null : JSON.parse(json)
}

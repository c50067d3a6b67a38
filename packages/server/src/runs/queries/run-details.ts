import { hasEnded, type RunAttempt, type RunCommandName, type RunDetails } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import { statusOf } from '../lifecycle.ts'
import type { Liveness, RunError, StoredStatus } from '../run.ts'
import { type Sql, sql } from '../sql.ts'
import { standingOf } from './standing.ts'
import { toSummary } from './summaries.ts'
import { faultOf, iso, isoOrNull, parsed, type SummaryRow, summaryRows } from './summary-rows.ts'

// Of one run; the newest of more.
const ATTEMPTS_MOST = 200
const LINE_MOST = 200
const CHILDREN_MOST = 200

/** All of one run; `null` where there is none. */
export async function runDetails(db: Database, now: () => Sql, id: string): Promise<RunDetails | null> {
  const [row] = await summaryRows(db, [id])
  if (!row) return null
  const [json] = await db.read<{ input: string; result: string | null }>(sql`
    SELECT input, result FROM runs WHERE id = ${id}`)
  return {
    ...toSummary(row, await standingOf(db, now, [row])),
    input: JSON.parse(json?.input ?? 'null'),
    result: parsed(json?.result ?? null),
    attempts: await attemptsOf(db, id),
    line: await lineOf(db, id),
    children: await childrenOf(db, id),
    commands: commandsOf(row),
  }
}

/** Which commands a run would take as it stands. */
export function commandsOf(row: SummaryRow): RunCommandName[] {
  const { status, waits, isCancelRequested, isPaused, retriedBy } = row
  if (hasEnded(status)) return status === 'done' || retriedBy !== null ? [] : ['retry']
  const asks = (kind: string, name?: string) =>
    waits.some((wait) => wait.kind === kind && (name === undefined || ('name' in wait && wait.name === name)))
  const isParked = asks('parked')
  const commands: RunCommandName[] = isCancelRequested ? [] : ['cancel']
  if (isPaused || isParked) commands.push('resume')
  else if (!isCancelRequested) commands.push('pause')
  commands.push('steer')
  if (asks('event', 'approval')) commands.push('approve', 'reject')
  if (asks('decision')) commands.push('decide')
  if (status === 'queued' || status === 'lost' || status === 'waiting') commands.push('priority')
  return commands
}

interface AttemptRow {
  attempt: number
  worker: string
  started_at: number
  ended_at: number | null
  outcome: RunAttempt['outcome']
  error: string | null
}

async function attemptsOf(db: Database, id: string): Promise<RunAttempt[]> {
  const rows = await db.read<AttemptRow>(sql`
    SELECT attempt, worker, started_at, ended_at, outcome, error FROM run_attempts WHERE run_id = ${id}
    ORDER BY attempt DESC LIMIT ${ATTEMPTS_MOST}`)
  return rows.reverse().map(({ attempt, worker, started_at, ended_at, outcome, error }) => ({
    attempt,
    worker,
    startedAt: iso(started_at),
    endedAt: isoOrNull(ended_at),
    outcome,
    error: error === null ? null : faultOf(JSON.parse(error) as RunError),
  }))
}

interface LineRow {
  id: string
  name: string
  status: StoredStatus
  liveness: Liveness
  created_at: number
  progress: string | null
}

/** The runs it tries again, and those that try it again, oldest first, itself among them. */
async function lineOf(db: Database, id: string): Promise<RunDetails['line']> {
  const rows = await db.read<LineRow>(sql`
    WITH RECURSIVE before(id, retry_of, depth) AS (
        SELECT r.id, r.retry_of, 0 FROM runs r WHERE r.id = ${id}
        UNION ALL SELECT r.id, r.retry_of, b.depth + 1 FROM before b JOIN runs r ON r.id = b.retry_of WHERE b.depth < ${LINE_MOST}),
      after(id, retried_by, depth) AS (
        SELECT r.id, r.retried_by, 0 FROM runs r WHERE r.id = ${id}
        UNION ALL SELECT r.id, r.retried_by, a.depth + 1 FROM after a JOIN runs r ON r.id = a.retried_by WHERE a.depth < ${LINE_MOST})
    SELECT r.id, r.name, r.status, r.liveness, r.created_at, r.progress FROM runs r
    WHERE r.id IN (SELECT id FROM before UNION SELECT id FROM after) ORDER BY r.created_at, r.id`)
  return rows.map((row) => ({ id: row.id, status: statusOf(row), createdAt: iso(row.created_at) }))
}

async function childrenOf(db: Database, id: string): Promise<RunDetails['children']> {
  const rows = await db.read<LineRow>(sql`
    SELECT id, name, status, liveness, created_at, progress FROM runs WHERE parent_id = ${id}
    ORDER BY created_at, id LIMIT ${CHILDREN_MOST}`)
  return rows.map((row) => ({ id: row.id, name: row.name, status: statusOf(row), progress: parsed(row.progress) }))
}

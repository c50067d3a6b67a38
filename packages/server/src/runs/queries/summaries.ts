import { type RunSummary, runStream } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import type { Sql } from '../sql.ts'
import { whyNot } from '../why.ts'
import { type Standing, standingOf } from './standing.ts'
import { faultOf, iso, isoOrNull, type SummaryRow, summaryRows } from './summary-rows.ts'

/** The runs of these ids as lists show them, in the order of the ids; at most a page of them. */
export async function summaries(db: Database, now: () => Sql, ids: readonly string[]): Promise<RunSummary[]> {
  const rows = await summaryRows(db, ids)
  const standing = await standingOf(db, now, rows)
  return rows.map((row) => toSummary(row, standing))
}

export function toSummary(row: SummaryRow, standing: Standing): RunSummary {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    status: row.status,
    since: iso(row.since),
    waits: row.waits,
    why: whyNot(row, standing),
    queue: row.queue,
    priority: row.priority,
    position: standing.positions.get(row.id) ?? null,
    attempt: row.attempt,
    worker: row.worker,
    progress: row.progress,
    error: row.error === null ? null : faultOf(row.error),
    cause: row.cause,
    runStream: runStream.name({ id: row.id }),
    stream: row.stream,
    retryOf: row.retryOf,
    retriedBy: row.retriedBy,
    parentId: row.parentId,
    scheduleId: row.scheduleId,
    cancelRequested: row.isCancelRequested,
    paused: row.isPaused,
    revision: row.revision,
    createdAt: iso(row.createdAt),
    dueAt: iso(row.dueAt),
    startedAt: isoOrNull(row.startedAt),
    endedAt: isoOrNull(row.endedAt),
  }
}

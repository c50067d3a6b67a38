import { RUN_STATUSES, type RunStatus } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import { statusOf } from '../lifecycle.ts'
import type { Liveness, StoredStatus } from '../run.ts'
import { type Sql, sql, text } from '../sql.ts'
import { allOf, joined, matching, type RunFilter, STORED_STATUSES } from './run-filter.ts'

/** Counted to here: of each way to stand, what is more is told as one more. */
export const COUNT_LIMIT = 100_000

export interface RunCount {
  count: number
  byStatus: Record<RunStatus, number>
}

/** How many runs a filter means, exactly up to `COUNT_LIMIT` of each way to be stored. */
export async function countRuns(db: Database, filter: RunFilter, named: readonly string[]): Promise<RunCount> {
  const byStatus = Object.fromEntries(RUN_STATUSES.map((status) => [status, 0])) as RunCount['byStatus']
  let count = 0
  // One read for each, so that none holds the thread for long.
  for (const stored of STORED_STATUSES) {
    const asked = countQuery(db, filter, stored, named)
    for (const row of asked ? await db.read<{ liveness: Liveness; runs: number }>(asked) : []) {
      byStatus[statusOf({ status: stored, liveness: row.liveness })] += row.runs
      count += row.runs
    }
  }
  return { count, byStatus }
}

export function countQuery(
  { dialect }: Database,
  filter: RunFilter,
  stored: StoredStatus,
  named: readonly string[],
): Sql | null {
  const { branches, rest, overlaps } = matching(filter, { dialect, named, stored: [stored] })
  if (branches.length === 0) return null
  // Only of these is there more to tell; the index alone answers for the others.
  const liveness = text(stored === 'queued' || stored === 'working' ? 'liveness' : "'working' AS liveness")
  const columns = overlaps ? sql`id, ${liveness}` : liveness
  const parts = branches.map(
    (branch) => sql`
    SELECT * FROM (SELECT ${columns} FROM runs WHERE ${allOf([branch, rest])} LIMIT ${COUNT_LIMIT + 1}) b`,
  )
  const all = joined(parts, overlaps ? ' UNION ' : ' UNION ALL ')
  return sql`SELECT liveness, COUNT(*) AS runs FROM (SELECT * FROM (${all}) u LIMIT ${COUNT_LIMIT + 1}) c GROUP BY liveness`
}

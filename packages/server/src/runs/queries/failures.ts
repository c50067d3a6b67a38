import type { FailureGroup } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import { type Sql, sql, text } from '../sql.ts'
import { allOf, joined, matching, type RunFilter } from './run-filter.ts'
import { faultOf, iso } from './summary-rows.ts'

// Causes are few where one thing is broken; of more, those of most runs.
const GROUPS_MOST = 100
const RUNS_OF_EACH = 5

interface GroupRow {
  cause: string
  count: number
  newest: number
  oldest: number
}

interface NewestRow {
  id: string
  name: string
  error: string
}

/** What failed and was not tried again, by cause, the one with the most runs first. Of the filter, statuses do not count. */
export async function failureGroups(
  db: Database,
  { statuses: _, ...filter }: RunFilter,
  named: readonly string[],
): Promise<FailureGroup[]> {
  const failed = failures(db, { ...filter, isRetried: false }, named)
  if (!failed) return []
  const groups = await db.read<GroupRow>(sql`
    SELECT cause, COUNT(*) AS count, MAX(ended_at) AS newest, MIN(ended_at) AS oldest FROM (${failed}) f
    GROUP BY cause ORDER BY COUNT(*) DESC, cause LIMIT ${GROUPS_MOST}`)
  const made: FailureGroup[] = []
  for (const { cause, count, newest, oldest } of groups) {
    const within = failures(db, { ...filter, isRetried: false, cause }, named)
    const rows = !within
      ? []
      : await db.read<NewestRow>(sql`
      SELECT r.id, r.name, r.error FROM (${within}) f JOIN runs r ON r.id = f.id
      ORDER BY f.created_at DESC, f.id DESC LIMIT ${RUNS_OF_EACH}`)
    const [first] = rows
    // Somebody has just tried the last of them again.
    if (!first) continue
    const error = faultOf(JSON.parse(first.error))
    const runs = rows.map(({ id }) => id)
    made.push({ cause, error, name: first.name, count, newestAt: iso(newest), oldestAt: iso(oldest), runs })
  }
  return made
}

/** A failed run may be found by more than one branch (a search): it counts once. */
export function failures(db: Database, filter: RunFilter, named: readonly string[]): Sql | null {
  const { branches, rest } = matching(filter, { dialect: db.dialect, named })
  const parts = branches.map(
    (branch) => sql`
    SELECT id, cause, created_at, ended_at FROM runs
    WHERE ${allOf([FAILED, branch, rest])}`,
  )
  return parts.length === 0 ? null : joined(parts, ' UNION ')
}

const FAILED = text("status = 'failed' AND retried_by IS NULL AND cause IS NOT NULL")

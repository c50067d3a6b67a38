import type { Database } from '../../db/database.ts'
import { sql, text } from '../sql.ts'

// Kinds and queues are few; whoever makes thousands of them finds the first ones.
const MOST = 1_000

/** The names that stand in `column`, in order; costs what there are names, however many runs there are. */
export async function namesIn(db: Database, column: 'name' | 'queue'): Promise<string[]> {
  const of = text(column)
  const rows = await db.read<{ v: string }>(sql`
    WITH RECURSIVE t(v) AS (
      SELECT MIN(${of}) FROM runs
      UNION ALL SELECT (SELECT MIN(r.${of}) FROM runs r WHERE r.${of} > t.v) FROM t WHERE t.v IS NOT NULL)
    SELECT v FROM t WHERE v IS NOT NULL LIMIT ${MOST}`)
  return rows.map(({ v }) => v)
}

/** The kinds in whose name the text stands, letters of either case. */
export async function kindsNamed(db: Database, part: string | undefined): Promise<string[]> {
  if (part === undefined) return []
  const sought = part.toLowerCase()
  return (await namesIn(db, 'name')).filter((name) => name.toLowerCase().includes(sought)).slice(0, 100)
}

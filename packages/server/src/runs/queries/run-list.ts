import type { Database, Dialect } from '../../db/database.ts'
import { type Sql, sql, text } from '../sql.ts'
import { ALWAYS, allOf, joined, matching, type RunFilter } from './run-filter.ts'
import { cursorOf, type Position, parseCursor, type RunSort, STRETCHES, type Stretch } from './run-order.ts'

export interface IdPage {
  ids: string[]
  nextCursor: string | null
}

interface Placed {
  id: string
  place: number
}

/** One page of the runs a filter means; runs that come and go meanwhile neither double nor hide those that stay. */
export async function listIds(
  db: Database,
  filter: RunFilter,
  { sort, limit, cursor, named }: { sort: RunSort; limit: number; cursor: string | null; named: readonly string[] },
): Promise<IdPage> {
  const stretches = STRETCHES[sort]
  const from = parseCursor(cursor, sort, stretches.length)
  const found: (Placed & { stretch: number })[] = []
  for (let index = from?.stretch ?? 0; index < stretches.length && found.length <= limit; index += 1) {
    const stretch = stretches[index]
    if (!stretch) break
    const after = from?.stretch === index ? from : null
    const asked = stretchQuery(db.dialect, filter, { stretch, after, named, most: limit + 1 - found.length })
    for (const row of asked ? await db.read<Placed>(asked) : []) found.push({ ...row, stretch: index })
  }
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const nextCursor = found.length > limit && last ? cursorOf(sort, { ...last, value: last.place }) : null
  return { ids: page.map(({ id }) => id), nextCursor }
}

interface StretchOptions {
  stretch: Stretch
  after: Position | null
  named: readonly string[]
  most: number
}

/** Each branch gives as many as the page may need, by its own index; together they are the page. `null`: nothing is meant. */
export function stretchQuery(
  dialect: Dialect,
  filter: RunFilter,
  { stretch, after, named, most }: StretchOptions,
): Sql | null {
  const { where = ALWAYS, stored, value, descending, walks = false } = stretch
  const { branches, rest, overlaps } = matching(filter, { dialect, named, walks, ...(stored ? { stored } : {}) })
  if (branches.length === 0) return null
  const order = text(descending ? 'place DESC, id DESC' : 'place, id')
  const behind = after ? sql`(${value}, id) ${text(descending ? '<' : '>')} (${after.value}, ${after.id})` : ALWAYS
  const parts = branches.map((branch) => {
    const conditions = allOf([branch, where, rest, behind])
    return sql`SELECT * FROM (SELECT id, ${value} AS place FROM runs WHERE ${conditions} ORDER BY ${order} LIMIT ${most}) b`
  })
  const all = joined(parts, overlaps ? ' UNION ' : ' UNION ALL ')
  return parts.length === 1 ? all : sql`SELECT * FROM (${all}) u ORDER BY ${order} LIMIT ${most}`
}

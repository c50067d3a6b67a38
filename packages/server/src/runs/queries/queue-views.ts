import type { ProviderView, QueuesView, QueueView } from '@holdfast/protocol/runs'
import type { Database } from '../../db/database.ts'
import { list, type Sql, sql } from '../sql.ts'
import { COUNT_LIMIT } from './run-count.ts'
import type { IdPage } from './run-list.ts'
import { cursorOf, parseCursor } from './run-order.ts'
import { livingWorkers } from './standing.ts'
import { iso, isoOrNull } from './summary-rows.ts'

interface QueueRow {
  name: string
  paused: number | null
  concurrency: number | null
  ready: number
  held: number
  working: number
  waiting: number
  failed: number
  oldest_due: number | null
}

/** The queues that runs are or were in or that somebody has set, the providers, and who is there to work. */
export async function queuesView(db: Database, now: () => Sql, named: readonly string[]): Promise<QueuesView> {
  return {
    queues: await queueViews(db, named),
    providers: await providerViews(db),
    workers: await workerViews(db, now),
  }
}

async function queueViews(db: Database, named: readonly string[]): Promise<QueueView[]> {
  const set = await db.read<{ name: string }>(
    sql`SELECT name FROM run_limits WHERE kind = 'queue' ORDER BY name LIMIT 1000`,
  )
  const names = [...new Set([...named, ...set.map(({ name }) => name)])].sort()
  const views: QueueView[] = []
  // One read for each, so that none holds the thread for long.
  for (const name of names) views.push(await queueView(db, name))
  return views
}

/** What stands in one queue; each number from an index that holds just that, counted to `COUNT_LIMIT`. */
export async function queueView(db: Database, name: string): Promise<QueueView> {
  const [row] = await db.read<QueueRow>(queueQuery(name))
  return {
    name,
    paused: row?.paused === 1,
    concurrency: row?.concurrency ?? null,
    queued: (row?.ready ?? 0) + (row?.held ?? 0),
    working: row?.working ?? 0,
    waiting: row?.waiting ?? 0,
    failed: row?.failed ?? 0,
    oldestDueAt: isoOrNull(row?.oldest_due ?? null),
  }
}

export function queueQuery(name: string): Sql {
  const counted = (where: Sql) =>
    sql`(SELECT COUNT(*) FROM (SELECT 1 AS one FROM runs WHERE queue = ${name} AND ${where} LIMIT ${COUNT_LIMIT + 1}) c)`
  return sql`
    SELECT (SELECT paused FROM run_limits WHERE kind = 'queue' AND name = ${name}) AS paused,
      (SELECT concurrency FROM run_limits WHERE kind = 'queue' AND name = ${name}) AS concurrency,
      ${counted(sql`ready = 1`)} AS ready,
      ${counted(sql`status = 'queued' AND ready = 0`)} AS held,
      ${counted(sql`status = 'working'`)} AS working,
      ${counted(sql`status = 'waiting'`)} AS waiting,
      ${counted(sql`status = 'failed' AND retried_by IS NULL`)} AS failed,
      (SELECT due_at FROM runs WHERE queue = ${name} AND ready = 1 ORDER BY rank, id LIMIT 1) AS oldest_due`
}

interface ProviderRow {
  name: string
  paused: number | null
  concurrency: number | null
  working: number
  waiting: number
}

/** Those that are set, that somebody uses, or that somebody waits for. */
export async function providerViews(db: Database): Promise<ProviderView[]> {
  const rows = await db.read<ProviderRow>(sql`
    SELECT p.name, l.paused, l.concurrency,
      (SELECT COUNT(*) FROM run_permits t WHERE t.provider = p.name) AS working,
      (SELECT COUNT(*) FROM run_waits w WHERE w.kind = 'provider' AND w.name = p.name) AS waiting
    FROM (SELECT name FROM run_limits WHERE kind = 'provider' UNION SELECT provider FROM run_permits
      UNION SELECT name FROM run_waits WHERE kind = 'provider') p
    LEFT JOIN run_limits l ON l.kind = 'provider' AND l.name = p.name ORDER BY p.name LIMIT 1000`)
  return rows.map(({ name, paused, concurrency, working, waiting }) => ({
    name,
    paused: paused === 1,
    concurrency,
    working,
    waiting,
  }))
}

async function workerViews(db: Database, now: () => Sql): Promise<QueuesView['workers']> {
  const rows = await livingWorkers(db, now)
  if (rows.length === 0) return []
  const ids = list(rows.map(({ id }) => id))
  const counts = await db.read<{ worker: string; runs: number }>(sql`
    SELECT worker, COUNT(*) AS runs FROM runs WHERE status = 'working' AND worker IN (${ids}) GROUP BY worker`)
  const working = new Map(counts.map(({ worker, runs }) => [worker, runs]))
  const kinds = Map.groupBy(
    await db.read<{ worker: string; name: string; version: number }>(sql`
      SELECT worker, name, version FROM run_worker_kinds WHERE worker IN (${ids}) ORDER BY name, version`),
    ({ worker }) => worker,
  )
  return rows.map(({ id, outside, seen_at }) => ({
    id,
    kinds: (kinds.get(id) ?? []).map(({ name, version }) => ({ name, version })),
    working: working.get(id) ?? 0,
    seenAt: iso(seen_at),
    outside: outside === 1,
  }))
}

const ENTRIES = 'entries'

/** Who is queued there: first those that may begin, in their order, then those that may not yet. */
export async function entryIds(
  db: Database,
  queue: string,
  { limit, cursor }: { limit: number; cursor: string | null },
): Promise<IdPage> {
  const from = parseCursor(cursor, ENTRIES, 2)
  const found: { id: string; rank: number; stretch: number }[] = []
  for (const stretch of [0, 1]) {
    if (stretch < (from?.stretch ?? 0) || found.length > limit) continue
    const after = from?.stretch === stretch ? from : null
    const asked = entriesQuery(queue, stretch, after, limit + 1 - found.length)
    for (const row of await db.read<{ id: string; rank: number }>(asked)) found.push({ ...row, stretch })
  }
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const isMore = found.length > limit && last !== undefined
  return { ids: page.map(({ id }) => id), nextCursor: isMore ? cursorOf(ENTRIES, { ...last, value: last.rank }) : null }
}

export function entriesQuery(
  queue: string,
  stretch: number,
  after: { value: number; id: string } | null,
  most: number,
): Sql {
  const which = stretch === 0 ? sql`ready = 1` : sql`status = 'queued' AND ready = 0`
  const behind = after ? sql`(rank, id) > (${after.value}, ${after.id})` : sql`1 = 1`
  return sql`SELECT id, rank FROM runs WHERE queue = ${queue} AND ${which} AND ${behind} ORDER BY rank, id LIMIT ${most}`
}

import type { Database } from '../../db/database.ts'
import { list, type Sql, sql } from '../sql.ts'
import { anyOf } from './run-filter.ts'
import type { SummaryRow } from './summary-rows.ts'

/** How much may be done at the same time somewhere, and how much is. */
export interface Room {
  isPaused: boolean
  /** `null`: any number. */
  concurrency: number | null
  working: number
}

/** What around the runs of a page says why they do not work. */
export interface Standing {
  now: number
  /** Of the queues that were set otherwise than as they are by themselves. */
  queues: ReadonlyMap<string, Room>
  providers: ReadonlyMap<string, Room>
  /** `name version` of what somebody who lives can carry out. */
  known: ReadonlySet<string>
  /** By the id of a run: the one before it in the line of its serial key. */
  before: ReadonlyMap<string, string>
  /** By the id of a queued run: its place in its queue, counted from 1; at most `POSITION_LIMIT`. */
  positions: ReadonlyMap<string, number>
}

/** Told of whoever has this many before them, or more. */
export const POSITION_LIMIT = 1_001

/** Looks around the runs of a page. */
export async function standingOf(db: Database, now: () => Sql, rows: readonly SummaryRow[]): Promise<Standing> {
  const queued = rows.filter(({ status }) => status === 'queued' || status === 'lost')
  const providers = rows.flatMap(({ waits }) => waits.flatMap((wait) => (wait.kind === 'provider' ? [wait.name] : [])))
  const [time] = await db.read<{ now: number }>(sql`SELECT ${now()} AS now`)
  return {
    now: time?.now ?? 0,
    queues: await queueRooms(
      db,
      queued.map(({ queue }) => queue),
    ),
    providers: await providerRooms(db, providers),
    known: await knownKinds(
      db,
      now,
      rows.filter(({ endedAt }) => endedAt === null),
    ),
    before: await inLine(
      db,
      queued.filter(({ serialKey, isReady }) => serialKey !== null && !isReady),
    ),
    positions: await positionsOf(db, queued),
  }
}

interface LimitRow {
  name: string
  paused: number
  concurrency: number | null
  working: number
}

async function queueRooms(db: Database, names: readonly string[]): Promise<Map<string, Room>> {
  if (names.length === 0) return new Map()
  return rooms(
    await db.read<LimitRow>(sql`
      SELECT l.name, l.paused, l.concurrency,
        (SELECT COUNT(*) FROM runs w WHERE w.status = 'working' AND w.queue = l.name) AS working
      FROM run_limits l WHERE l.kind = 'queue' AND l.name IN (${list([...new Set(names)])})`),
  )
}

async function providerRooms(db: Database, names: readonly string[]): Promise<Map<string, Room>> {
  if (names.length === 0) return new Map()
  return rooms(
    await db.read<LimitRow>(sql`
      SELECT l.name, l.paused, l.concurrency,
        (SELECT COUNT(*) FROM run_permits p WHERE p.provider = l.name) AS working
      FROM run_limits l WHERE l.kind = 'provider' AND l.name IN (${list([...new Set(names)].slice(0, 500))})`),
  )
}

function rooms(rows: readonly LimitRow[]): Map<string, Room> {
  return new Map(
    rows.map(({ name, paused, concurrency, working }) => [name, { isPaused: paused === 1, concurrency, working }]),
  )
}

// Programs outside come and go; what the newest of them know is what counts.
const WORKERS_MOST = 1_000

export interface WorkerRow {
  id: string
  outside: number
  seen_at: number
}

/** Who has lately been there to work, newest first. */
export function livingWorkers(db: Database, now: () => Sql): Promise<WorkerRow[]> {
  return db.read<WorkerRow>(sql`
    SELECT id, outside, seen_at FROM run_workers WHERE seen_at + lease_ms > ${now()}
    ORDER BY seen_at DESC, id LIMIT ${WORKERS_MOST}`)
}

/** Of these kinds, those that somebody who lives can carry out. */
async function knownKinds(db: Database, now: () => Sql, rows: readonly SummaryRow[]): Promise<Set<string>> {
  const kinds = new Map(
    rows.map(({ name, version }) => [kindKey(name, version), sql`(k.name = ${name} AND k.version = ${version})`]),
  )
  if (kinds.size === 0) return new Set()
  const found = await db.read<{ name: string; version: number }>(sql`
    SELECT DISTINCT k.name, k.version FROM run_worker_kinds k JOIN run_workers w ON w.id = k.worker
    WHERE ${anyOf([...kinds.values()])} AND w.seen_at + w.lease_ms > ${now()}`)
  return new Set(found.map(({ name, version }) => kindKey(name, version)))
}

export function kindKey(name: string, version: number): string {
  return `${version} ${name}`
}

async function inLine(db: Database, rows: readonly SummaryRow[]): Promise<Map<string, string>> {
  if (rows.length === 0) return new Map()
  const found = await db.read<{ id: string; before: string | null }>(sql`
    SELECT r.id, (SELECT a.id FROM runs a WHERE a.serial_key = r.serial_key AND a.ended_at IS NULL
      AND (a.created_at, a.id) < (r.created_at, r.id) ORDER BY a.created_at DESC, a.id DESC LIMIT 1) AS before
    FROM runs r WHERE r.id IN (${list(rows.map(({ id }) => id))})`)
  return new Map(found.flatMap(({ id, before }) => (before === null ? [] : [[id, before]])))
}

async function positionsOf(db: Database, rows: readonly SummaryRow[]): Promise<Map<string, number>> {
  if (rows.length === 0) return new Map()
  const found = await db.read<{ id: string; before: number }>(positionsQuery(rows.map(({ id }) => id)))
  return new Map(found.map(({ id, before }) => [id, before + 1]))
}

/** How many go before each in its queue, counted as far as it is told. */
export function positionsQuery(ids: readonly string[]): Sql {
  return sql`
    SELECT r.id, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM runs a WHERE a.ready = 1 AND a.queue = r.queue
      AND (a.rank, a.id) < (r.rank, r.id) LIMIT ${POSITION_LIMIT - 1}) t) AS before
    FROM runs r WHERE r.id IN (${list(ids)})`
}

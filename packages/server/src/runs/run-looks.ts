import { type RunWait, runStream } from '@holdfast/protocol/runs'
import type { Database } from '../db/database.ts'
import type { Signs } from './lifecycle.ts'
import type { Liveness, Outcome, Run } from './run.ts'
import { COLUMNS, toRun } from './run-rows.ts'
import { type Sql, sql, text } from './sql.ts'
import { storeTime } from './store-time.ts'

/** What the store has as a worker's. */
export interface WorkingRow {
  id: string
  attempt: number
  cancel_requested_at: number | null
  paused_at: number | null
  liveness: Liveness
}

/** A run that may be claimed, as it was seen: after so many attempts. */
export interface Candidate {
  id: string
  attempt: number
}

export type Kind = readonly [name: string, version: number]

/** A working run as it is watched; times in milliseconds, on the store's clock. */
export interface WatchedRun extends Signs {
  id: string
  attempt: number
  worker: string | null
  liveness: Liveness
  queue: string
  isOutside: boolean
}

// The queues in which somebody may be claimed, one look into the index for each.
const EACH_QUEUE = text(`WITH RECURSIVE q(name) AS (
  SELECT MIN(queue) FROM runs WHERE ready = 1
  UNION ALL SELECT (SELECT MIN(n.queue) FROM runs n WHERE n.ready = 1 AND n.queue > q.name) FROM q WHERE q.name IS NOT NULL)`)

// Among the runs of a key that have not ended, none came before.
export const FIRST_IN_LINE =
  text(`(runs.serial_key IS NULL OR NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = runs.serial_key
  AND a.ended_at IS NULL AND (a.created_at, a.id) < (runs.created_at, runs.id)))`)

// Two that joined a line at the same moment may each have found themselves first: the store lets one of them work.
const KEY_IS_FREE = text(`(r.serial_key IS NULL OR (
  NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = r.serial_key AND a.status = 'working')
  AND NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = r.serial_key AND a.ended_at IS NULL
    AND (a.created_at, a.id) < (r.created_at, r.id))))`)

/** What the engine looks up of runs. Nothing of it costs more the more runs have ended. */
export class RunLooks {
  protected readonly db: Database
  /** The store's time, in SQL. */
  readonly now: () => Sql

  constructor(db: Database, clock: { now(): number }) {
    this.db = db
    this.now = storeTime(db, clock)
  }

  async get(id: string): Promise<Run | null> {
    const [row] = await this.db.read(sql`SELECT ${COLUMNS} FROM runs WHERE id = ${id}`)
    return row ? toRun(row) : null
  }

  /**
   * Whether it can be ended by whoever does not know its kind: nobody of ours carries it out, or nobody who is alive knows
   * its version and no app tells of it in a stream of its own.
   */
  async endsAlone(run: Run): Promise<boolean> {
    if (run.isOutside) return true
    if (run.status !== 'waiting' || run.stream !== runStream.name({ id: run.id })) return false
    return (await this.waits(run.id)).some(({ kind }) => kind === 'version')
  }

  /** How it ended; `null` while it has not. */
  async outcome(id: string): Promise<Outcome | null> {
    const [row] = await this.db.read<{ status: string; result: string | null; error: string | null }>(sql`
      SELECT status, result, error FROM runs WHERE id = ${id} AND ended_at IS NOT NULL`)
    if (!row) return null
    if (row.status === 'done') return { status: 'done', result: JSON.parse(row.result ?? 'null') }
    return row.status === 'cancelled'
      ? { status: 'cancelled' }
      : { status: 'failed', error: JSON.parse(row.error ?? '{}') }
  }

  async byDedupeKey(name: string, key: string): Promise<Run | null> {
    const [row] = await this.db.read(sql`SELECT ${COLUMNS} FROM runs WHERE name = ${name} AND dedupe_key = ${key}`)
    return row ? toRun(row) : null
  }

  /**
   * Which runs of these kinds may be claimed, of each queue that is open the first ones in their order. Costs what there
   * are queues with somebody in them, however many wait there.
   */
  async candidates(kinds: readonly Kind[], limit: number, outside: boolean): Promise<Candidate[]> {
    const isKnown = anyOf(kinds, (name, version) => sql`(r.name = ${name} AND r.version = ${version})`)
    const rows = await this.db.read<{ ids: string | null; room: number | null }>(sql`
      ${EACH_QUEUE}
      SELECT CASE WHEN l.concurrency IS NOT NULL THEN l.concurrency - (SELECT COUNT(*) FROM runs w
          WHERE w.status = 'working' AND w.queue = q.name) END AS room,
        (SELECT string_agg(t.attempt || ':' || t.id, ' ') FROM (SELECT r.id, r.attempt FROM runs r WHERE r.ready = 1 AND r.queue = q.name
          AND r.outside = ${outside ? 1 : 0} AND (${isKnown}) AND ${KEY_IS_FREE} ORDER BY r.rank, r.id LIMIT ${limit}) t) AS ids
      FROM q LEFT JOIN run_limits l ON l.kind = 'queue' AND l.name = q.name
      WHERE q.name IS NOT NULL AND COALESCE(l.paused, 0) = 0 AND COALESCE(l.concurrency, 1) > 0`)
    return rows.flatMap(({ ids, room }) => {
      const found = (ids ?? '').split(' ').filter(Boolean).map(toCandidate)
      return room === null ? found : found.slice(0, Math.max(0, room))
    })
  }

  /** In how many milliseconds time makes the next run ready; `null` where none waits for time. */
  async nextWake(): Promise<number | null> {
    const [row] = await this.db.read<{ wait: number | null }>(sql`
      SELECT MIN(wake_at) - ${this.now()} AS wait FROM runs WHERE wake_at IS NOT NULL`)
    return row?.wait ?? null
  }

  /** Runs whose time has come; at most `limit`. */
  async waking(limit: number): Promise<Run[]> {
    const rows = await this.db.read(sql`
      SELECT ${COLUMNS} FROM runs WHERE wake_at <= ${this.now()} ORDER BY wake_at LIMIT ${limit}`)
    return rows.map(toRun)
  }

  /** The runs the store has as this worker's. */
  async runsOf(worker: string): Promise<Run[]> {
    const rows = await this.db.read(sql`
      SELECT ${COLUMNS} FROM runs WHERE worker = ${worker} AND status = 'working'`)
    return rows.map(toRun)
  }

  /** The same in few words, for looking often. */
  workingOf(worker: string): Promise<WorkingRow[]> {
    return this.db.read<WorkingRow>(sql`
      SELECT id, attempt, cancel_requested_at, paused_at, liveness FROM runs WHERE worker = ${worker} AND status = 'working'`)
  }

  /** All that work anywhere, as far as it matters for how alive they are. */
  async working(): Promise<WatchedRun[]> {
    const rows = await this.db.read(sql`
      SELECT id, attempt, worker, liveness, queue, outside, heard_at, lease_until, lease_ms, quiet_ms, ${this.now()} AS now
      FROM runs WHERE status = 'working'`)
    return rows.map((row) => ({
      id: String(row.id),
      attempt: Number(row.attempt),
      worker: row.worker === null ? null : String(row.worker),
      liveness: row.liveness as Liveness,
      queue: String(row.queue),
      isOutside: row.outside === 1,
      now: Number(row.now),
      heardAt: Number(row.heard_at ?? 0),
      leaseUntil: Number(row.lease_until ?? 0),
      leaseMs: Number(row.lease_ms),
      quietMs: Number(row.quiet_ms),
    }))
  }

  /** The serial keys whose first run was left behind when it became the first. */
  async stuckLines(): Promise<string[]> {
    const rows = await this.db.read<{ serial_key: string }>(sql`
      SELECT serial_key FROM runs WHERE serial_key IS NOT NULL AND ended_at IS NULL AND status = 'queued' AND ready = 0
        AND wake_at IS NULL AND ${FIRST_IN_LINE} LIMIT 100`)
    return rows.map(({ serial_key }) => serial_key)
  }

  /** Runs of these kinds, or of workers outside, that are to be cancelled and do not work; at most 100. */
  async unwanted(kinds: readonly Kind[]): Promise<Run[]> {
    const rows = await this.db.read(sql`
      SELECT ${COLUMNS} FROM runs
      WHERE cancel_requested_at > 0 AND ended_at IS NULL AND status <> 'working'
        AND (outside = 1 OR ${anyOf(kinds, (name) => sql`name = ${name}`)}) ORDER BY cancel_requested_at, id LIMIT 100`)
    return rows.map(toRun)
  }

  /** Runs of parents that were cancelled, and have not ended themselves; at most 100. */
  async orphans(): Promise<Run[]> {
    const rows = await this.db.read(sql`
      SELECT ${COLUMNS} FROM runs WHERE parent_id > '' AND ended_at IS NULL AND cancel_requested_at IS NULL
        AND EXISTS (SELECT 1 FROM runs p WHERE p.id = runs.parent_id
          AND (p.status = 'cancelled' OR (p.ended_at IS NULL AND p.cancel_requested_at IS NOT NULL))) LIMIT 100`)
    return rows.map(toRun)
  }

  /** The rank with which a run goes right before or behind that one; before all of them where several have its rank. */
  async rankBeside(run: Run, before: boolean): Promise<number> {
    const [row] = await this.db.read<{ rank: number; beside: number | null }>(
      before
        ? sql`SELECT rank, (SELECT MAX(o.rank) FROM runs o WHERE o.queue = ${run.queue} AND o.ready = 1 AND o.rank < runs.rank)
            AS beside FROM runs WHERE id = ${run.id}`
        : sql`SELECT rank, (SELECT MIN(o.rank) FROM runs o WHERE o.queue = ${run.queue} AND o.ready = 1 AND o.rank > runs.rank)
            AS beside FROM runs WHERE id = ${run.id}`,
    )
    const rank = Number(row?.rank)
    const beside = row?.beside ?? null
    const step = before ? -1 : 1
    if (beside === null || Math.abs(Number(beside) - rank) < 2) return rank + step
    return Math.floor((rank + Number(beside)) / 2)
  }

  /** Runs that wait for the end of one that has ended, or for a word that has come; at most 100. */
  async whoseWaitIsOver(): Promise<string[]> {
    const rows = await this.db.read<{ run_id: string }>(sql`
      SELECT w.run_id FROM run_waits w
      WHERE (w.kind = 'child' AND EXISTS (SELECT 1 FROM runs c WHERE c.id = w.name AND c.ended_at IS NOT NULL))
        OR (w.kind = 'event' AND EXISTS (SELECT 1 FROM run_commands c WHERE c.run_id = w.run_id AND c.name = w.name
          AND c.taken_by IS NULL)) LIMIT 100`)
    return rows.map(({ run_id }) => run_id)
  }

  /** Runs that wait for a server that knows their version, and now there is one. */
  // The case keeps the store from the index of names, which holds all there ever were.
  async parkedByVersion(kinds: readonly Kind[]): Promise<Run[]> {
    const rows = await this.db.read(sql`
      WITH w AS MATERIALIZED (SELECT run_id FROM run_waits WHERE kind = 'version')
      SELECT ${COLUMNS} FROM w CROSS JOIN runs
      WHERE runs.id = w.run_id AND status = 'waiting'
        AND CASE WHEN ${anyOf(kinds, (name, version) => sql`(name = ${name} AND version = ${version})`)} THEN 1 ELSE 0 END = 1
      LIMIT 100`)
    return rows.map(toRun)
  }

  /** Of those that stand first in their queues: whoever is of a version that nobody who is alive knows. */
  async unknownVersions(): Promise<Run[]> {
    const now = this.now()
    const rows = await this.db.read(sql`
      ${EACH_QUEUE}
      SELECT ${COLUMNS} FROM runs WHERE ready = 1 AND outside = 0
        AND id IN (SELECT (SELECT r.id FROM runs r WHERE r.ready = 1 AND r.queue = q.name ORDER BY r.rank, r.id LIMIT 1) FROM q)
        AND NOT EXISTS (SELECT 1 FROM run_worker_kinds k JOIN run_workers w ON w.id = k.worker
          WHERE k.name = runs.name AND k.version = runs.version AND w.seen_at > ${now} - w.lease_ms)`)
    return rows.map(toRun)
  }

  async children(parent: string): Promise<Run[]> {
    const rows = await this.db.read(sql`
      SELECT ${COLUMNS} FROM runs WHERE parent_id = ${parent} AND ended_at IS NULL`)
    return rows.map(toRun)
  }

  /** How often this run took its process down since it last got on; `null` where this attempt is not the one. */
  async crashes(run: Run): Promise<number | null> {
    const [row] = await this.db.read<{ crashes: number }>(sql`
      SELECT crashes FROM runs WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'`)
    return row?.crashes ?? null
  }

  async waits(id: string): Promise<RunWait[]> {
    const rows = await this.db.read<{ detail: string }>(sql`
      SELECT detail FROM run_waits WHERE run_id = ${id} ORDER BY kind, name`)
    return rows.map(({ detail }) => JSON.parse(detail))
  }
}

function toCandidate(text: string): Candidate {
  const [attempt = ''] = text.split(':', 1)
  return { id: text.slice(attempt.length + 1), attempt: Number(attempt) }
}

/** One of these holds, or nothing does. */
export function anyOf(kinds: readonly Kind[], test: (name: string, version: number) => Sql): Sql {
  const [first, ...rest] = kinds
  if (!first) return text('1 = 0')
  return rest.reduce((all, [name, version]) => sql`${all} OR ${test(name, version)}`, test(...first))
}

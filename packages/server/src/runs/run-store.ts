import type { Database, Row, Statement, Write } from '../db/database.ts'
import { write } from '../db/database.ts'
import type { Outcome, Run } from './run.ts'
import { COLUMNS, toRun } from './run-rows.ts'
import { list, type Sql, sql, text } from './sql.ts'

/** What the store has as a worker's. */
export interface WorkingRow {
  id: string
  attempt: number
  cancel_requested_at: number | null
}

export interface Claimed {
  run: Run | null
  /** How often it took its process down since it last got on. */
  crashes: number
  /** In how many milliseconds the next queued run falls due, as of a moment before; `null` where none will. */
  nextDueMs: number | null
}

/**
 * The statements of the runs' tables; each transition names the state it starts from and fails from any other. Every
 * time is the store's own: PostgreSQL's clock, which all nodes share, or, where the store is this process, the given
 * one. So what comes in and goes out of here are durations.
 */
export class RunStore {
  readonly #db: Database
  readonly #clock: { now(): number }
  readonly #skipLocked: Sql

  constructor(db: Database, clock: { now(): number }) {
    this.#db = db
    this.#clock = clock
    // What another node has in its hands this moment is passed over, never waited for.
    this.#skipLocked = text(db.dialect === 'postgres' ? 'FOR UPDATE SKIP LOCKED' : '')
  }

  /** The store's time, asked once for each place it stands in and not for each row, so that an index serves it. */
  #now(): Sql {
    return this.#db.dialect === 'postgres' ? text('(SELECT holdfast_now())') : sql`${this.#clock.now()}`
  }

  /**
   * Gives `created_at`. Under a serial key it is later than that of all who wait there already, also where the clock
   * stands still or went back: the line is in the order in which it was joined.
   */
  insert({ id, name, version, input, stream, serialKey, retryOf, rootId }: Run): Write {
    const now = this.#now()
    const createdAt =
      serialKey === null
        ? now
        : sql`COALESCE((SELECT MAX(a.created_at) + 1 FROM runs a
            WHERE a.serial_key = ${serialKey} AND a.ended_at IS NULL AND a.created_at >= ${now}), ${now})`
    const values = list([id, name, version, JSON.stringify(input), stream, serialKey, retryOf, rootId])
    return write(sql`
      INSERT INTO runs (id, name, version, input, stream, serial_key, retry_of, root_id,
        status, attempt, crashes, due_at, created_at)
      VALUES (${values}, 'queued', 0, 0, ${now}, ${createdAt}) RETURNING created_at`)
  }

  async get(id: string): Promise<Run | null> {
    const [row] = await this.#db.read(sql`SELECT ${COLUMNS} FROM runs WHERE id = ${id}`)
    return row ? toRun(row) : null
  }

  /**
   * The next due run of one of these kinds, now working as `worker`; `null` where none is due or its key is taken. A
   * run that was given back keeps its place: nothing that was queued behind it under its key overtakes it. CONFLICT
   * where another node took a run of the same key at this very moment: a new look sees that.
   */
  async claim(names: readonly string[], worker: string, leaseMs: number): Promise<Claimed> {
    const now = this.#now()
    // Asked first: what falls due between the two is found by the second.
    const nextDue = sql`
      SELECT MIN(due_at) - ${now} AS wait FROM runs
      WHERE status = 'queued' AND due_at > ${now} AND name IN (${list(names)})`
    const claim = sql`
      UPDATE runs SET status = 'working', attempt = attempt + 1, worker = ${worker}, lease_until = ${now} + ${leaseMs},
        started_at = COALESCE(started_at, ${now})
      WHERE status = 'queued' AND id = (
        SELECT r.id FROM runs r
        WHERE r.status = 'queued' AND r.due_at <= ${now} AND r.name IN (${list(names)})
          AND (r.serial_key IS NULL OR (
            NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = r.serial_key AND a.status = 'working')
            AND NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = r.serial_key AND a.ended_at IS NULL
              AND a.status = 'queued'
              AND (a.created_at < r.created_at OR (a.created_at = r.created_at AND a.id < r.id)))))
        ORDER BY r.due_at, r.id LIMIT 1 ${this.#skipLocked})
      RETURNING ${COLUMNS}, crashes`
    const [result] = await this.#db.commit([write(nextDue, claim)])
    const row = result?.[1]?.[0]
    const nextDueMs = (result?.[0]?.[0]?.wait as number | null) ?? null
    return { run: row ? toRun(row) : null, crashes: Number(row?.crashes ?? 0), nextDueMs }
  }

  /** First statement of every write of an attempt: a sign of life that fails once the attempt is not the one. */
  fence(run: Run, leaseMs: number, progressed: boolean): Statement {
    const reset = text(progressed ? ', crashes = 0' : '')
    return fenced(
      sql`UPDATE runs SET lease_until = ${this.#now()} + ${leaseMs}${reset}
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'`,
      `Attempt ${run.attempt} of run ${run.id} was taken over.`,
    )
  }

  /** Renews what the store has as this worker's, and tells what that is. */
  async keepLeases(worker: string, leaseMs: number): Promise<WorkingRow[]> {
    const kept = await this.#change(sql`
      UPDATE runs SET lease_until = ${this.#now()} + ${leaseMs} WHERE worker = ${worker} AND status = 'working'
      RETURNING id, attempt, cancel_requested_at`)
    return kept as unknown as WorkingRow[]
  }

  /** The runs the store has as this worker's. */
  async runsOf(worker: string): Promise<Run[]> {
    const rows = await this.#db.read(sql`
      SELECT ${COLUMNS} FROM runs WHERE worker = ${worker} AND status = 'working'`)
    return rows.map(toRun)
  }

  /** The same in few words, for looking often. */
  workingOf(worker: string): Promise<WorkingRow[]> {
    return this.#db.read<WorkingRow>(sql`
      SELECT id, attempt, cancel_requested_at FROM runs WHERE worker = ${worker} AND status = 'working'`)
  }

  /** Ends a working attempt, or a run that is still queued (attempt as stored). */
  end(run: Run, outcome: Outcome): Statement {
    const result = outcome.status === 'done' ? JSON.stringify(outcome.result ?? null) : null
    const error = outcome.status === 'failed' ? JSON.stringify(outcome.error) : null
    return fenced(
      sql`UPDATE runs SET status = ${outcome.status}, result = ${result}, error = ${error}, ended_at = ${this.#now()},
          worker = NULL, lease_until = NULL
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = ${run.status}`,
      `Run ${run.id} was taken over.`,
    )
  }

  /** Behind `end`, whose row it looks at: a cancel that was acknowledged is not outrun by another end. */
  notCancelled(run: Run): Statement {
    return {
      ...sql`SELECT 1 AS one FROM runs WHERE id = ${run.id} AND cancel_requested_at IS NULL`,
      expect: { rows: 1, otherwise: 'CANCELLED', detail: `Run ${run.id} is to end as cancelled.` },
    }
  }

  /** Gives a working attempt back to the queue, due again in so many milliseconds. */
  giveBack(run: Run, delayMs: number): Write {
    return write(
      fenced(
        sql`UPDATE runs SET status = 'queued', worker = NULL, lease_until = NULL, due_at = ${this.#now()} + ${delayMs}
          WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'`,
        `Attempt ${run.attempt} of run ${run.id} was taken over.`,
      ),
    )
  }

  /** Gives back whatever the store still has as this worker's. */
  async giveBackAll(worker: string): Promise<void> {
    await this.#change(sql`
      UPDATE runs SET status = 'queued', worker = NULL, lease_until = NULL
      WHERE worker = ${worker} AND status = 'working'`)
  }

  /** `null` where there is no such run, or it has ended. */
  async requestCancel(id: string): Promise<Run | null> {
    const [row] = await this.#change(sql`
      UPDATE runs SET cancel_requested_at = COALESCE(cancel_requested_at, ${this.#now()})
      WHERE id = ${id} AND status IN ('queued', 'working') RETURNING ${COLUMNS}`)
    return row ? toRun(row) : null
  }

  /** Runs that are to be cancelled and are still queued, of these kinds; at most 100. */
  async unwanted(names: readonly string[]): Promise<Run[]> {
    const rows = await this.#db.read(sql`
      SELECT ${COLUMNS} FROM runs
      WHERE status = 'queued' AND cancel_requested_at IS NOT NULL AND name IN (${list(names)}) ORDER BY id LIMIT 100`)
    return rows.map(toRun)
  }

  /**
   * Takes back the runs whose worker is gone: all that work (`all`, when this process alone owns the store and has
   * just started), or those whose lease has run out. Each counts as a crash until a step is finished. Tells how many.
   */
  async takeBack(which: 'all' | 'expired'): Promise<number> {
    // One that is being written is alive.
    const those = sql`id IN (SELECT r.id FROM runs r WHERE r.status = 'working' AND r.lease_until <= ${this.#now()}
      ${this.#skipLocked})`
    const taken = await this.#change(sql`
      UPDATE runs SET status = 'queued', worker = NULL, lease_until = NULL, crashes = crashes + 1
      WHERE status = 'working'${which === 'all' ? text('') : sql` AND ${those}`} RETURNING id`)
    return taken.length
  }

  /** In how many milliseconds the first lease of another worker ends; `null` where nobody else works. */
  async nextLeaseEnd(worker: string): Promise<number | null> {
    const [row] = await this.#db.read<{ wait: number | null }>(sql`
      SELECT MIN(lease_until) - ${this.#now()} AS wait FROM runs WHERE status = 'working' AND worker <> ${worker}`)
    return row?.wait ?? null
  }

  /** How often this run took its process down since it last got on; `null` where this attempt is not the one. */
  async crashes(run: Run): Promise<number | null> {
    const [row] = await this.#db.read<{ crashes: number }>(sql`
      SELECT crashes FROM runs WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'`)
    return row?.crashes ?? null
  }

  /** A finished step of the run's line; `isOwn` where this very attempt has finished it. */
  async findStep(run: Run, key: string): Promise<{ inputHash: string; output: string; isOwn: boolean } | null> {
    const [row] = await this.#db.read<{ input_hash: string; output: string; run_id: string; attempt: number }>(sql`
      SELECT input_hash, output, run_id, attempt FROM run_steps WHERE root_id = ${run.rootId} AND step_key = ${key}`)
    if (!row) return null
    const isOwn = row.run_id === run.id && row.attempt === run.attempt
    return { inputHash: row.input_hash, output: row.output, isOwn }
  }

  recordStep(run: Run, key: string, inputHash: string, output: string): Statement {
    return sql`
      INSERT INTO run_steps (root_id, step_key, input_hash, output, run_id, attempt, ended_at)
      VALUES (${list([run.rootId, key, inputHash, output, run.id, run.attempt])}, ${this.#now()})
      ON CONFLICT (root_id, step_key) DO UPDATE SET input_hash = excluded.input_hash, output = excluded.output,
        run_id = excluded.run_id, attempt = excluded.attempt, ended_at = excluded.ended_at`
  }

  async #change(statement: Statement): Promise<Row[]> {
    const [result] = await this.#db.commit([write(statement)])
    return result?.[0] ?? []
  }
}

function fenced(change: Sql, detail: string): Statement {
  return { ...change, expect: { rows: 1, otherwise: 'FENCED', detail } }
}

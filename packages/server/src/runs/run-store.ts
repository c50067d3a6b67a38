import type { RunWait } from '@holdfast/protocol/runs'
import type { Database, Row, Statement, Write } from '../db/database.ts'
import { write } from '../db/database.ts'
import type { Liveness, Outcome, Run } from './run.ts'
import { type Candidate, FIRST_IN_LINE, type Kind, RunLooks, type WorkingRow } from './run-looks.ts'
import { COLUMNS } from './run-rows.ts'
import { list, type Sql, sql, text } from './sql.ts'
import { skipLocked } from './store-time.ts'

/** A run as it is first stored: times as they are to be, the rest as of nothing having happened. */
export interface NewRun extends Run {
  /** How long from now it is due; `dueAt` counts where this is `null`. */
  delayMs: number | null
}

// A worker that has not been seen for so long is forgotten.
const FORGOTTEN_MS = 24 * 3_600_000

// The lowest place of its queue that nobody has; none where the queue has no bound.
const FREE_SLOT = text(`CASE WHEN EXISTS (SELECT 1 FROM run_limits l WHERE l.kind = 'queue' AND l.name = runs.queue
    AND l.concurrency IS NOT NULL)
  THEN (SELECT MIN(t.slot) + 1 FROM (SELECT 0 AS slot UNION ALL SELECT w.slot FROM runs w WHERE w.status = 'working'
      AND w.queue = runs.queue AND w.slot IS NOT NULL) t
    WHERE NOT EXISTS (SELECT 1 FROM runs w WHERE w.status = 'working' AND w.queue = runs.queue AND w.slot = t.slot + 1)) END`)

const QUEUE_HAS_ROOM = text(`NOT EXISTS (SELECT 1 FROM run_limits l WHERE l.kind = 'queue' AND l.name = runs.queue
  AND (l.paused = 1 OR l.concurrency <= (SELECT COUNT(*) FROM runs w WHERE w.status = 'working' AND w.queue = runs.queue)))`)

/**
 * What is looked up of runs, and the statements that change them: each transition names the state it starts from and
 * fails from any other. Every time is the store's own, so what comes in and goes out of here are durations.
 */
export class RunStore extends RunLooks {
  readonly #skipLocked: Sql

  constructor(db: Database, clock: { now(): number }) {
    super(db, clock)
    this.#skipLocked = skipLocked(db)
  }

  /**
   * Gives `created_at` and `ready`. Under a serial key it is later than that of all who wait there already, also where
   * the clock stands still or went back: the line is in the order in which it was joined.
   */
  insert(run: NewRun): Write {
    const { id, name, version, stream, serialKey, retryOf, rootId, queue, priority, delayMs } = run
    const now = this.now()
    const createdAt =
      serialKey === null
        ? now
        : sql`COALESCE((SELECT MAX(a.created_at) + 1 FROM runs a
            WHERE a.serial_key = ${serialKey} AND a.ended_at IS NULL AND a.created_at >= ${now}), ${now})`
    const dueAt = delayMs === null ? sql`CAST(${run.dueAt} AS BIGINT)` : sql`${now} + ${delayMs}`
    const isFirst =
      serialKey === null
        ? text('1 = 1')
        : sql`NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = ${serialKey} AND a.ended_at IS NULL)`
    const values = list([
      id,
      name,
      version,
      JSON.stringify(run.input ?? null),
      stream,
      serialKey,
      retryOf,
      rootId,
      queue,
    ])
    const more = list([priority, run.dedupeKey, run.parentId, run.scheduleId, run.leaseMs, run.quietMs])
    return write(sql`
      INSERT INTO runs (id, name, version, input, stream, serial_key, retry_of, root_id, queue,
        priority, dedupe_key, parent_id, schedule_id, lease_ms, quiet_ms, outside,
        status, attempt, crashes, due_at, created_at, rank, ready, wake_at)
      VALUES (${values}, ${more}, ${run.isOutside ? 1 : 0}, 'queued', 0, 0, ${dueAt}, ${createdAt},
        (${dueAt} - ${priority * 1000}) * 1000,
        CASE WHEN ${dueAt} <= ${now} AND ${isFirst} THEN 1 ELSE 0 END, CASE WHEN ${dueAt} > ${now} THEN ${dueAt} END)
      RETURNING created_at, due_at, ready`)
  }

  /** A queued run is due now: ready, or, behind others of its key, once those have ended. */
  due(run: Run): Statement {
    return sql`UPDATE runs SET ready = CASE WHEN ${FIRST_IN_LINE} THEN 1 ELSE 0 END, wake_at = NULL
      WHERE id = ${run.id} AND status = 'queued' AND wake_at <= ${this.now()}`
  }

  /**
   * Begins an attempt; gives the run as it stands then. CONFLICT where it may not be claimed (any more): another node was
   * first, or its queue has no room.
   */
  claim({ id, attempt }: Candidate, worker: string, leaseMs: number | null): Statement {
    const now = this.now()
    const lease = leaseMs === null ? text('lease_ms') : sql`${leaseMs}`
    return {
      ...sql`UPDATE runs SET status = 'working', liveness = 'working', ready = 0, wake_at = NULL, attempt = attempt + 1,
          worker = ${worker}, lease_ms = ${lease}, lease_until = ${now} + ${lease}, heard_at = ${now},
          started_at = COALESCE(started_at, ${now}), slot = ${FREE_SLOT}, revision = revision + 1
        WHERE id = (SELECT id FROM runs WHERE id = ${id} AND ready = 1 ${this.#skipLocked}) AND ready = 1 AND attempt = ${attempt}
          AND ${QUEUE_HAS_ROOM}
        RETURNING ${COLUMNS}, crashes`,
      expect: { rows: 1, otherwise: 'CONFLICT', detail: `Run ${id} cannot be claimed.` },
    }
  }

  /** First statement of every write of an attempt: a sign of life that fails once the attempt is not the one. */
  fence(run: Run, progressed: boolean, progress: string | null = null): Statement {
    const now = this.now()
    const reset = text(progressed ? ', crashes = 0' : '')
    const told = progress === null ? text('') : sql`, progress = ${progress}`
    return fenced(
      sql`UPDATE runs SET lease_until = ${now} + lease_ms, heard_at = ${now}${reset}${told}
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working' RETURNING liveness`,
      run,
    )
  }

  /** Told to be quiet or stalled, and heard again; or the other way round, while nothing was heard. */
  liveness(run: Pick<Run, 'id' | 'attempt' | 'liveness'>, liveness: Liveness): Statement {
    return expecting(
      sql`UPDATE runs SET liveness = ${liveness}, revision = revision + 1
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working' AND liveness = ${run.liveness}`,
    )
  }

  /** Renews what the store has as this worker's, and tells what that is. */
  async keepLeases(worker: string): Promise<WorkingRow[]> {
    const kept = await this.#change(sql`
      UPDATE runs SET lease_until = ${this.now()} + lease_ms WHERE worker = ${worker} AND status = 'working'
      RETURNING id, attempt, cancel_requested_at, paused_at, liveness`)
    return kept as unknown as WorkingRow[]
  }

  /** Ends a run from how it stands: its working attempt, or one that is queued or waits. */
  end(run: Run, outcome: Outcome, cause: string | null): Statement {
    const result = outcome.status === 'done' ? JSON.stringify(outcome.result ?? null) : null
    const error = outcome.status === 'failed' ? JSON.stringify(outcome.error) : null
    const failed = text(outcome.status === 'failed' && run.status === 'working' ? ', failures = failures + 1' : '')
    return fenced(
      sql`UPDATE runs SET status = ${outcome.status}, result = ${result}, error = ${error}, cause = ${cause},
          ended_at = ${this.now()}, worker = NULL, lease_until = NULL, ready = 0, wake_at = NULL, slot = NULL,
          revision = revision + 1${failed}
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = ${run.status} RETURNING ended_at`,
      run,
    )
  }

  /** Behind `end`, whose row it looks at: a cancel that was acknowledged is not outrun by another end. */
  notCancelled(run: Run): Statement {
    return {
      ...sql`SELECT 1 AS one FROM runs WHERE id = ${run.id} AND cancel_requested_at IS NULL`,
      expect: { rows: 1, otherwise: 'CANCELLED' },
    }
  }

  /** Whoever is first in the line of that key now may be claimed as soon as it is due. Changes nothing where it is. */
  promote(serialKey: string): Statement {
    const now = this.now()
    return sql`
      UPDATE runs SET ready = CASE WHEN due_at <= ${now} THEN 1 ELSE 0 END, wake_at = CASE WHEN due_at > ${now} THEN due_at END
      WHERE id = (SELECT a.id FROM runs a WHERE a.serial_key = ${serialKey} AND a.ended_at IS NULL
          ORDER BY a.created_at, a.id LIMIT 1)
        AND status = 'queued' AND ready = 0 AND wake_at IS NULL RETURNING id`
  }

  /**
   * The same in a commit of its own, by whoever has just joined a line or left it: where several connections write
   * (PostgreSQL), two that do so at the same moment do not see each other, and the later of these looks sees both. What
   * it cannot do the sweep does. Whether somebody may be claimed by that. Never rejects.
   */
  async moveUp(serialKey: string | null): Promise<boolean> {
    if (serialKey === null || this.db.dialect !== 'postgres') return false
    return (await this.#change(this.promote(serialKey)).catch(() => [])).length > 0
  }

  /** A working attempt's run is queued again, at its place; due after `delayMs`. */
  giveBack(run: Run, delayMs: number): Statement {
    const now = this.now()
    return fenced(
      sql`UPDATE runs SET status = 'queued', liveness = 'working', worker = NULL, lease_until = NULL, slot = NULL,
          ready = ${delayMs > 0 ? 0 : 1}, wake_at = ${delayMs > 0 ? sql`${now} + ${delayMs}` : text('NULL')},
          revision = revision + 1
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'`,
      run,
    )
  }

  /** The lease has ended, or (`anyway`) its worker is known to be gone: whoever comes may take it. A crash, until it gets on. */
  lose(run: Pick<Run, 'id' | 'attempt'>, anyway: boolean): Statement {
    return expecting(sql`
      UPDATE runs SET status = 'queued', liveness = 'lost', worker = NULL, lease_until = NULL, slot = NULL, ready = 1,
        crashes = crashes + 1, revision = revision + 1
      WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'
        AND ${anyway ? text('1 = 1') : sql`lease_until <= ${this.now()}`}`)
  }

  /** A working attempt gives its worker free; woken by time after `wakeMs`, where that is given. */
  suspend(run: Run, wakeMs: number | null, failed: boolean): Statement {
    const wakeAt = wakeMs === null ? text('NULL') : sql`${this.now()} + ${Math.max(0, Math.ceil(wakeMs))}`
    return fenced(
      sql`UPDATE runs SET status = 'waiting', liveness = 'working', worker = NULL, lease_until = NULL, slot = NULL, ready = 0,
          wake_at = ${wakeAt}, revision = revision + 1${text(failed ? ', failures = failures + 1' : '')}
        WHERE id = ${run.id} AND attempt = ${run.attempt} AND status = 'working'`,
      run,
    )
  }

  /** Holds only while a person has paused it, or has not: who is about to wait looks in the same commit. */
  isPaused(run: Run, paused: boolean): Statement {
    return expecting(
      sql`SELECT 1 AS one FROM runs WHERE id = ${run.id} AND paused_at IS ${text(paused ? 'NOT NULL' : 'NULL')}`,
    )
  }

  /** A run that is queued or waits is held, or waits for something else, as it was seen to stand. */
  hold(run: Run, paused: boolean): Statement {
    return asSeen(sql`
      UPDATE runs SET status = 'waiting', liveness = 'working', ready = 0, wake_at = NULL, revision = revision + 1,
        paused_at = ${paused ? this.now() : text('NULL')}
      WHERE id = ${run.id} AND status = ${run.status} AND revision = ${run.revision}`)
  }

  /** What it waited for has come: queued again, as it was seen to stand. One that was never due waits for its time. */
  wake(run: Run, resets = false): Statement {
    const now = this.now()
    return asSeen(sql`
      UPDATE runs SET status = 'queued', liveness = 'working', paused_at = NULL, revision = revision + 1,
        ready = CASE WHEN due_at <= ${now} AND ${FIRST_IN_LINE} THEN 1 ELSE 0 END,
        wake_at = CASE WHEN due_at > ${now} THEN due_at END${text(resets ? ', crashes = 0' : '')}
      WHERE id = ${run.id} AND status = 'waiting' AND revision = ${run.revision}`)
  }

  /** A mark on a run as it was seen to stand; locks its row, so that what follows is seen by whoever is about to wait. */
  touch(run: Run, change: Sql = text('')): Statement {
    return asSeen(sql`
      UPDATE runs SET revision = revision + 1${change} WHERE id = ${run.id} AND status = ${run.status}
        AND revision = ${run.revision}`)
  }

  /** The run is tried again by that one; with `once`, CONFLICT where another does already. */
  retried(run: Run, by: string, once: boolean): Statement {
    const change = sql`UPDATE runs SET retried_by = ${by}, revision = revision + 1 WHERE id = ${run.id}`
    return once ? expecting(sql`${change} AND retried_by IS NULL`) : change
  }

  /** A worker is there, and knows these kinds. */
  seen(worker: string, kinds: readonly Kind[], leaseMs: number, outside: boolean): Write {
    const values = list([worker, outside ? 1 : 0, leaseMs])
    return write(
      sql`INSERT INTO run_workers (id, outside, lease_ms, seen_at) VALUES (${values}, ${this.now()})
        ON CONFLICT (id) DO UPDATE SET lease_ms = excluded.lease_ms, seen_at = excluded.seen_at`,
      ...kinds.map(
        ([
          name,
          version,
        ]) => sql`INSERT INTO run_worker_kinds (worker, name, version) VALUES (${list([worker, name, version])})
          ON CONFLICT (worker, name, version) DO NOTHING`,
      ),
    )
  }

  /** A worker has gone; and whoever has not been seen for a day is forgotten. */
  gone(worker: string): Write {
    const old = sql`SELECT w.id FROM run_workers w WHERE w.id = ${worker} OR w.seen_at < ${this.now()} - ${FORGOTTEN_MS}`
    return write(
      sql`DELETE FROM run_worker_kinds WHERE worker IN (${old})`,
      sql`DELETE FROM run_workers WHERE id IN (${old})`,
    )
  }

  /** An attempt's line in the book of attempts: when it began, and how it came out. */
  attemptBegan(id: string, worker: string): Statement {
    return sql`INSERT INTO run_attempts (run_id, attempt, worker, started_at, outcome)
      SELECT id, attempt, ${worker}, ${this.now()}, 'working' FROM runs WHERE id = ${id}`
  }

  attemptEnded({ id, attempt }: Pick<Run, 'id' | 'attempt'>, outcome: string, error: unknown = null): Statement {
    return sql`UPDATE run_attempts SET ended_at = ${this.now()}, outcome = ${outcome},
        error = ${error === null ? null : JSON.stringify(error)}
      WHERE run_id = ${id} AND attempt = ${attempt} AND ended_at IS NULL`
  }

  /** What a run waits for, all at once. */
  setWaits(run: Run, waits: readonly RunWait[]): Statement[] {
    return [this.clearWaits(run), ...waits.map((wait) => insertWait(run, wait))]
  }

  clearWaits(run: Run): Statement {
    return sql`DELETE FROM run_waits WHERE run_id = ${run.id}`
  }

  async #change(statement: Statement): Promise<Row[]> {
    const [result] = await this.db.commit([write(statement)])
    return result?.[0] ?? []
  }
}

function insertWait(run: Run, wait: RunWait): Statement {
  const name = 'name' in wait ? wait.name : ''
  const until = 'until' in wait && wait.until !== undefined ? Date.parse(wait.until) : null
  return sql`INSERT INTO run_waits (run_id, kind, name, until, detail)
    VALUES (${list([run.id, wait.kind, name, until, JSON.stringify(wait)])})`
}

function fenced(change: Sql, { id, attempt }: Run): Statement {
  return {
    ...change,
    expect: { rows: 1, otherwise: 'FENCED', detail: `Attempt ${attempt} of run ${id} was taken over.` },
  }
}

function expecting(change: Sql): Statement {
  return { ...change, expect: { rows: 1, otherwise: 'CONFLICT' } }
}

const asSeen = expecting

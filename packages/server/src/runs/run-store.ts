import { type Database, type Statement, statement, type Write, write } from '../db/database.ts'
import type { Outcome, Run } from './run.ts'

interface RunRow {
  id: string
  name: string
  version: number
  input: string
  status: Run['status']
  stream: string
  attempt: number
  serial_key: string | null
  retry_of: string | null
  root_id: string
  cancel_requested_at: number | null
  created_at: number
  started_at: number | null
  ended_at: number | null
}

const COLUMNS = `id, name, version, input, status, stream, attempt, serial_key, retry_of, root_id,
  cancel_requested_at, created_at, started_at, ended_at`

/** The statements of the runs' tables; each transition names the state it starts from and fails from any other. */
export class RunStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  insert(run: Run, dueAt: number): Write {
    const { id, name, version, input, stream, serialKey, retryOf, rootId, createdAt } = run
    return write(
      statement(
        `INSERT INTO runs (id, name, version, input, status, stream, attempt, serial_key, retry_of, root_id, due_at, crashes, created_at)
         VALUES (?, ?, ?, ?, 'queued', ?, 0, ?, ?, ?, ?, 0, ?)`,
        [id, name, version, JSON.stringify(input), stream, serialKey, retryOf, rootId, dueAt, createdAt],
      ),
    )
  }

  async get(id: string): Promise<Run | null> {
    const [row] = await this.#db.read<RunRow>(statement(`SELECT ${COLUMNS} FROM runs WHERE id = ?`, [id]))
    return row ? toRun(row) : null
  }

  /**
   * The next due run of one of these kinds, now working as `worker`; `null` where none is due or its key is taken. A
   * run that was given back keeps its place: nothing that was queued behind it under its key overtakes it.
   */
  async claim(names: readonly string[], worker: string, now: number, leaseUntil: number): Promise<Run | null> {
    const marks = names.map(() => '?').join(', ')
    const claim = statement(
      `UPDATE runs SET status = 'working', attempt = attempt + 1, worker = ?, lease_until = ?,
         started_at = COALESCE(started_at, ?)
       WHERE status = 'queued' AND id = (
         SELECT r.id FROM runs r
         WHERE r.status = 'queued' AND r.due_at <= ? AND r.name IN (${marks})
           AND (r.serial_key IS NULL OR (
             NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = r.serial_key AND a.status = 'working')
             AND NOT EXISTS (SELECT 1 FROM runs a WHERE a.serial_key = r.serial_key AND a.status = 'queued'
               AND (a.created_at < r.created_at OR (a.created_at = r.created_at AND a.id < r.id)))))
         ORDER BY r.due_at, r.id LIMIT 1)
       RETURNING ${COLUMNS}`,
      [worker, leaseUntil, now, now, ...names],
    )
    const [result] = await this.#db.commit([write(claim)])
    const row = result?.[0]?.[0]
    return row ? toRun(row as unknown as RunRow) : null
  }

  /** When the next queued run falls due; `null` where none will. What is due waits for a place or its key, not for time. */
  async nextDue(names: readonly string[], now: number): Promise<number | null> {
    const marks = names.map(() => '?').join(', ')
    const [row] = await this.#db.read<{ due: number | null }>(
      statement(`SELECT MIN(due_at) AS due FROM runs WHERE status = 'queued' AND due_at > ? AND name IN (${marks})`, [
        now,
        ...names,
      ]),
    )
    return row?.due ?? null
  }

  /** First statement of every write of an attempt: a sign of life that fails once the attempt is not the one. */
  fence(run: Run, leaseUntil: number, progressed: boolean): Statement {
    const reset = progressed ? ', crashes = 0' : ''
    return statement(
      `UPDATE runs SET lease_until = ?${reset} WHERE id = ? AND attempt = ? AND status = 'working'`,
      [leaseUntil, run.id, run.attempt],
      { rows: 1, otherwise: 'FENCED', detail: `Attempt ${run.attempt} of run ${run.id} was taken over.` },
    )
  }

  keepLeases(worker: string, leaseUntil: number): Write {
    return write(
      statement("UPDATE runs SET lease_until = ? WHERE worker = ? AND status = 'working'", [leaseUntil, worker]),
    )
  }

  /** Ends a working attempt, or a run that is still queued (attempt as stored). */
  end(run: Run, outcome: Outcome, now: number): Statement {
    const result = outcome.status === 'done' ? JSON.stringify(outcome.result ?? null) : null
    const error = outcome.status === 'failed' ? JSON.stringify(outcome.error) : null
    return statement(
      `UPDATE runs SET status = ?, result = ?, error = ?, ended_at = ?, worker = NULL, lease_until = NULL
       WHERE id = ? AND attempt = ? AND status = ?`,
      [outcome.status, result, error, now, run.id, run.attempt, run.status],
      { rows: 1, otherwise: 'FENCED', detail: `Run ${run.id} was taken over.` },
    )
  }

  /** Gives a working attempt back to the queue. */
  giveBack(run: Run, dueAt: number): Write {
    return write(
      statement(
        `UPDATE runs SET status = 'queued', worker = NULL, lease_until = NULL, due_at = ?
         WHERE id = ? AND attempt = ? AND status = 'working'`,
        [dueAt, run.id, run.attempt],
        { rows: 1, otherwise: 'FENCED' },
      ),
    )
  }

  requestCancel(id: string, now: number): Write {
    return write(
      statement(
        `UPDATE runs SET cancel_requested_at = COALESCE(cancel_requested_at, ?)
         WHERE id = ? AND status IN ('queued', 'working')`,
        [now, id],
        { rows: 1, otherwise: 'ALREADY_ENDED', detail: 'It has already ended.' },
      ),
    )
  }

  /**
   * Takes back the runs whose worker is gone: all that work (`everything`, when this process alone owns the store and
   * has just started), or those whose lease has run out. Each counts as a crash until a step is finished.
   */
  async takeBack(now: number, everything: boolean): Promise<void> {
    const [when, params] = everything ? ['', []] : [' AND lease_until < ?', [now]]
    await this.#db.commit([
      write(
        statement(
          `UPDATE runs SET status = 'queued', worker = NULL, lease_until = NULL, crashes = crashes + 1
           WHERE status = 'working'${when}`,
          params,
        ),
      ),
    ])
  }

  async crashes(id: string): Promise<number> {
    const [row] = await this.#db.read<{ crashes: number }>(statement('SELECT crashes FROM runs WHERE id = ?', [id]))
    return row?.crashes ?? 0
  }

  async findStep(rootId: string, key: string): Promise<{ inputHash: string; output: string } | null> {
    const [row] = await this.#db.read<{ input_hash: string; output: string }>(
      statement('SELECT input_hash, output FROM run_steps WHERE root_id = ? AND step_key = ?', [rootId, key]),
    )
    return row ? { inputHash: row.input_hash, output: row.output } : null
  }

  recordStep(run: Run, key: string, inputHash: string, output: string, now: number): Statement {
    return statement(
      `INSERT INTO run_steps (root_id, step_key, input_hash, output, run_id, attempt, ended_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (root_id, step_key) DO UPDATE SET input_hash = excluded.input_hash, output = excluded.output,
         run_id = excluded.run_id, attempt = excluded.attempt, ended_at = excluded.ended_at`,
      [run.rootId, key, inputHash, output, run.id, run.attempt, now],
    )
  }
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    input: JSON.parse(row.input),
    status: row.status,
    stream: row.stream,
    attempt: row.attempt,
    serialKey: row.serial_key,
    retryOf: row.retry_of,
    rootId: row.root_id,
    cancelRequestedAt: row.cancel_requested_at,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

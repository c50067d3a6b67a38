import type { Effect, StepStatus } from '@holdfast/protocol/runs'
import type { Database, Statement } from '../db/database.ts'
import type { Run, RunError } from './run.ts'
import { list, type Sql, sql, text } from './sql.ts'

/** A step of a run as stored. Times are Unix milliseconds. */
export interface StepRow {
  status: StepStatus
  output: string | null
  error: RunError | null
  attempt: number
  tries: number
  startedAt: number
  retryAt: number | null
}

/** A finished step of a run's line. */
export interface Memo {
  output: string
  runId: string
  attempt: number
}

/** How a step stands now, to be written down. */
export interface StepMark {
  key: string
  inputHash: string
  status: StepStatus
  effect: Effect
  provider: string | null
  tries: number
  /** How long ago it began, in milliseconds. */
  ms: number
  output?: string | null
  error?: RunError | null
  /** In how many milliseconds the next try is due. */
  retryMs?: number | null
}

/** The statements of the steps' table: what is finished is found by (root run, key, input hash). */
export class StepStore {
  readonly #db: Database
  readonly #now: () => Sql

  constructor(db: Database, now: () => Sql) {
    this.#db = db
    this.#now = now
  }

  /** What a step of the run's line came to with that input, whichever run of it did it. */
  async memo(run: Run, key: string, inputHash: string): Promise<Memo | null> {
    const [row] = await this.#db.read<{ output: string; run_id: string; attempt: number }>(sql`
      SELECT output, run_id, attempt FROM run_steps
      WHERE root_id = ${run.rootId} AND step_key = ${key} AND input_hash = ${inputHash} AND status = 'done'
      ORDER BY ended_at DESC LIMIT 1`)
    return row ? { output: row.output, runId: row.run_id, attempt: row.attempt } : null
  }

  /** How the run's own step stands. */
  async own(run: Run, key: string): Promise<StepRow | null> {
    const [row] = await this.#db.read(sql`
      SELECT status, output, error, attempt, tries, started_at, retry_at FROM run_steps
      WHERE run_id = ${run.id} AND step_key = ${key}`)
    if (!row) return null
    const given = row as unknown as Record<string, number> & {
      status: StepStatus
      output: string | null
      error: string | null
    }
    return {
      status: given.status,
      output: given.output,
      error: given.error === null ? null : JSON.parse(given.error),
      attempt: Number(given.attempt),
      tries: Number(given.tries),
      startedAt: Number(given.started_at),
      retryAt: given.retry_at ?? null,
    }
  }

  /** An unsafe step of the run's line with that input of which nobody knows whether it was done. */
  async unsettled(
    run: Run,
    key: string,
    inputHash: string,
  ): Promise<{ isTold: boolean; error: RunError | null } | null> {
    const [row] = await this.#db.read<{ run_id: string; ended_at: number | null; error: string | null }>(sql`
      SELECT run_id, ended_at, error FROM run_steps
      WHERE root_id = ${run.rootId} AND step_key = ${key} AND input_hash = ${inputHash} AND effect = 'unsafe'
        AND status IN ('working', 'unknown') ORDER BY started_at DESC LIMIT 1`)
    if (!row) return null
    // One that was cut off has no end yet: its own run has not said that it asks.
    const isTold = row.run_id === run.id && row.ended_at !== null
    return { isTold, error: row.error === null ? null : JSON.parse(row.error) }
  }

  /** The attempt is over: of the unsafe steps it was in nobody knows whether they were done. */
  leaveUnsettled(run: { id: string }): Statement {
    return sql`UPDATE run_steps SET status = CASE WHEN effect = 'unsafe' THEN 'unknown' ELSE 'failed' END
      WHERE run_id = ${run.id} AND status = 'working'`
  }

  mark(run: Run, step: StepMark): Statement {
    const { key, inputHash, status, effect, provider, tries, ms, output = null, error = null, retryMs = null } = step
    const now = this.#now()
    const values = list([run.id, key, run.rootId, inputHash, status, output])
    const more = list([error === null ? null : JSON.stringify(error), effect, provider, run.attempt, tries])
    const endedAt = status === 'working' ? text('NULL') : now
    const retryAt = retryMs === null ? text('NULL') : sql`${now} + ${Math.ceil(retryMs)}`
    return sql`
      INSERT INTO run_steps (run_id, step_key, root_id, input_hash, status, output,
        error, effect, provider, attempt, tries, started_at, ended_at, retry_at)
      VALUES (${values}, ${more}, ${now} - ${Math.max(0, Math.round(ms))}, ${endedAt}, ${retryAt})
      ON CONFLICT (run_id, step_key) DO UPDATE SET input_hash = excluded.input_hash, status = excluded.status,
        output = excluded.output, error = excluded.error, effect = excluded.effect, provider = excluded.provider,
        attempt = excluded.attempt, tries = excluded.tries, started_at = excluded.started_at, ended_at = excluded.ended_at,
        retry_at = excluded.retry_at`
  }

  /** Holds only while nobody knows whether that step was done. */
  isUnknown(run: Run, key: string): Statement {
    return {
      ...sql`SELECT 1 AS one FROM run_steps WHERE run_id = ${run.id} AND step_key = ${key} AND status = 'unknown'`,
      expect: { rows: 1, otherwise: 'CONFLICT' },
    }
  }

  /** What a person found out of a step of unknown outcome: it was done and came to this, or it is to be done again. */
  decide(run: Run, key: string, output: string | null): Statement {
    const change =
      output === null
        ? text("status = 'failed', retry_at = NULL")
        : sql`status = 'done', output = ${output}, ended_at = ${this.#now()}`
    // The runs it tries again may have left it so as well.
    return sql`UPDATE run_steps SET ${change} WHERE root_id = ${run.rootId} AND step_key = ${key} AND status = 'unknown'`
  }
}

import type { Database, Statement } from '../db/database.ts'
import { list, type Sql, sql } from './sql.ts'

/** A command or a signal as it was given. */
export interface GivenCommand {
  /** Given by whoever sends it: the same one twice is one. */
  id: string
  runId: string
  command: string
  /** Of a signal. */
  name: string | null
  payload: unknown
  by: string
}

export interface WaitingSignal {
  seq: number
  payload: unknown
  by: string
}

/** The statements of the table of what runs were told. */
export class CommandStore {
  readonly #db: Database
  readonly #now: () => Sql

  constructor(db: Database, now: () => Sql) {
    this.#db = db
    this.#now = now
  }

  insert({ id, runId, command, name, payload, by }: GivenCommand): Statement {
    const values = list([id, runId, command, name, payload === undefined ? null : JSON.stringify(payload), by])
    return sql`INSERT INTO run_commands (id, run_id, command, name, payload, by_id, at) VALUES (${values}, ${this.#now()})`
  }

  /** Whose command that id is; `null` where it was never given. */
  async find(id: string): Promise<{ runId: string; command: string; payload: unknown } | null> {
    const [row] = await this.#db.read<{ run_id: string; command: string; payload: string | null }>(sql`
      SELECT run_id, command, payload FROM run_commands WHERE id = ${id}`)
    if (!row) return null
    const { run_id: runId, command, payload } = row
    return { runId, command, payload: payload === null ? null : JSON.parse(payload) }
  }

  /** Signals of that name nobody took yet, oldest first. */
  async waiting(runId: string, name: string, limit: number): Promise<WaitingSignal[]> {
    const rows = await this.#db.read<{ seq: number; payload: string | null; by_id: string }>(sql`
      SELECT seq, payload, by_id FROM run_commands
      WHERE run_id = ${runId} AND name = ${name} AND taken_by IS NULL ORDER BY seq LIMIT ${limit}`)
    return rows.map(({ seq, payload, by_id }) => ({
      seq: Number(seq),
      payload: payload === null ? null : JSON.parse(payload),
      by: by_id,
    }))
  }

  /** Taken under that key; CONFLICT where somebody took it. */
  take(seq: number, key: string): Statement {
    return {
      ...sql`UPDATE run_commands SET taken_by = ${key} WHERE seq = ${seq} AND taken_by IS NULL`,
      expect: { rows: 1, otherwise: 'CONFLICT' },
    }
  }

  /** Holds only while no signal of that name waits: whoever is about to wait for one looks in the same commit. */
  noneWaiting(runId: string, name: string): Statement {
    return {
      ...sql`SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 FROM run_commands
        WHERE run_id = ${runId} AND name = ${name} AND taken_by IS NULL)`,
      expect: { rows: 1, otherwise: 'CONFLICT' },
    }
  }
}

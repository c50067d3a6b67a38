import type { CommitResult, Database, Statement } from '../db/database.ts'
import { write } from '../db/database.ts'
import type { Run } from './run.ts'
import { COLUMNS, toRun } from './run-rows.ts'
import { list, sql, text } from './sql.ts'

/** What a queue or a provider is set to. */
export interface Limit {
  paused: boolean
  /** `null`: any number. */
  concurrency: number | null
}

export type LimitKind = 'queue' | 'provider'

/** The providers at which a commit gave places back, whose first write had `giveBackAll` among its statements. */
export function freedBy(result: CommitResult): string[] {
  const providers = (result[0] ?? []).flat().flatMap(({ provider }) => (typeof provider === 'string' ? [provider] : []))
  return [...new Set(providers)]
}

/** How much may be done at the same time: the settings, and the places at providers that are taken. */
export class LimitStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async get(kind: LimitKind, name: string): Promise<Limit> {
    const [row] = await this.#db.read<{ paused: number; concurrency: number | null }>(sql`
      SELECT paused, concurrency FROM run_limits WHERE kind = ${kind} AND name = ${name}`)
    return { paused: row?.paused === 1, concurrency: row?.concurrency ?? null }
  }

  /** What is not given stays as it is, also where somebody sets it at this moment. */
  async set(kind: LimitKind, name: string, { paused, concurrency }: Partial<Limit>): Promise<void> {
    const values = list([kind, name, paused ? 1 : 0, concurrency ?? null])
    const changes = [
      ...(paused === undefined ? [] : ['paused = excluded.paused']),
      ...(concurrency === undefined ? [] : ['concurrency = excluded.concurrency']),
    ]
    const change = changes.length === 0 ? 'NOTHING' : `UPDATE SET ${changes.join(', ')}`
    await this.#db.commit([
      write(sql`INSERT INTO run_limits (kind, name, paused, concurrency) VALUES (${values})
        ON CONFLICT (kind, name) DO ${text(change)}`),
    ])
  }

  /** Takes the lowest free place at the provider for a step. CONFLICT where there is none, or another took it just now. */
  take(provider: string, run: Run, key: string): Statement {
    const taken = sql`SELECT COUNT(*) FROM run_permits p WHERE p.provider = ${provider}`
    return {
      ...sql`INSERT INTO run_permits (provider, slot, run_id, step_key)
        SELECT CAST(${provider} AS TEXT), (SELECT MIN(t.slot) + 1 FROM (SELECT 0 AS slot UNION ALL SELECT p.slot FROM run_permits p
            WHERE p.provider = ${provider}) t
          WHERE NOT EXISTS (SELECT 1 FROM run_permits p WHERE p.provider = ${provider} AND p.slot = t.slot + 1)),
          CAST(${run.id} AS TEXT), CAST(${key} AS TEXT)
        WHERE NOT EXISTS (SELECT 1 FROM run_limits l WHERE l.kind = 'provider' AND l.name = ${provider}
          AND (l.paused = 1 OR l.concurrency <= (${taken})))`,
      expect: { rows: 1, otherwise: 'CONFLICT', detail: `No place is free at ${provider}.` },
    }
  }

  /** Holds only while a place is free there. */
  hasRoom(provider: string): Statement {
    return {
      ...sql`SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 FROM run_limits l WHERE l.kind = 'provider' AND l.name = ${provider}
        AND (l.paused = 1 OR l.concurrency <= (SELECT COUNT(*) FROM run_permits p WHERE p.provider = ${provider})))`,
      expect: { rows: 1, otherwise: 'CONFLICT', detail: `No place is free at ${provider}.` },
    }
  }

  giveBack(run: Run, key: string): Statement {
    return sql`DELETE FROM run_permits WHERE run_id = ${run.id} AND step_key = ${key}`
  }

  /** Of a run whose attempt is over: whatever it held; gives where that was. */
  giveBackAll(run: { id: string }): Statement {
    return sql`DELETE FROM run_permits WHERE run_id = ${run.id} RETURNING provider`
  }

  /** Places that are free; `null` where there is no bound. */
  async free(provider: string): Promise<number | null> {
    const [row] = await this.#db.read<{ free: number | null }>(sql`
      SELECT CASE WHEN l.paused = 1 THEN 0 ELSE l.concurrency
        - (SELECT COUNT(*) FROM run_permits p WHERE p.provider = ${provider}) END AS free
      FROM run_limits l WHERE l.kind = 'provider' AND l.name = ${provider}`)
    return row ? (row.free === null ? null : Math.max(0, Number(row.free))) : null
  }

  /** Who waits for a place there, first in their order first. */
  async waitingFor(provider: string, limit: number): Promise<Run[]> {
    const rows = await this.#db.read(sql`
      WITH w AS MATERIALIZED (SELECT run_id FROM run_waits WHERE kind = 'provider' AND name = ${provider})
      SELECT ${COLUMNS} FROM w CROSS JOIN runs
      WHERE runs.id = w.run_id AND status = 'waiting' AND paused_at IS NULL ORDER BY rank, id LIMIT ${limit}`)
    return rows.map(toRun)
  }

  /** The providers somebody waits for. */
  async waitedFor(): Promise<string[]> {
    const rows = await this.#db.read<{ name: string }>({
      ...text("SELECT DISTINCT name FROM run_waits WHERE kind = 'provider'"),
    })
    return rows.map(({ name }) => name)
  }
}

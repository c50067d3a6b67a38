import { type Database, statement, write } from '../db/database.ts'
import { UNUSED_SOURCE } from './remove-stream.ts'

// One commit takes so many rows away: the writer belongs to others again after a few milliseconds.
const BATCH = 500
const LOOKED_AT = 100

/** Removes in the background what deleted streams leave behind. What a process does not finish the next one does. */
export class GarbageCollector {
  readonly #db: Database
  #lookedAt = 0

  constructor(db: Database) {
    this.#db = db
  }

  /** Takes one batch. Answers whether there may be more. */
  async collect(): Promise<boolean> {
    const [next] = await this.#db.read<{ stream_id: number }>(
      statement('SELECT stream_id FROM stream_garbage ORDER BY stream_id LIMIT 1'),
    )
    if (!next) return false
    const id = next.stream_id
    for (const { holds, take } of PARTS) {
      if ((await this.#db.read(statement(holds, [id]))).length === 0) continue
      await this.#db.commit([write(statement(take, [id, id]))])
      return true
    }
    await this.#db.commit([write(...REST.map((sql) => statement(sql, [id])))])
    return true
  }

  /**
   * Frees sources whose last forks went at the same moment, each seeing the other (several writers). Looks at so many
   * of the deleted ones with each call, one after the other.
   */
  async releaseSources(): Promise<void> {
    const kept = await this.#db.read<{ id: number; unused: number }>(
      statement(
        `SELECT id, CASE WHEN ${UNUSED_SOURCE} THEN 1 ELSE 0 END AS unused FROM streams
        WHERE deleted = 1 AND id > ? ORDER BY id LIMIT ${LOOKED_AT}`,
        [this.#lookedAt],
      ),
    )
    this.#lookedAt = kept.length < LOOKED_AT ? 0 : (kept.at(-1)?.id ?? 0)
    const release = kept
      .filter(({ unused }) => unused === 1)
      .flatMap(({ id }) => [
        statement('INSERT INTO stream_garbage (stream_id) VALUES (?) ON CONFLICT (stream_id) DO NOTHING', [id]),
        statement('DELETE FROM streams WHERE id = ? AND deleted = 1', [id]),
      ])
    if (release.length > 0) await this.#db.commit([write(...release)])
  }
}

const PARTS = [part('events', 'seq'), part('stream_producers', 'producer'), part('stream_lineage', 'source_id')]
const REST = ['DELETE FROM stream_snapshots WHERE stream_id = ?', 'DELETE FROM stream_garbage WHERE stream_id = ?']

function part(table: string, key: string): { holds: string; take: string } {
  return {
    holds: `SELECT 1 AS one FROM ${table} WHERE stream_id = ? LIMIT 1`,
    take: `DELETE FROM ${table} WHERE stream_id = ? AND ${key} IN (
      SELECT ${key} FROM ${table} WHERE stream_id = ? ORDER BY ${key} LIMIT ${BATCH})`,
  }
}

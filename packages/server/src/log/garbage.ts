import { type Database, statement, write } from '../db/database.ts'
import { UNUSED_SOURCE } from './remove-stream.ts'

// One commit takes so many rows away: the writer belongs to others again after a few milliseconds.
const BATCH = 500

/** Removes in the background what deleted streams leave behind. What a process does not finish the next one does. */
export class GarbageCollector {
  readonly #db: Database

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

  /** Frees the sources whose last forks went at the same moment, each seeing the other (several writers). */
  async releaseSources(): Promise<void> {
    const unused = await this.#db.read<{ id: number }>(
      statement(`SELECT id FROM streams WHERE ${UNUSED_SOURCE} LIMIT ${BATCH}`),
    )
    if (unused.length === 0) return
    const release = unused.flatMap(({ id }) => [
      statement('INSERT INTO stream_garbage (stream_id) VALUES (?) ON CONFLICT (stream_id) DO NOTHING', [id]),
      statement('DELETE FROM streams WHERE id = ? AND deleted = 1', [id]),
    ])
    await this.#db.commit([write(...release)])
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

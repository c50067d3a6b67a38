import { isHoldfastError } from '@holdfast/protocol'
import { type Database, type Statement, statement, type Write } from '../db/database.ts'
import { FORKS_OF, type StreamRow, tailOf } from './streams-table.ts'

/**
 * Takes streams away. One that forks stand on keeps its events and its name; any other frees its name at once, and
 * its events go in the background. The last fork takes along the sources that were kept for it alone.
 */
export class StreamRemover {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** `freed`: the name may be given anew. `kept`: forks stand on it. `null`: it was no longer there. */
  remove(row: StreamRow): Promise<'freed' | 'kept' | null> {
    return this.#take(row, statement('UPDATE streams SET sealed = sealed WHERE id = ? AND deleted = 0', [row.id], GONE))
  }

  /** The same, and `null` also where another process has noted a use of it in the meantime. */
  expire(row: StreamRow): Promise<'freed' | 'kept' | null> {
    return this.#take(row, statement(STILL_ENDING, [row.id, row.expires_at], GONE))
  }

  async #take(row: StreamRow, hold: Statement): Promise<'freed' | 'kept' | null> {
    try {
      const [rows] = await this.#db.commit([removal(row, hold)])
      return rows?.[KEEP]?.length === 1 ? 'kept' : 'freed'
    } catch (error) {
      if (isHoldfastError(error, 'NOT_FOUND')) return null
      throw error
    }
  }
}

/** Index of the statement that gives a row where the stream is kept for its forks. */
const KEEP = 1

const STILL_ENDING = 'UPDATE streams SET sealed = sealed WHERE id = ? AND expires_at = ? AND deleted = 0'

function removal(row: StreamRow, hold: Statement): Write {
  const { id, name } = row
  return {
    statements: [
      // Held from here on: a fork that is being made is seen by the next statement, or comes too late.
      hold,
      statement(
        `UPDATE streams SET deleted = 1, expires_at = NULL WHERE id = ? AND EXISTS (${FORKS_OF}) RETURNING id`,
        [id, id],
      ),
      statement('INSERT INTO stream_garbage (stream_id) SELECT id FROM streams WHERE id = ? AND deleted = 0', [id]),
      statement('DELETE FROM streams WHERE id = ? AND deleted = 0', [id]),
      statement(RELEASE_SOURCES, [id]),
      statement(`DELETE FROM streams WHERE deleted = 1 AND id IN (${SOURCES}) AND ${IS_GARBAGE}`, [id]),
    ],
    removed: { stream: name, tail: tailOf(row) },
  }
}

const GONE = { rows: 1, otherwise: 'NOT_FOUND' } as const
const SOURCES = 'SELECT source_id FROM stream_lineage WHERE stream_id = ?'
const IS_GARBAGE = 'EXISTS (SELECT 1 FROM stream_garbage g WHERE g.stream_id = streams.id)'

/**
 * A lineage is flat, so a source is done with once nobody who is there for himself goes back to it: sources between
 * the two are kept for the same forks.
 */
export const UNUSED_SOURCE = `
  deleted = 1 AND NOT EXISTS (
    SELECT 1 FROM stream_lineage l JOIN streams fork ON fork.id = l.stream_id
    WHERE l.source_id = streams.id AND fork.deleted = 0)`

const RELEASE_SOURCES = `
  INSERT INTO stream_garbage (stream_id) SELECT id FROM streams WHERE ${UNUSED_SOURCE} AND id IN (${SOURCES})
  ON CONFLICT (stream_id) DO NOTHING`

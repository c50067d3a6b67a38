import type { Database } from '../db/database.ts'
import { type Sql, sql, text } from './sql.ts'

/**
 * The store's time, in SQL: PostgreSQL's clock, which all nodes share, or, where the store is this process, the given
 * one. Asked once for each place it stands in and not for each row, so that an index serves it.
 */
export function storeTime(db: Database, clock: { now(): number }): () => Sql {
  return () => (db.dialect === 'postgres' ? text('(SELECT holdfast_now())') : sql`${clock.now()}`)
}

/** What another node has in its hands this moment is passed over, never waited for. */
export function skipLocked(db: Database): Sql {
  return text(db.dialect === 'postgres' ? 'FOR UPDATE SKIP LOCKED' : '')
}

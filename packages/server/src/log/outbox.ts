import { type Statement, statement, type Write } from '../db/database.ts'

/**
 * Adds to a write that appends a terminal event: in the same commit the outbox learns of it, by the stream and the place
 * the event has there. Who is told of it, and how, is found out by whoever delivers. `now`: SQL of the store's time.
 */
export function withOutbox(write: Write, now: { sql: string; params: Statement['params'] }): Write {
  const { appended } = write
  if (!appended) return write
  const row = statement(
    `INSERT INTO outbox (stream, incarnation, sequence, created_at)
     SELECT name, id, tail, ${now.sql} FROM streams WHERE name = ?`,
    [...now.params, appended.stream],
  )
  return { ...write, statements: [...write.statements, row] }
}

import pg from 'pg'
import type { Answer, Door } from './door.ts'

const CONNECTIONS_MAX = 3
const PATIENCE_MS = 10_000

/**
 * Another program, which knows the database and no server: by `SELECT holdfast_append(…)`, or by rows of
 * `holdfast_inbox`.
 */
export function sqlDoor(connectionString: string): Door & { close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS_MAX, connectionTimeoutMillis: PATIENCE_MS })
  // A connection that breaks while it is idle is replaced at the next use.
  pool.on('error', () => {})
  return {
    name: 'sql',
    isIdempotent: false,
    async append(_place, { stream, events, seal }): Promise<Answer> {
      try {
        if (events.length % 2 === 1) {
          const append = 'SELECT holdfast_append($1, $2::jsonb, $3) AS "offset"'
          const { rows } = await pool.query(append, [stream, `[${events.join(',')}]`, seal])
          return { type: 'ok', offset: rows[0]?.offset }
        }
        const rows = events.map((_, index) => `($1, $${index + 3}::jsonb, ${index === events.length - 1} AND $2)`)
        const insert = `INSERT INTO holdfast_inbox (stream, event, seal) VALUES ${rows.join(', ')}`
        await pool.query(insert, [stream, seal, ...events])
        return { type: 'ok' }
      } catch (error) {
        return answerOf(error)
      }
    },
    close: () => pool.end(),
  }
}

/** Source: PostgreSQL documentation, Appendix A. What ended the connection may have come after the commit. */
function answerOf(error: unknown): Answer {
  const state = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
  if (state === '' || state.startsWith('57') || state.startsWith('08')) return { type: 'unknown' }
  if (state === '25006' || state.startsWith('53')) return { type: 'fail', code: 'UNAVAILABLE' }
  return { type: 'fail', code: state === '55000' ? 'STREAM_SEALED' : state }
}

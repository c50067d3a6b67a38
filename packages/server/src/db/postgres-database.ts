import { type ErrorCode, HoldfastError } from '@holdfast/protocol'
import pg from 'pg'
import { CommitListeners, committedBy } from './committed.ts'
import type { CommitResult, Database, Row, Statement, Write } from './database.ts'

export interface PostgresOptions {
  connectionString: string
  /** Default 10. */
  maxConnections?: number
  /** Schema for all tables; default the connection's own search path. */
  schema?: string
}

// Counts and times are BIGINT in the store and stay below 2^53; pg would hand them over as text.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, (text: string) => Number(text))
types.setTypeParser(pg.types.builtins.NUMERIC, (text: string) => Number(text))

// Two commits that lock the same rows in another order: one is told to give way, and simply runs again.
const GIVE_WAY = new Set(['40P01', '40001'])
const ATTEMPTS = 5

/** PostgreSQL under the same port: a transaction per commit on a pooled connection. */
export function openPostgresDatabase(options: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.maxConnections ?? 10,
    types,
    ...(options.schema ? { options: `-c search_path=${options.schema}` } : {}),
  })
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => {})
  const listeners = new CommitListeners()
  const underway = new Set<Promise<CommitResult>>()
  let closed: Promise<void> | null = null

  const commit = async (writes: readonly Write[]): Promise<CommitResult> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await transact(pool, writes)
        listeners.tell(committedBy(writes, result))
        return result
      } catch (error) {
        if (attempt < ATTEMPTS && GIVE_WAY.has(sqlState(error))) continue
        throw translate(error)
      }
    }
  }

  return {
    dialect: 'postgres',
    async commit(writes) {
      if (closed) throw new HoldfastError('UNAVAILABLE', 'The store is closed.')
      const committing = commit(writes)
      underway.add(committing)
      return committing.finally(() => underway.delete(committing))
    },
    async read<T = Row>({ sql, params }: Statement) {
      if (closed) throw new HoldfastError('UNAVAILABLE', 'The store is closed.')
      try {
        const { rows } = await pool.query(numbered(sql), [...params])
        return rows as T[]
      } catch (error) {
        throw translate(error)
      }
    },
    onCommitted: (listener) => listeners.add(listener),
    close() {
      // The pool forgets who waits for a connection when it ends, so everybody is served first.
      closed ??= Promise.allSettled(underway).then(() => pool.end())
      return closed
    },
  }
}

async function transact(pool: pg.Pool, writes: readonly Write[]): Promise<CommitResult> {
  const client = await pool.connect()
  let broken: Error | undefined
  // The pool listens only to idle clients: a connection lost in the middle would end the process.
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    await client.query('BEGIN')
    const result: CommitResult = []
    for (const { statements } of writes) {
      const rows: Row[][] = []
      for (const statement of statements) rows.push(await runStatement(client, statement))
      result.push(rows)
    }
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch((failed: Error) => {
      broken = failed
    })
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function runStatement(client: pg.PoolClient, { sql, params, expect }: Statement): Promise<Row[]> {
  const { rows, rowCount } = await client.query(numbered(sql), [...params])
  if (expect && (rowCount ?? 0) !== expect.rows) throw new HoldfastError(expect.otherwise, expect.detail)
  return rows
}

const numberedTexts = new Map<string, string>()

/** `?` becomes `$1`, `$2` …; our own statements hold no other question mark. */
function numbered(sql: string): string {
  let text = numberedTexts.get(sql)
  if (text === undefined) {
    let index = 0
    text = sql.replace(/\?/g, () => {
      index += 1
      return `$${index}`
    })
    if (numberedTexts.size >= 1000) numberedTexts.clear()
    numberedTexts.set(sql, text)
  }
  return text
}

function sqlState(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : ''
}

/** Source: PostgreSQL documentation, Appendix A, Error Codes. */
function translate(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  const state = sqlState(error)
  const code: ErrorCode = state.startsWith('23')
    ? 'CONFLICT'
    : state === '53100'
      ? 'STORAGE_FULL'
      : state === '' || state.startsWith('08') || state.startsWith('53') || state.startsWith('57')
        ? 'UNAVAILABLE'
        : 'INTERNAL_ERROR'
  return new HoldfastError(code, error instanceof Error ? error.message : String(error), { cause: error })
}

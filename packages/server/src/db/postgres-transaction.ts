import { HoldfastError } from '@holdfast/protocol'
import pg from 'pg'
import type { Row, Statement } from './database.ts'
import { outcomeUnknown, troubleOf } from './postgres-errors.ts'
import { givenRows, isUnmet, sentAs } from './postgres-sql.ts'
import type { StatementNames } from './statement-names.ts'

/**
 * Runs the statements in one transaction, sent all at once, its end included: one round trip, however many there are,
 * and no lock waits for an answer to travel. Throws the code of an unmet expectation; OUTCOME_UNKNOWN where the line
 * broke when all had been sent; anything else as PostgreSQL gave it, nothing having been done.
 */
export async function transact(
  pool: pg.Pool,
  names: StatementNames,
  statements: readonly Statement[],
): Promise<Row[][]> {
  const client = await pool.connect()
  let broken: Error | undefined
  // The pool listens only to idle clients: a connection lost in the middle would end the process.
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    return await send(client, names, statements)
  } catch (error) {
    if (!isOfStatement(error)) broken ??= error as Error
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function send(client: pg.PoolClient, names: StatementNames, statements: readonly Statement[]): Promise<Row[][]> {
  const isSlow = statements.some((statement) => statement.isSlow)
  const query = (text: string, values: unknown[] = [], name?: string) => {
    return client.query({ text, values, ...(name ? { name } : {}), ...(isSlow ? { query_timeout: SLOW_MS } : {}) })
  }
  // Neither the begin nor the end is prepared: a session that forgot what was would fail them alone.
  const begin = [query('BEGIN'), ...(isSlow ? [query(NO_LIMITS)] : [])]
  const results = await Promise.allSettled([
    ...begin,
    ...statements.map((statement) => {
      const { text } = sentAs(statement)
      return query(text, [...statement.params], names.of(text))
    }),
    query('COMMIT'),
  ])
  const failed = results.findIndex(({ status }) => status === 'rejected')
  if (failed !== -1) {
    const { reason } = results[failed] as PromiseRejectedResult
    throw meaningOf(reason, statements[failed - begin.length], failed === results.length - 1)
  }
  return statements.map((statement, index) => {
    const { value } = results[begin.length + index] as PromiseFulfilledResult<pg.QueryResult<Row>>
    return givenRows(statement, sentAs(statement), value.rows)
  })
}

const SLOW_MS = 24 * 3_600_000
// The last of them is there from PostgreSQL 17 on.
const NO_LIMITS = `
  SELECT set_config(name, '0', true) FROM pg_settings
  WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`

/** `isEnd`: it was the end of the transaction that failed. */
function meaningOf(error: unknown, statement: Statement | undefined, isEnd: boolean): unknown {
  if (statement?.expect && isUnmet(error)) {
    return new HoldfastError(statement.expect.otherwise, statement.expect.detail)
  }
  // What the store itself says of anything before the end means that the end was not taken up.
  const isUndone = error instanceof pg.DatabaseError && !isEnd
  return isUndone || troubleOf(error) !== 'lost' ? error : outcomeUnknown(error)
}

/** Whether the connection is as good as before. */
function isOfStatement(error: unknown): boolean {
  if (error instanceof HoldfastError) return error.code !== 'OUTCOME_UNKNOWN'
  return error instanceof pg.DatabaseError && error.severity === 'ERROR'
}

import { statement, write } from '@holdfast/server'
import { describeDatabase } from '@holdfast/server/db.contract'
import { describeStreamLog } from '@holdfast/server/log.contract'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { describeRuns } from '@holdfast/server/runs.contract'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostgres, type TestPostgres } from './postgres.ts'
import { withPostgresClock } from './postgres-clock.ts'

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

const open = async () => openPostgresDatabase({ connectionString: await postgres.createDatabase() })

describeDatabase('PostgreSQL', open)
describeStreamLog('PostgreSQL', open)
describeRuns('PostgreSQL', async (clock) => {
  const connectionString = await postgres.createDatabase()
  return async () => withPostgresClock(openPostgresDatabase({ connectionString, maxConnections: 6 }), clock)
})

it('[DB12] a connection lost in the middle of a commit fails that commit, and nothing else', async () => {
  const db = await open()
  await db.commit([write(statement('CREATE TABLE things (id BIGINT PRIMARY KEY)'))])
  const cut = statement('SELECT pg_terminate_backend(pg_backend_pid())')
  const insert = statement('INSERT INTO things VALUES (1)')
  await expect(db.commit([write(insert, cut, insert)])).rejects.toThrow(
    expect.objectContaining({ code: 'UNAVAILABLE' }),
  )
  await db.commit([write(insert)])
  expect(await db.read(statement('SELECT id FROM things'))).toEqual([{ id: 1 }])
  await db.close()
})

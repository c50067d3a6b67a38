import { describeDatabase } from '@holdfast/server/db.contract'
import { describeStreamLog } from '@holdfast/server/log.contract'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { describeRuns } from '@holdfast/server/runs.contract'
import { describeSharedLog } from '@holdfast/server/shared.contract'
import { afterAll, beforeAll } from 'vitest'
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

describeSharedLog('PostgreSQL', async () => {
  const connectionString = await postgres.createDatabase()
  return async () => openPostgresDatabase({ connectionString, maxConnections: 6 })
})

import { describeDatabase } from '@holdfast/server/db.contract'
import { describeStreamLog } from '@holdfast/server/log.contract'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { describeRuns } from '@holdfast/server/runs.contract'
import { afterAll, beforeAll } from 'vitest'
import { startPostgres, type TestPostgres } from './postgres.ts'

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

const open = async () => openPostgresDatabase({ connectionString: await postgres.createDatabase() })

describeDatabase('PostgreSQL', open)
describeStreamLog('PostgreSQL', open)
describeRuns('PostgreSQL', open)

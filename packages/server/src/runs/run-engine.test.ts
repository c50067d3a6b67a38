import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { openMemoryDatabase, openSqliteDatabase } from '../db/sqlite-database.ts'
import { describeRuns } from './runs.contract.ts'

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-runs-'))
})
afterAll(() => rm(folder, { recursive: true }))

function fail(error: Error): never {
  throw error
}

// One process has a file of SQLite, on one connection.
describeRuns('SQLite in memory', async () => {
  const db = openMemoryDatabase()
  return async () => db
})

describeRuns('SQLite in a file', async () => {
  count += 1
  const db = await openSqliteDatabase({ path: join(folder, `${count}.db`), durability: 'full', onFatal: fail })
  return async () => db
})

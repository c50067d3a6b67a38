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

describeRuns('SQLite in memory', async () => openMemoryDatabase())

describeRuns('SQLite in a file', () => {
  count += 1
  return openSqliteDatabase({ path: join(folder, `${count}.db`), durability: 'full', onFatal: fail })
})

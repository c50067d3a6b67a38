import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { describeDatabase } from './db.contract.ts'
import { openMemoryDatabase, openSqliteDatabase } from './sqlite-database.ts'

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-db-'))
})
afterAll(() => rm(folder, { recursive: true }))

function fail(error: Error): never {
  throw error
}

describeDatabase('SQLite in memory', async () => openMemoryDatabase())

describeDatabase('SQLite in a file', () => {
  count += 1
  return openSqliteDatabase({ path: join(folder, `${count}.db`), durability: 'full', onFatal: fail })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { openMemoryDatabase, openSqliteDatabase } from '../db/sqlite-database.ts'
import { describeStreamLog } from './log.contract.ts'
import { describeSharedLog } from './shared.contract.ts'

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-log-'))
})
afterAll(() => rm(folder, { recursive: true }))

function fail(error: Error): never {
  throw error
}

const inMemory = async () => openMemoryDatabase()
const inFile = () => {
  count += 1
  return openSqliteDatabase({ path: join(folder, `${count}.db`), durability: 'full', onFatal: fail })
}

describeStreamLog('SQLite in memory', inMemory)
describeStreamLog('SQLite in a file', inFile)
describeSharedLog('SQLite in memory', async () => {
  const db = openMemoryDatabase()
  return async () => db
})

import { allMigrations, migrateUp } from '@holdfast/server'
import { openMemoryDatabase } from '@holdfast/server/sqlite'
import { postgresOfTests } from './fixtures/postgres.ts'
import { describeStores } from './stores.contract.ts'
import { ingestMigrations } from './tables.ts'

const all = allMigrations([{ name: 'ingest', streams: [], migrations: ingestMigrations, setup: () => ({}) }])

describeStores('SQLite', async () => {
  const db = openMemoryDatabase()
  await migrateUp(db, all, 0)
  return { db, [Symbol.asyncDispose]: () => db.close() }
})

const postgres = postgresOfTests()

describeStores('PostgreSQL', async () => ({ db: await postgres.emptied(), [Symbol.asyncDispose]: async () => {} }))

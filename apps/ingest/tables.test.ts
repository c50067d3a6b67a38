import { allMigrations, type Dialect, migrateDown, migrateUp, migrationStatus, statement } from '@holdfast/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import { IngestionStore } from './ingestion-store.ts'
import { ingestMigrations } from './tables.ts'

const all = allMigrations([{ name: 'ingest', streams: [], migrations: ingestMigrations, setup: () => ({}) }])
const TABLES = ['chunks', 'files', 'ingestion_progress', 'projects']

/** Which of the app's tables there are. */
const tables = (dialect: Dialect) =>
  statement(
    `SELECT ${dialect === 'postgres' ? 'table_name AS name FROM information_schema.tables' : 'name FROM sqlite_schema'}
     WHERE ${dialect === 'postgres' ? 'table_name' : 'name'} IN ('projects', 'ingestion_progress', 'files', 'chunks')
     ORDER BY 1`,
  )

let world: IngestWorld
beforeEach(async () => {
  world = await createIngestWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

describe('The tables of the ingest app', () => {
  it('[ING10] go down with data in them and up again, and work as before', async () => {
    const { db } = world.http
    await world.write({ 'a.md': 'Some words.' })
    await world.ingest(await world.project())
    const down = await migrateDown(db, all, ingestMigrations.length)
    expect(down).toEqual(ingestMigrations.map(({ id }) => id).reverse())
    expect(await db.read(tables(db.dialect))).toEqual([])
    expect((await migrationStatus(db, all)).filter(({ applied }) => !applied)).toHaveLength(ingestMigrations.length)
    await migrateUp(db, all, 1)
    expect(await db.read(tables(db.dialect))).toEqual(TABLES.map((name) => ({ name })))
    const { last } = await world.ingest(await world.project())
    expect(last).toMatchObject({ type: 'ingestion_complete', result: { files: { done: 1 } } })
  })

  it('[P5c] hold the result at the end, and the error of one that failed', async () => {
    const store = new IngestionStore(world.http.db)
    await world.write({ 'a.md': 'Some words.' })
    const projectId = await world.project()
    const done = await world.ingest(projectId)
    const row = await store.ingestion(done.ingestionId)
    expect(row).toMatchObject({ status: 'done', current_phase: 4, progress_percent: 100, error: null })
    expect(JSON.parse(row?.result ?? '')).toEqual((done.last as { result?: unknown }).result)
    expect(JSON.parse(row?.metrics ?? '')).toMatchObject({ filesTotal: 1, filesDone: 1 })
    expect(row?.completed_at).toBeGreaterThanOrEqual(row?.started_at ?? Number.POSITIVE_INFINITY)

    const { ingestionId } = await world.start(projectId)
    await world.http.post(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`).catch(() => {})
    await world.end(projectId, ingestionId)
    const second = await store.ingestion(ingestionId)
    expect(['cancelled', 'done']).toContain(second?.status)
  })
})

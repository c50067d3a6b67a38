import { allMigrations, migrateDown, migrateUp, migrationStatus, statement, write } from '@holdfast/server'
import { openMemoryDatabase } from '@holdfast/server/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileStore } from './file-store.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import { IngestionStore } from './ingestion-store.ts'
import { ingestMigrations } from './tables.ts'

const all = allMigrations([{ name: 'ingest', streams: [], migrations: ingestMigrations, setup: () => ({}) }])
const TABLES = ['chunks', 'files', 'ingestion_progress', 'projects']
const tables = statement(
  `SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('projects', 'ingestion_progress', 'files', 'chunks')
   ORDER BY name`,
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
    expect(await db.read(tables)).toEqual([])
    expect((await migrationStatus(db, all)).filter(({ applied }) => !applied)).toHaveLength(ingestMigrations.length)
    await migrateUp(db, all, 1)
    expect(await db.read(tables)).toEqual(TABLES.map((name) => ({ name })))
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

  it('[ING10] keep any text to the character, in any number of passages', async () => {
    const db = openMemoryDatabase()
    await migrateUp(db, all, 0)
    const files = new FileStore(db)
    const identity = { projectId: 'p', sourceKey: 's', ingestionId: 'i', rootId: 'i' }
    const found = { status: 'found', type: 'text', sha256: 'x', rejection: null } as const
    await db.commit([
      write(statement("INSERT INTO projects (id, name, created_at) VALUES ('p', 'P', 0)")),
      files.put('f', identity, { path: 'a', place: '/a', size: 1 }, found, 0),
    ])
    const row = await files.get('f')
    if (!row) throw new Error('the file is not there')
    const texts = ['quotes " and \' and \\', 'null \u0000 inside', '🚢 ship', '{"json": [1]}', '\u2028\u0001']
    const chunks = texts.map((text, ordinal) => {
      return {
        ordinal,
        text,
        start: 0,
        end: text.length,
        page: ordinal || null,
        lineStart: 1,
        lineEnd: 1,
        path: [text],
      }
    })
    await db.commit([files.addChunks(row, chunks)])
    const batches: { text: string; path: string[] }[] = []
    for await (const batch of files.chunksOf('f')) batches.push(...batch)
    expect(batches.map(({ text }) => text)).toEqual(texts)
    expect(batches.map(({ path: [symbol] }) => symbol)).toEqual(texts)
    expect((await files.get('f'))?.chunks).toBe(texts.length)
    await db.commit([files.removeChunks('f')])
    expect(await files.get('f')).toMatchObject({ chunks: 0, passages_of: null })
    await db.close()
  })
})

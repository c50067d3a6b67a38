import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { statement, write } from '@holdfast/server'
import { until } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { openSqliteSearchIndex } from './adapters/search/sqlite-search-index.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import type { SearchIndex } from './ports.ts'

const FILES = Object.fromEntries(
  Array.from({ length: 20 }, (_, n) => [`${n}.md`, `# Note ${n}\n\nA pangolin sleeps.\n`]),
)

/** A project with all of the files, ingested. */
async function ingested(world: IngestWorld): Promise<string> {
  await world.write(FILES)
  const projectId = await world.project()
  await world.ingest(projectId)
  return projectId
}

/** Works on SQLite's index behind the server's back. */
async function behindTheBack(world: IngestWorld, work: (index: SearchIndex) => Promise<void>): Promise<void> {
  const path = join(world.http.dataDir, 'search.db')
  const index = await openSqliteSearchIndex({ path, onFatal: (error) => expect.fail(error.message) })
  await work(index)
  await index.close()
}

async function lose(world: IngestWorld, projectId: string, fileIds: readonly string[]): Promise<void> {
  const { db } = world.http
  if (db.dialect === 'postgres') {
    await db.commit([write(...fileIds.map((id) => statement('DELETE FROM passages WHERE file_id = ?', [id])))])
    return
  }
  await behindTheBack(world, async (index) => {
    for (const id of fileIds) await index.remove(projectId, id)
  })
}

const firstSeven = async (world: IngestWorld, projectId: string) =>
  Object.values(await world.files(projectId))
    .slice(0, 7)
    .map(({ id }) => id)

describe('A search index that was lost', () => {
  it('[ING7] is made whole at the next start where some of it was lost', async () => {
    await using world = await createIngestWorld({ durable: true })
    const projectId = await ingested(world)
    await lose(world, projectId, await firstSeven(world, projectId))
    expect(await world.search(projectId, 'pangolin')).toHaveLength(13)
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === 20)
  })
})

describe('A search index in a file of its own that was lost', () => {
  it('[ING7] is built again from the passages at the next start', async () => {
    await using world = await createIngestWorld({ ground: 'sqlite' })
    const projectId = await ingested(world)
    const before = await world.search(projectId, 'pangolin')
    await rm(join(world.http.dataDir, 'search.db'))
    await rm(join(world.http.dataDir, 'search.db-wal'), { force: true })
    await rm(join(world.http.dataDir, 'search.db-shm'), { force: true })
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === before.length)
    expect(await world.search(projectId, 'pangolin')).toEqual(before)
  })

  it('[ING7] is made whole also where passages of files that are gone stand for those that are missing', async () => {
    await using world = await createIngestWorld({ ground: 'sqlite' })
    const projectId = await ingested(world)
    const lost = await firstSeven(world, projectId)
    await behindTheBack(world, async (index) => {
      for (const [n, id] of lost.entries()) {
        await index.remove(projectId, id)
        await index.put(projectId, `gone-${n}`, [{ id: 1_000 + n, text: 'stale', path: [] }])
      }
    })
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === 20)
  })

  it('[ING7] and whose file is damaged does not stop the server', async () => {
    await using world = await createIngestWorld({ ground: 'sqlite' })
    const projectId = await ingested(world)
    // The server's own files stay as they are; only the index's is overwritten.
    await writeFile(join(world.http.dataDir, 'search.db'), 'no database')
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === 20)
  })
})

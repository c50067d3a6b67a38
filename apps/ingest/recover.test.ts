import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { openSqliteSearchIndex } from './adapters/search/sqlite-search-index.ts'
import { createIngestWorld } from './fixtures/world.ts'

const FILES = Object.fromEntries(
  Array.from({ length: 20 }, (_, n) => [`${n}.md`, `# Note ${n}\n\nA pangolin sleeps.\n`]),
)

describe('A search index that was lost', () => {
  it('[ING7] is built again from the passages at the next start', async () => {
    await using world = await createIngestWorld({ durable: true })
    await world.write(FILES)
    const projectId = await world.project()
    await world.ingest(projectId)
    const before = await world.search(projectId, 'pangolin')
    await rm(join(world.http.dataDir, 'search.db'))
    await rm(join(world.http.dataDir, 'search.db-wal'), { force: true })
    await rm(join(world.http.dataDir, 'search.db-shm'), { force: true })
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === before.length)
    expect(await world.search(projectId, 'pangolin')).toEqual(before)
  })

  it('[ING7] is made whole where only some of it was lost', async () => {
    await using world = await createIngestWorld({ durable: true })
    await world.write(FILES)
    const projectId = await world.project()
    await world.ingest(projectId)
    const lost = Object.values(await world.files(projectId)).slice(0, 7)
    const path = join(world.http.dataDir, 'search.db')
    const index = await openSqliteSearchIndex({ path, onFatal: (error) => expect.fail(error.message) })
    for (const { id } of lost) await index.remove(projectId, id)
    await index.close()
    expect(await world.search(projectId, 'pangolin')).toHaveLength(13)
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === 20)
  })

  it('[ING7] is made whole also where passages of files that are gone stand for those that are missing', async () => {
    await using world = await createIngestWorld({ durable: true })
    await world.write(FILES)
    const projectId = await world.project()
    await world.ingest(projectId)
    const lost = Object.values(await world.files(projectId)).slice(0, 7)
    const index = await openSqliteSearchIndex({
      path: join(world.http.dataDir, 'search.db'),
      onFatal: (error) => expect.fail(error.message),
    })
    for (const [n, { id }] of lost.entries()) {
      await index.remove(projectId, id)
      await index.put(projectId, `gone-${n}`, [{ id: 1_000 + n, text: 'stale', path: [] }])
    }
    await index.close()
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === 20)
  })

  it('[ING7] and whose file is damaged does not stop the server', async () => {
    await using world = await createIngestWorld({ durable: true })
    await world.write(FILES)
    const projectId = await world.project()
    await world.ingest(projectId)
    // The server's own files stay as they are; only the index's is overwritten.
    await writeFile(join(world.http.dataDir, 'search.db'), 'no database')
    await world.http.restart()
    await until(async () => (await world.search(projectId, 'pangolin')).length === 20)
  })
})

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { SearchIndex } from '../../ports.ts'
import { describeSearchIndex, type SearchWorld } from './search.contract.ts'
import { openSqliteSearchIndex } from './sqlite-search-index.ts'

const open = (folder: string) =>
  openSqliteSearchIndex({ path: join(folder, 'search.db'), onFatal: (error) => expect.fail(error.message) })

/** It keeps the texts itself, so nothing has to stand elsewhere. */
async function makeWorld(): Promise<SearchWorld & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-search-'))
  let index: SearchIndex = await open(folder)
  return {
    folder,
    get index() {
      return index
    },
    store: async () => {},
    drop: async () => {},
    async reopen() {
      await index.close()
      index = await open(folder)
    },
    async [Symbol.asyncDispose]() {
      await index.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

describeSearchIndex('SQLite', makeWorld)

it('[ING7] a damaged index is put aside for an empty one, whatever its damage', async () => {
  await using world = await makeWorld()
  const passage = (id: number, text: string) => ({ id, text, path: [] })
  const found = async () => {
    const hits = await world.index.search('p1', 'pangolin', { limit: 50, offset: 0 })
    return hits.map(({ chunkId }) => chunkId)
  }
  const asleep = Array.from({ length: 50 }, (_, n) => passage(n + 1, `a pangolin sleeps ${n}`))
  await world.index.put('p1', 'f1', asleep)
  await world.index.close()
  const path = join(world.folder, 'search.db')
  const sound = await readFile(path)
  const damaged = [
    Buffer.from('this is no database, and never was one'),
    Buffer.concat([sound.subarray(0, 4096), Buffer.alloc(sound.length - 4096, 0x5a)]),
  ]
  for (const bytes of damaged) {
    await writeFile(path, bytes)
    await writeFile(`${path}-wal`, 'left over')
    await world.reopen()
    expect(await world.index.size()).toBe(0)
    await world.index.put('p1', 'f1', [passage(1, 'a pangolin wakes')])
    expect(await found()).toEqual([1])
    await world.index.close()
  }
  await world.reopen()
  expect(await found()).toEqual([1])
})

import { HoldfastError } from '@holdfast/protocol'
import { type Database, statement, write } from '@holdfast/server'
import { expect, it } from 'vitest'
import { postgresOfTests } from '../../fixtures/postgres.ts'
import { storedText } from '../../stored-text.ts'
import { createPostgresSearchIndex } from './postgres-search-index.ts'
import { describeSearchIndex, type SearchWorld } from './search.contract.ts'

const postgres = postgresOfTests()

const STORE = `
  INSERT INTO chunks (id, project_id, file_id, ordinal, text, start_at, end_at, line_start, line_end, path)
  OVERRIDING SYSTEM VALUE VALUES (?, ?, ?, ?, ?, 0, 0, 1, 1, '[]')
  ON CONFLICT (id) DO UPDATE SET text = excluded.text`

async function makeWorld(): Promise<SearchWorld & { db: Database }> {
  const db = await postgres.emptied()
  const text = storedText(db.dialect)
  let index = createPostgresSearchIndex(db)
  return {
    db,
    get index() {
      return index
    },
    async store(projectId, fileId, passages) {
      await db.commit([
        write(...passages.map((one) => statement(STORE, [one.id, projectId, fileId, one.id, text(one.text)]))),
      ])
    },
    async drop(fileId) {
      await db.commit([write(statement('DELETE FROM chunks WHERE file_id = ?', [fileId]))])
    },
    async reopen() {
      await index.close()
      index = createPostgresSearchIndex(db)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

describeSearchIndex('PostgreSQL', makeWorld)

const passage = (id: number, text: string) => ({ id, text, path: [] })

it('[ING15] what one node indexed another finds at once', async () => {
  await using world = await makeWorld()
  const other = createPostgresSearchIndex(world.db)
  await world.store('p1', 'f1', [passage(1, 'a shared narwhal')])
  await world.index.put('p1', 'f1', [passage(1, 'a shared narwhal')])
  expect(await other.search('p1', 'narwhal', { limit: 5, offset: 0 })).toMatchObject([{ chunkId: 1 }])
  await other.remove('p1', 'f1')
  expect(await world.index.search('p1', 'narwhal', { limit: 5, offset: 0 })).toEqual([])
})

it('[ING15] a run that was taken over takes nothing out of the index and puts nothing in', async () => {
  await using world = await makeWorld()
  await world.store('p1', 'f1', [passage(1, 'a narwhal'), passage(2, 'another narwhal')])
  await world.index.put('p1', 'f1', [passage(1, 'a narwhal')])
  const late = world.index.through(async () => {
    throw new HoldfastError('FENCED')
  })
  await expect(late.remove('p1', 'f1')).rejects.toMatchObject({ code: 'FENCED' })
  await expect(late.put('p1', 'f1', [passage(2, 'another narwhal')])).rejects.toMatchObject({ code: 'FENCED' })
  expect(await world.index.search('p1', 'narwhal', { limit: 5, offset: 0 })).toMatchObject([{ chunkId: 1 }])
})

it('[ING15] a passage that is removed from the store is out of the index in the same commit', async () => {
  await using world = await makeWorld()
  await world.store('p1', 'f1', [passage(1, 'a narwhal')])
  await world.index.put('p1', 'f1', [passage(1, 'a narwhal')])
  await world.drop('f1')
  expect(await world.index.size()).toBe(0)
  await world.index.put('p1', 'f1', [passage(1, 'a narwhal')])
  expect(await world.index.size()).toBe(0)
})

it('[ING5] finds the parts of names, paths and addresses, and words of every length', async () => {
  await using world = await makeWorld()
  const text = `see docs/guide/anchor-chain.md, https://example.org/harbour?x=1 or snake_cased; ${'long'.repeat(2_000)}`
  await world.store('p1', 'f1', [passage(1, text)])
  await world.index.put('p1', 'f1', [passage(1, text)])
  for (const query of ['anchor', 'guide', 'harbour', 'cased', 'snake_cased', 'docs/guide', 'long'.repeat(300)]) {
    const [hit] = await world.index.search('p1', query, { limit: 5, offset: 0 })
    expect(hit?.chunkId, query.slice(0, 20)).toBe(1)
  }
})

it('[ING5] words are found by an index and not by reading every passage', async () => {
  await using world = await makeWorld()
  const prose = Array.from({ length: 150 }, (_, n) => `common${n}`).join(' ')
  const many = Array.from({ length: 500 }, (_, n) => passage(n + 1, `word${n} ${prose}`))
  await world.store('p1', 'f1', many)
  for (let at = 0; at < many.length; at += 50) await world.index.put('p1', 'f1', many.slice(at, at + 50))
  await world.db.commit([
    write(statement('ANALYZE passages'), statement("SELECT gin_clean_pending_list('passages_words')")),
  ])
  const plan = await world.db.read<{ 'QUERY PLAN': string }>(
    statement("EXPLAIN SELECT id FROM passages WHERE words @@ CAST('''/7031'' & ''word7''' AS TSQUERY)"),
  )
  expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('passages_words')
})

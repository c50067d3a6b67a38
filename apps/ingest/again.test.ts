import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, type IngestWorld, watched } from './fixtures/world.ts'

let gate: GatedParser
let world: IngestWorld
let projectId: string
let version: string

beforeEach(async () => {
  gate = await gatedParser()
  version = 'v1'
  const parser = watched(gate.parser, {})
  Object.defineProperty(parser, 'version', { get: () => version })
  world = await createIngestWorld({ ingest: { parser } })
  projectId = await world.project()
})
afterEach(() => world[Symbol.asyncDispose]())

/** Passages in the table, by the files' own count, and in the index. */
async function sizes() {
  const one = async (sql: string) => Number((await world.http.db.read<{ n: number }>({ sql, params: [] }))[0]?.n)
  return {
    table: await one('SELECT COUNT(*) AS n FROM chunks'),
    files: await one('SELECT COALESCE(SUM(chunks), 0) AS n FROM files'),
  }
}

describe('A second ingestion of the same folder', () => {
  it('[P9h] skips by its hash what has not changed, whatever its time says', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.', 'b.md': 'The brown owl.' })
    await world.ingest(projectId)
    gate.forget()
    await world.write({ 'a.md': 'The azure kingfisher.' })
    const { last } = await world.ingest(projectId)
    expect(last).toMatchObject({ result: { files: { total: 2, done: 0, failed: 0, skipped: 2 }, chunks: 2 } })
    expect(gate.count('extract') + gate.count('chunk')).toBe(0)
    expect((await world.files(projectId))['a.md']).toMatchObject({ status: 'skipped', code: 'UNCHANGED', chunks: 1 })
    expect(await world.search(projectId, 'kingfisher')).toHaveLength(1)
  })

  it('[P9h] stays unchanged in a third', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.' })
    for (let round = 0; round < 3; round += 1) await world.ingest(projectId)
    expect((await world.files(projectId))['a.md']).toMatchObject({ status: 'skipped', code: 'UNCHANGED', chunks: 1 })
    expect(gate.count('extract')).toBe(1)
    expect(await sizes()).toEqual({ table: 1, files: 1 })
  })

  it('[P9h] replaces what has changed: the old passages are found no longer', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.', 'b.md': 'The brown owl.' })
    await world.ingest(projectId)
    await world.write({ 'a.md': 'The grey heron.' })
    const { last } = await world.ingest(projectId)
    expect(last).toMatchObject({ result: { files: { done: 1, skipped: 1 } } })
    expect(await world.search(projectId, 'kingfisher')).toEqual([])
    expect(await world.search(projectId, 'heron')).toHaveLength(1)
    expect(await sizes()).toEqual({ table: 2, files: 2 })
  })

  it('[P9h] takes what has gone out of the list and the search', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.', 'sub/b.md': 'The brown owl.' })
    await world.ingest(projectId)
    await world.remove('sub')
    const { last } = await world.ingest(projectId)
    expect(last).toMatchObject({ result: { files: { total: 1 } } })
    expect(Object.keys(await world.files(projectId))).toEqual(['a.md'])
    expect(await world.search(projectId, 'owl')).toEqual([])
    expect(await sizes()).toEqual({ table: 1, files: 1 })
  })

  it('[P9h] takes the passages of a file that has become unreadable along, and brings them back with it', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.', 'b.md': 'The brown owl.' })
    await world.ingest(projectId)
    await world.write({ 'a.md': Buffer.from([0, 1, 2, 255, 254, 0]) })
    await world.ingest(projectId)
    expect((await world.files(projectId))['a.md']).toMatchObject({
      status: 'skipped',
      code: 'UNSUPPORTED_TYPE',
      chunks: 0,
    })
    expect(await world.search(projectId, 'kingfisher')).toEqual([])
    expect(await sizes()).toEqual({ table: 1, files: 1 })

    await world.write({ 'a.md': 'The azure kingfisher.' })
    await world.ingest(projectId)
    expect(await world.search(projectId, 'kingfisher')).toHaveLength(1)
    expect(await sizes()).toEqual({ table: 2, files: 2 })
  })

  it('[P9h] reads everything anew with another version of the parser', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.', 'b.md': 'The brown owl.' })
    await world.ingest(projectId)
    version = 'v2'
    gate.forget()
    const { last } = await world.ingest(projectId)
    expect(last).toMatchObject({ result: { files: { done: 2, skipped: 0 } } })
    expect(gate.count('extract')).toBe(2)
    expect(await sizes()).toEqual({ table: 2, files: 2 })
    expect((await world.ingest(projectId)).last).toMatchObject({ result: { files: { skipped: 2 } } })
  })

  it('[P9h] keeps the old passages until the new ones are there, also when it is cancelled before', async () => {
    await world.write({ 'a.md': 'The azure kingfisher.' })
    await world.ingest(projectId)
    await world.write({ 'a.md': 'The grey heron.' })
    const held = gate.hold('extract')
    const { ingestionId } = await world.start(projectId)
    await held
    expect(await world.search(projectId, 'kingfisher')).toHaveLength(1)
    await world.http.post(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`)
    await world.end(projectId, ingestionId)
    gate.open()
    expect(await world.search(projectId, 'kingfisher')).toHaveLength(1)
    expect(await sizes()).toEqual({ table: 1, files: 1 })
    // Back to what the passages are of: nothing has to be read.
    gate.forget()
    await world.write({ 'a.md': 'The azure kingfisher.' })
    const { last } = await world.ingest(projectId)
    expect(last).toMatchObject({ result: { files: { done: 1 }, chunks: 1 } })
    expect(gate.count('extract') + gate.count('chunk')).toBe(0)
    expect(await world.search(projectId, 'kingfisher')).toHaveLength(1)
  })
})

describe('Files that change while they are ingested', () => {
  it('[P9e] get a status of their own, and the run finishes', async () => {
    await world.write({ 'a.md': 'Stays.', 'b.md': 'Goes.', 'c.md': 'Becomes something else.' })
    const held = gate.hold('extract')
    const { ingestionId } = await world.start(projectId)
    await held
    await world.remove('b.md')
    await world.write({ 'c.md': 'The late flamingo.' })
    gate.open()
    const events = await world.end(projectId, ingestionId)
    expect(events.at(-1)).toMatchObject({
      type: 'ingestion_complete',
      result: { files: { total: 3, done: 2, failed: 1 } },
    })
    expect((await world.files(projectId))['b.md']).toMatchObject({ status: 'failed', code: 'VANISHED' })
    await world.ingest(projectId)
    expect(await world.search(projectId, 'flamingo')).toHaveLength(1)
    expect(Object.keys(await world.files(projectId))).toEqual(['a.md', 'c.md'])
  })
})

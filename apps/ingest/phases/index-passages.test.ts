import { HoldfastError, systemClock } from '@holdfast/protocol'
import { type Database, type StepContext, statement, type Write, write } from '@holdfast/server'
import { expect, it } from 'vitest'
import { createPostgresSearchIndex } from '../adapters/search/postgres-search-index.ts'
import { FileStore } from '../file-store.ts'
import { postgresOfTests } from '../fixtures/postgres.ts'
import { indexPassages } from './index-passages.ts'
import type { PhaseWorld } from './world.ts'

const postgres = postgresOfTests()
const IDENTITY = { projectId: 'p1', sourceKey: 'path:/x', ingestionId: 'i1', rootId: 'i1' }

/** An attempt whose commits are counted; `fencedAt`: from which one on another node has the run. */
function attempt(db: Database, { fencedAt = Number.POSITIVE_INFINITY } = {}) {
  const commits: number[] = []
  const { signal } = new AbortController()
  const commit = async (...writes: Write[]) => {
    commits.push(writes.length)
    if (commits.length >= fencedAt) throw new HoldfastError('FENCED')
    await db.commit(writes)
  }
  const step = async (_key: string, work: (step: StepContext) => Promise<unknown>) => {
    const writes: Write[] = []
    await work({ signal, try: 1, write: (...more) => writes.push(...more) })
    await commit(...writes)
  }
  const world = {
    context: { run: { id: 'i1' }, input: { projectId: 'p1' }, signal, commit, step },
    emitter: { emitPhaseStarted: async () => {}, emitProgressUpdate: () => {} },
    files: new FileStore(db),
    search: createPostgresSearchIndex(db),
    clock: systemClock,
  }
  return { commits, run: () => indexPassages(world as unknown as PhaseWorld) }
}

/** A file that is cut into so many passages. */
async function chunked(db: Database, id: string, passages: number): Promise<void> {
  const files = new FileStore(db)
  const found = { status: 'chunked', type: 'text', sha256: 'x', rejection: null } as const
  await db.commit([files.put(id, IDENTITY, { path: id, place: '', size: 1 }, found, 0)])
  const row = await files.get(id)
  if (!row) throw new Error('there is no file')
  const place = { start: 0, end: 1, page: null, lineStart: 1, lineEnd: 1, path: [] }
  const chunks = Array.from({ length: passages }, (_, ordinal) => ({ ...place, ordinal, text: `narwhal ${ordinal}` }))
  await db.commit([files.addChunks(row, chunks)])
}

async function emptied(): Promise<Database> {
  const db = await postgres.emptied()
  await db.commit([write(statement("INSERT INTO projects (id, name, created_at) VALUES ('p1', 'P', 0)"))])
  return db
}

it('[ING15] a file goes into the index with the commit that calls it done, a long one in a few before', async () => {
  const db = await emptied()
  await chunked(db, 'a', 30)
  await chunked(db, 'b', 320)
  const { commits, run } = attempt(db)
  await run()
  expect(commits.length).toBe(1 + 3)
  expect(Math.max(...commits)).toBeLessThanOrEqual(4)
  expect(await createPostgresSearchIndex(db).extents(['a', 'b'])).toMatchObject([{ passages: 30 }, { passages: 320 }])
})

it('[ING15] a run that was taken over while it indexed writes nothing more', async () => {
  const db = await emptied()
  await chunked(db, 'a', 30)
  await attempt(db).run()
  await db.commit([write(statement("UPDATE files SET status = 'chunked'"))])
  const rows = () => db.read(statement('SELECT id, CAST(xmin AS TEXT) AS writer FROM passages ORDER BY id'))
  const before = await rows()
  await expect(attempt(db, { fencedAt: 1 }).run()).rejects.toMatchObject({ code: 'FENCED' })
  expect(await rows()).toEqual(before)
})

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openTestSocket, until } from '@holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDocx, makePdf } from './fixtures/documents.ts'
import { type KillableServer, killableServer } from './fixtures/killable-server.ts'
import type { ToldEvent } from './fixtures/world.ts'
import type { AcceptedView, FilesPage, FileView } from './view.ts'

const KILLS = 10
const SEED = 20260103

let folder: string
let server: KillableServer
let expected: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-crash-'))
  const root = join(folder, 'root')
  expected = await writeFolder(root)
  server = killableServer({ dataDir: join(folder, 'data'), root })
})
afterAll(async () => {
  await server.kill()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** Sixty files of every kind, two of them not to be read; answers the status each has to have. */
async function writeFolder(root: string): Promise<Record<string, string>> {
  const prose = (n: number) => `Entry ${n} of the logbook tells of wind and water. `.repeat(30 + (n % 7) * 20)
  const files: Record<string, string | Buffer> = {
    'broken.pdf': '%PDF-1.7 and nothing else',
    'picture.bin': Buffer.from([0, 1, 2, 3, 254, 255, 0]),
    'tides.docx': await makeDocx(),
    'tables.docx': await makeDocx(),
  }
  for (let n = 0; n < 6; n += 1) files[`pdf/${n}.pdf`] = await makePdf([prose(n), prose(n + 1)])
  for (let n = 0; n < 20; n += 1) files[`notes/${n}.md`] = `# Note ${n}\n\n${prose(n)}\n\n## More\n\n${prose(n + 3)}\n`
  for (let n = 0; n < 15; n += 1) files[`text/${n}.txt`] = prose(n)
  for (let n = 0; n < 15; n += 1) files[`src/file-${n}.ts`] = `export function f${n}() {\n  return '${prose(n)}'\n}\n`
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  const status = (name: string) => (name === 'broken.pdf' ? 'failed' : name === 'picture.bin' ? 'skipped' : 'done')
  return Object.fromEntries(Object.keys(files).map((name) => [name, status(name)]))
}

/** Mulberry32. Source: Tommy Ettinger, public domain. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const STAGES: Record<string, number> = { found: 1, extracted: 2, chunked: 3 }

/** How far all files together have come: four for each that is through. */
async function score(projectId: string): Promise<number> {
  const { groups } = await server.get<FilesPage>(`/api/projects/${projectId}/files?limit=1`)
  return groups.reduce((sum, { status, files }) => sum + files * (STAGES[status] ?? 4), 0)
}

/** Follows the ingestion over the lives of the server, each time from where it was. */
function follower(path: string) {
  const events: ToldEvent[] = []
  let socket: ReturnType<typeof openTestSocket> | null = null
  const take = () => events.push(...((socket?.messages ?? []) as unknown as ToldEvent[]))
  return {
    events,
    connect() {
      const offset = events.at(-1)?.offset
      const url = `${server.url.replace('http', 'ws')}${path}${offset ? `&offset=${offset}` : ''}`
      socket = openTestSocket(url, { token: server.token })
    },
    /** After the server died: keeps what came. */
    async cut() {
      await socket?.ended
      take()
    },
    async end() {
      const end = await socket?.ended
      take()
      return end
    },
  }
}

async function ingestThroughKills(projectId: string, ingestionId: string) {
  const random = seeded(SEED)
  const path = `/api/projects/${projectId}/progress?ingestion=${ingestionId}`
  const reader = follower(path)
  let kills = 0
  while (kills < KILLS) {
    reader.connect()
    const goal = (await score(projectId)) + 8 + Math.floor(random() * 24)
    const isDone = async () => (await server.get<{ status: string }>(path)).status === 'done'
    await until(async () => (await score(projectId)) >= goal || (await isDone()), { what: 'progress', everyMs: 2 })
    if (await isDone()) break
    await new Promise((resolve) => setTimeout(resolve, random() * 15))
    await server.kill()
    await reader.cut()
    kills += 1
    await server.start()
  }
  reader.connect()
  return { kills, events: reader.events, end: await reader.end() }
}

/** Rows of a database file, looked at from outside. */
function rows<T>(name: string, sql: string): T[] {
  const db = new DatabaseSync(join(folder, 'data', name), { readOnly: true })
  try {
    return db.prepare(sql).all() as T[]
  } finally {
    db.close()
  }
}

describe('A server killed with -9 again and again while it ingests', () => {
  it('[P9i] finishes, with every file once, no passage doubled, and its story told once', {
    timeout: 120_000,
  }, async () => {
    await server.start()
    const { id: projectId } = await server.post<{ id: string }>('/api/projects', { name: 'Killed' })
    const source = { path: join(folder, 'root') }
    const { ingestionId } = await server.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, source)
    const { kills, events, end } = await ingestThroughKills(projectId, ingestionId)
    expect(kills).toBeGreaterThanOrEqual(KILLS / 2)
    expect(end).toMatchObject({ code: 4500 })

    checkStory(events)
    const { stream } = await server.get<{ stream: string }>(`/api/projects/${projectId}/progress`)
    const stored = await server.get<object[]>(`/v1/stream/${stream}`)
    expect(events.map(({ offset: _, ...event }) => event)).toEqual(stored)
    const project = await server.get<{ type: string }[]>(`/v1/stream/projects/${projectId}`)
    expect(project.map(({ type }) => type)).toEqual(['ingestion_queued', 'ingestion_started', 'ingestion_ended'])

    const files = await filesOf(projectId)
    expect(Object.fromEntries(files.map(({ path, status }) => [path, status]))).toEqual(expected)
    expect(files).toHaveLength(Object.keys(expected).length)
    const sum = files.reduce((total, { chunks }) => total + chunks, 0)
    expect(events.at(-1)).toMatchObject({
      type: 'ingestion_complete',
      result: { files: { total: 60, done: 58, failed: 1, skipped: 1 }, chunks: sum },
    })
    expect(rows('holdfast.db', 'SELECT COUNT(*) AS n FROM chunks')).toEqual([{ n: sum }])
    expect(rows('search.db', 'SELECT COUNT(*) AS n FROM places')).toEqual([{ n: sum }])
    expect(rows('search.db', 'SELECT COUNT(*) AS n FROM passages')).toEqual([{ n: sum }])

    await checkAgainstQuietRun(files)
  })
})

function checkStory(events: ToldEvent[]): void {
  const starts = events.flatMap((event) => (event.type === 'phase_started' ? [event.phase] : []))
  expect(starts).toEqual([1, 2, 3, 4])
  for (const phase of starts) {
    const percents = events.flatMap((event) =>
      event.type === 'progress_update' && event.phase === phase ? [event.progressPercent] : [],
    )
    expect(percents, `phase ${phase}`).toEqual([...percents].sort((a, b) => a - b))
  }
  const terminal = events.filter(({ type }) => type === 'ingestion_complete' || type === 'error')
  expect(terminal).toEqual([events.at(-1)])
}

async function filesOf(projectId: string): Promise<FileView[]> {
  return (await server.get<FilesPage>(`/api/projects/${projectId}/files?limit=200`)).items
}

/** The same folder ingested without a kill has the same passages. */
async function checkAgainstQuietRun(killed: FileView[]): Promise<void> {
  const { id } = await server.post<{ id: string }>('/api/projects', { name: 'Quiet' })
  await server.post(`/api/projects/${id}/ingestions`, { path: join(folder, 'root') })
  const progress = () => server.get<{ status: string }>(`/api/projects/${id}/progress`)
  await until(async () => (await progress()).status === 'done', { what: 'the quiet ingestion', seconds: 60 })
  const shape = (files: FileView[]) =>
    files.map(({ path, status, code, chunks, pages }) => [path, status, code, chunks, pages])
  expect(shape(killed)).toEqual(shape(await filesOf(id)))
}

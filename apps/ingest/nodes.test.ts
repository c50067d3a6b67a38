import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openTestSocket, withPostgres } from '@holdfast/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { standIn } from './adapters/sources/fixtures.ts'
import { type KillableNode, type NodeStart, startNode } from './fixtures/killable-node.ts'
import { postgresOfTests } from './fixtures/postgres.ts'
import type { ToldEvent } from './fixtures/world.ts'
import type { AcceptedView, FilesPage, FileView, ProgressView, SearchHitView } from './view.ts'

// The machine may be busy with other tests; a run is taken over when its lease is out.
const PATIENCE = { timeout: 30_000, interval: 20 }
const FILES = 24

const postgres = postgresOfTests()
let compileCache: string
let folder: string
let root: string
let connectionString: string
const nodes: KillableNode[] = []

beforeAll(async () => {
  compileCache = await mkdtemp(join(tmpdir(), 'holdfast-compiled-'))
})
afterAll(() => rm(compileCache, { recursive: true, force: true }))

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-nodes-')))
  root = join(folder, 'root')
  await mkdir(root)
  connectionString = await postgres.create()
})
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.kill()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function start(name: string, more: Partial<NodeStart> = {}): Promise<KillableNode> {
  const dataDir = join(folder, name)
  const token = 'operator-token-of-this-test'
  const node = await startNode({
    connectionString,
    dataDir,
    compileCache,
    roots: [root],
    token,
    leaseMs: 2_000,
    ...more,
  })
  nodes.push(node)
  return node
}

const names = Array.from({ length: FILES }, (_, n) => (n % 2 === 0 ? `notes/${n}.md` : `${n}.txt`))
const textOf = (name: string) => `# Note ${name}\n\nA pangolin sleeps in ${name}.\n`

function upload(): FormData {
  const form = new FormData()
  for (const name of names) form.append('files', new Blob([textOf(name)]), name)
  return form
}

async function writeFiles(): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), textOf(name))
  }
}

const projectOn = async (node: KillableNode) => (await node.post<{ id: string }>('/api/projects', { name: 'P' })).id
const filesOn = async (node: KillableNode, projectId: string): Promise<FileView[]> =>
  (await node.get<FilesPage>(`/api/projects/${projectId}/files?limit=200`)).items
const progressOn = (node: KillableNode, projectId: string) =>
  node.get<ProgressView>(`/api/projects/${projectId}/progress`)
const count = async (node: KillableNode, projectId: string, status: string) =>
  (await filesOn(node, projectId)).filter((file) => file.status === status).length

const query = (sql: string) =>
  withPostgres(connectionString, async (client) => (await client.query<Record<string, unknown>>(sql)).rows)

function watch(node: KillableNode, projectId: string, ingestionId: string) {
  const path = `/api/projects/${projectId}/progress?ingestion=${ingestionId}`
  return openTestSocket(`${node.url.replace('http', 'ws')}${path}`, { token: node.token })
}

/** The end of an ingestion as a node tells it, and all events until then. */
async function endOn(node: KillableNode, projectId: string, ingestionId: string): Promise<ToldEvent[]> {
  const socket = watch(node, projectId, ingestionId)
  expect(await socket.ended).toMatchObject({ code: 4500 })
  return socket.messages as unknown as ToldEvent[]
}

function checkStory(events: ToldEvent[]): void {
  const starts = events.flatMap((event) => (event.type === 'phase_started' ? [event.phase] : []))
  expect(starts).toEqual([1, 2, 3, 4])
  for (const phase of starts) {
    const percents = events.flatMap((event) =>
      event.type === 'progress_update' && event.phase === phase ? [event.progressPercent] : [],
    )
    expect(percents, `phase ${phase}`).toEqual([...percents].sort((a, b) => a - b))
  }
  expect(events.filter(({ type }) => type === 'ingestion_complete' || type === 'error')).toEqual([events.at(-1)])
}

/** Each file once, done, with its passage, and found. */
async function checkFiles(node: KillableNode, projectId: string): Promise<void> {
  const files = await filesOn(node, projectId)
  expect(files.map(({ path, status, code, chunks }) => [path, status, code, chunks])).toEqual(
    [...names].sort().map((name) => [name, 'done', null, 1]),
  )
  const { items } = await node.get<{ items: SearchHitView[] }>(`/api/projects/${projectId}/search?q=pangolin&limit=100`)
  expect(items.map(({ path }) => path).sort()).toEqual([...names].sort())
}

describe('An ingestion whose node is killed with -9 and lost with its disk', () => {
  for (const hold of [
    { kind: 'extract', after: 9 },
    { kind: 'chunk', after: 9 },
  ] as const) {
    it(`[ING16] of an upload is finished by another node, from the middle of its ${hold.kind} phase`, async () => {
      const first = await start('a', { hold })
      const projectId = await projectOn(first)
      const { ingestionId } = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, upload())
      const reached = hold.kind === 'extract' ? 'extracted' : 'chunked'
      await expect.poll(() => count(first, projectId, reached), PATIENCE).toBe(8)
      const second = await start('b')
      const watcher = watch(second, projectId, ingestionId)
      await watcher.opened
      await first.kill()
      await rm(join(folder, 'a'), { recursive: true, maxRetries: 5 })

      expect(await watcher.ended).toMatchObject({ code: 4500 })
      const events = watcher.messages as unknown as ToldEvent[]
      checkStory(events)
      expect(events.at(-1)).toMatchObject({
        type: 'ingestion_complete',
        result: { files: { total: FILES, done: FILES, failed: 0, skipped: 0 }, chunks: FILES },
      })
      const { stream } = await progressOn(second, projectId)
      const stored = await second.get<object[]>(`/v1/stream/${stream}`)
      expect(events.map(({ offset: _, ...event }) => event)).toEqual(stored)
      const project = await second.get<{ type: string }[]>(`/v1/stream/projects/${projectId}`)
      expect(project.map(({ type }) => type)).toEqual(['ingestion_queued', 'ingestion_started', 'ingestion_ended'])
      await checkFiles(second, projectId)
    })
  }

  it('[ING17] of a sitemap is finished by another node, which has the pages anew', async () => {
    await using site = await standIn((request, response) => {
      const urls = names.map((name) => `<url><loc>http://${request.headers.host}/${name}</loc></url>`).join('')
      const isMap = request.url === '/sitemap.xml'
      response.writeHead(200, { 'content-type': isMap ? 'application/xml' : 'text/plain' })
      response.end(isMap ? `<?xml version="1.0"?><urlset>${urls}</urlset>` : textOf(request.url?.slice(1) ?? ''))
    })
    const first = await start('a', { hold: { kind: 'extract', after: 9 } })
    const projectId = await projectOn(first)
    const source = { sitemap: `${site.origin}/sitemap.xml` }
    const { ingestionId } = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, source)
    await expect.poll(() => count(first, projectId, 'extracted'), PATIENCE).toBe(8)
    const second = await start('b')
    await first.kill()
    const events = await endOn(second, projectId, ingestionId)
    checkStory(events)
    expect(events.at(-1)).toMatchObject({
      type: 'ingestion_complete',
      result: { files: { total: FILES, done: FILES } },
    })
    await checkFiles(second, projectId)
    expect(site.requests.filter((request) => request.endsWith('/sitemap.xml'))).toHaveLength(2)
  })

  it('[ING17] of a folder that the other node may not read ends with a code, and no file is blamed', async () => {
    await writeFiles()
    const first = await start('a', { hold: { kind: 'extract', after: 9 } })
    const projectId = await projectOn(first)
    const { ingestionId } = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, { path: root })
    await expect.poll(() => count(first, projectId, 'extracted'), PATIENCE).toBe(8)
    await rm(root, { recursive: true })
    const second = await start('b', { roots: [join(folder, 'elsewhere')] })
    await first.kill()
    const events = await endOn(second, projectId, ingestionId)
    expect(events.at(-1)).toMatchObject({ type: 'error', phase: 2, errorCode: 'PATH_NOT_ALLOWED', recoverable: true })
    expect(await count(second, projectId, 'failed')).toBe(0)
  })
})

describe('Two nodes', () => {
  it('[ING15] finish an ingestion once: one that was stopped while it indexed writes nothing when it wakes', async () => {
    await writeFiles()
    const first = await start('a')
    const projectId = await projectOn(first)
    const ingestionId = await withPostgres(connectionString, async (client) => {
      // Until it stands still, nothing comes into the index.
      await client.query('BEGIN; LOCK TABLE passages IN SHARE MODE')
      const accepted = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, { path: root })
      const waiting = "SELECT 1 FROM pg_locks WHERE relation = 'passages'::regclass AND NOT granted"
      await expect.poll(async () => (await client.query(waiting)).rowCount, PATIENCE).toBeGreaterThan(0)
      first.pause()
      await client.query('COMMIT')
      return accepted.ingestionId
    })
    const second = await start('b')
    checkStory(await endOn(second, projectId, ingestionId))
    const written = () => query('SELECT id, xmin FROM passages ORDER BY id')
    const before = await written()
    expect(before).toHaveLength(FILES)
    first.resume()
    await expect.poll(() => progressOn(first, projectId), PATIENCE).toMatchObject({ status: 'done' })
    expect(await written()).toEqual(before)
    await checkFiles(first, projectId)
  })

  it('[ING18] free at their next start what a run left behind that ended on the other', async () => {
    const first = await start('a', { hold: { kind: 'chunk', after: 9 } })
    const projectId = await projectOn(first)
    const { ingestionId } = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, upload())
    await expect.poll(() => count(first, projectId, 'chunked'), PATIENCE).toBe(8)
    const left = async () =>
      (await readdir(join(folder, 'a'), { recursive: true })).filter((name) => /\.(json|md|txt)$/.test(name))
    expect(await left()).not.toEqual([])
    await first.kill()
    const second = await start('b')
    await endOn(second, projectId, ingestionId)
    await start('a')
    await expect.poll(left, PATIENCE).toEqual([])
    await checkFiles(second, projectId)
  })

  it('[P9g] cancel each other’s ingestions', async () => {
    await writeFiles()
    const first = await start('a', { hold: { kind: 'extract', after: 9 } })
    const projectId = await projectOn(first)
    const { ingestionId } = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, { path: root })
    await expect.poll(() => count(first, projectId, 'extracted'), PATIENCE).toBe(8)
    const second = await start('b')
    const watcher = watch(second, projectId, ingestionId)
    await watcher.opened
    await second.post(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`, {})
    expect(await watcher.ended).toMatchObject({ code: 4500 })
    expect(watcher.messages.at(-1)).toMatchObject({ type: 'error', errorCode: 'CANCELLED' })
    expect(await progressOn(first, projectId)).toMatchObject({ status: 'cancelled' })
  })

  it('[ING16] try an upload again that the other one received', async () => {
    const first = await start('a', { hold: { kind: 'extract', after: 9 } })
    const projectId = await projectOn(first)
    const { ingestionId } = await first.post<AcceptedView>(`/api/projects/${projectId}/ingestions`, upload())
    await expect.poll(() => count(first, projectId, 'extracted'), PATIENCE).toBe(8)
    await first.post(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`, {})
    await expect.poll(async () => (await progressOn(first, projectId)).status, PATIENCE).toBe('cancelled')
    await first.kill()
    const second = await start('b')
    const path = `/api/projects/${projectId}/ingestions/${ingestionId}/retry`
    const retried = await second.post<AcceptedView>(path, { scope: 'all' })
    expect((await endOn(second, projectId, retried.ingestionId)).at(-1)).toMatchObject({
      result: { files: { total: FILES, done: FILES } },
    })
    await checkFiles(second, projectId)
  })
})

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { HoldfastError, type Problem } from '@holdfast/protocol'
import { until } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import type { AcceptedView } from './view.ts'

let world: IngestWorld
let projectId: string
beforeEach(async () => {
  world = await createIngestWorld({ durable: true })
  projectId = await world.project()
})
afterEach(() => world[Symbol.asyncDispose]())

const path = () => `/api/projects/${projectId}/ingestions`

/** As a browser sends a dropped folder: each file under its relative name. */
function send(files: Record<string, string | Buffer>) {
  const form = new FormData()
  for (const [name, content] of Object.entries(files)) {
    form.append('files', new Blob([new Uint8Array(Buffer.from(content))]), name)
  }
  return world.http.request<AcceptedView & Problem>(path(), { method: 'POST', body: form })
}

/** The head of a file's part, byte by byte, so that its name can be any. */
function part(name: string, boundary: string): string {
  return `--${boundary}\r\ncontent-disposition: form-data; name="f"; filename="${name}"\r\ncontent-type: text/plain\r\n\r\n`
}

const sendRaw = (body: string) =>
  world.http.request<Problem>(path(), { body, headers: { 'content-type': 'multipart/form-data; boundary=b' } })

/** Folders of uploads, on all nodes. */
async function uploads(): Promise<string[]> {
  const folders = world.http.nodes.map(({ dataDir }) => join(dataDir, 'uploads'))
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))
  return names.flatMap((found, node) => found.map((name) => join(folders[node] ?? '', name)))
}

describe('An upload', () => {
  it('[P9b] brings a folder with its nested names, dot files left out', async () => {
    const { status, body } = await send({
      'docs/guide/a.md': '# A\n\nThe velvety walrus.\n',
      'docs/b.txt': 'Plain words.\n',
      'docs/.DS_Store': 'x',
    })
    expect(status).toBe(202)
    const events = await world.end(projectId, body.ingestionId)
    expect(events.at(-1)).toMatchObject({ result: { files: { total: 2, done: 2 } } })
    expect(Object.keys(await world.files(projectId))).toEqual(['docs/b.txt', 'docs/guide/a.md'])
    expect((await world.search(projectId, 'walrus'))[0]?.path).toBe('docs/guide/a.md')
    expect(await world.progress(projectId)).toMatchObject({ source: { kind: 'upload', label: '2 files' } })
  })

  it('[P9b] streams a file larger than any other body to disk, whole', async () => {
    const lines = Array.from({ length: 40_000 }, (_, line) => `Line ${line} of the log, told in full.`)
    const { status, body } = await send({ 'large.log': lines.join('\n') })
    expect(status).toBe(202)
    await world.end(projectId, body.ingestionId)
    const [folder = ''] = await uploads()
    const { size } = await stat(join(folder, 'files', 'large.log'))
    expect(size).toBe(lines.join('\n').length)
  })

  it('[P9b] adds to earlier ones, and replaces a file of the same name', async () => {
    const first = await send({ 'a.md': 'The old heliotrope.', 'b.md': 'The lasting juniper.' })
    await world.end(projectId, first.body.ingestionId)
    const second = await send({ 'a.md': 'The new marigold.' })
    await world.end(projectId, second.body.ingestionId)
    expect(await world.search(projectId, 'heliotrope')).toEqual([])
    expect(await world.search(projectId, 'marigold')).toHaveLength(1)
    expect(await world.search(projectId, 'juniper')).toHaveLength(1)
  })

  it('[P9b] with a name that leads out is refused whole, and leaves nothing behind', async () => {
    for (const name of [
      '../out.md',
      'a/../../out.md',
      '/etc/out.md',
      'C:\\\\out.md',
      '..\\\\..\\\\out.md',
      'a\u0000b.md',
    ]) {
      const body = `${part('fine.md', 'b')}fine\r\n${part(name, 'b')}bad\r\n--b--\r\n`
      expect(await sendRaw(body), name).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
    }
    expect(await uploads()).toEqual([])
    expect((await world.http.get<{ total: number }>(path())).total).toBe(0)
  })

  it('[P9b] without a file is refused', async () => {
    expect(await send({})).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
    const field = '--b\r\ncontent-disposition: form-data; name="note"\r\n\r\nhello\r\n--b--\r\n'
    expect(await sendRaw(field)).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
    expect(await send({ '.hidden': 'x' })).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } })
    expect(await uploads()).toEqual([])
  })

  it('[P9b] to a project that is not there is refused before anything is stored', async () => {
    const form = new FormData()
    form.append('files', new Blob(['x']), 'a.md')
    const answer = await world.http.request('/api/projects/nobody/ingestions', { method: 'POST', body: form })
    expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await uploads()).toEqual([])
  })

  it('[P9b] that ends in the middle of a file leaves nothing behind', async () => {
    expect(await sendRaw(`${part('a.md', 'b')}half of it`)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_INPUT' },
    })
    expect(await uploads()).toEqual([])
  })

  it('[P9b] whose sender goes away leaves nothing behind', async () => {
    const sent = httpRequest(world.http.url + path(), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.http.token}`,
        'content-type': 'multipart/form-data; boundary=b',
        'content-length': 100_000_000,
      },
    })
    sent.on('error', () => {})
    sent.write(part('a.bin', 'b'))
    sent.write(randomBytes(300_000))
    await until(async () => (await uploads()).length === 1, { what: 'the upload' })
    sent.destroy()
    await until(async () => (await uploads()).length === 0, { what: 'its removal' })
    expect((await world.http.get<{ total: number }>(path())).total).toBe(0)
  })

  it('[P9i] that a crash cut off is swept away at the next start, a complete one stays', async () => {
    const { body } = await send({ 'a.md': 'Kept words.' })
    await world.end(projectId, body.ingestionId)
    const cut = join(world.http.dataDir, 'uploads', 'cut-off', 'files')
    await mkdir(cut, { recursive: true })
    await writeFile(join(cut, 'half.md'), 'half')
    await world.http.restart()
    expect((await uploads()).filter((folder) => folder.endsWith('cut-off'))).toEqual([])
    expect(await world.search(projectId, 'kept')).toHaveLength(1)
    const again = await world.retry(projectId, body.ingestionId, { scope: 'all' })
    expect((await world.end(projectId, again.ingestionId)).at(-1)).toMatchObject({
      result: { files: { total: 1, failed: 0 } },
    })
  })

  it('[ING16] is kept where nobody knows whether its ingestion began, and removed where it did not', async () => {
    for (const [code, left] of [
      ['UNAVAILABLE', 0],
      ['OUTCOME_UNKNOWN', 1],
    ] as const) {
      for (const { server } of world.http.nodes) {
        server.services.runs.start = async () => {
          throw new HoldfastError(code)
        }
      }
      expect(await send({ 'a.md': 'Words.' })).toMatchObject({ status: 503, body: { code } })
      expect(await uploads()).toHaveLength(left)
    }
  })

  it('[ING13] leaves its extracted texts only while a retry may want them', async () => {
    // One node: on several, the second ingestion may not be on the one where the first left something.
    await world[Symbol.asyncDispose]()
    world = await createIngestWorld({ durable: true, nodes: 1 })
    projectId = await world.project()
    const documents = async () => {
      const below = await readdir(join(world.http.dataDir, 'ingestions'), { recursive: true }).catch(() => [])
      return below.filter((name) => name.endsWith('.json'))
    }
    const { db } = world.http.server.services
    const first = await send({ 'a.md': 'Words.' })
    await world.end(projectId, first.body.ingestionId)
    expect(await documents()).toEqual([])
    // As a cancelled ingestion leaves it.
    const [row] = await db.read<{ id: string }>({ sql: 'SELECT id FROM files', params: [] })
    const left = join(world.http.dataDir, 'ingestions', first.body.ingestionId, 'documents')
    await mkdir(left, { recursive: true })
    await writeFile(join(left, `${row?.id}.json`), '{}')
    const second = await send({ 'b.md': 'More words.' })
    await world.end(projectId, second.body.ingestionId)
    expect(await documents()).toEqual([])
    expect(await uploads()).toHaveLength(2)
  })
})

import { rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { standIn } from './adapters/sources/fixtures.ts'
import { makePdf } from './fixtures/documents.ts'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import type { IngestionView, Page } from './view.ts'

let gate: GatedParser
let world: IngestWorld
let projectId: string

beforeEach(async () => {
  gate = await gatedParser()
  world = await createIngestWorld({ ingest: { parser: gate.parser, allowPrivateAddresses: ['127.0.0.0/8'] } })
  projectId = await world.project()
})
afterEach(() => world[Symbol.asyncDispose]())

const pages = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, page) => [`page-${page}.md`, `# Page ${page}\n\nWords.\n`]))

const refuse = (ingestionId: string, scope: object) =>
  world.http.request<Problem>(`/api/projects/${projectId}/ingestions/${ingestionId}/retry`, { json: scope })

async function retryToEnd(ingestionId: string, scope: object) {
  const accepted = await world.retry(projectId, ingestionId, scope)
  const events = await world.end(projectId, accepted.ingestionId)
  return { ...accepted, events, last: events.at(-1) }
}

async function cancelIn(kind: 'probe' | 'extract' | 'chunk'): Promise<string> {
  const held = gate.hold(kind)
  const { ingestionId } = await world.start(projectId)
  await held
  await world.http.post(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`)
  await world.end(projectId, ingestionId)
  gate.open()
  return ingestionId
}

describe('Retrying all', () => {
  it('[P9f] is a new ingestion of its own that names the one it tries again', async () => {
    await world.write(pages(2))
    const first = await world.ingest(projectId)
    const again = await retryToEnd(first.ingestionId, { scope: 'all' })
    expect(again.ingestionId).not.toBe(first.ingestionId)
    expect(again.progressUrl).toContain(again.ingestionId)
    expect(await world.progress(projectId)).toMatchObject({
      ingestionId: again.ingestionId,
      retryOf: first.ingestionId,
    })
    expect(again.last).toMatchObject({ type: 'ingestion_complete', result: { files: { total: 2, done: 2 } } })
  })

  it('[P9f] reads no text again that was read, and cuts none that was cut', async () => {
    await world.write(pages(10))
    const ingestionId = await cancelIn('chunk')
    expect(gate.count('extract')).toBe(10)
    const cut = Object.values(await world.files(projectId)).filter(({ status }) => status === 'chunked').length
    gate.forget()
    const { last } = await retryToEnd(ingestionId, { scope: 'all' })
    // A text stands on the disk of the node that read it; another node reads what it has not, when it cuts it.
    const isElsewhere = world.http.nodes.length > 1
    expect(gate.count('extract')).toBeLessThanOrEqual(isElsewhere ? 10 - cut : 0)
    expect(gate.count('chunk')).toBeLessThanOrEqual((isElsewhere ? 2 : 1) * (10 - cut))
    expect(last).toMatchObject({ result: { files: { total: 10, done: 10, skipped: 0 }, chunks: 10 } })
    expect(await world.search(projectId, 'words')).toHaveLength(10)
  })

  it('[P9f] reads a file again whose content has changed since', async () => {
    await world.write(pages(4))
    const ingestionId = await cancelIn('chunk')
    await world.write({ 'page-1.md': 'Something tangerine.' })
    gate.forget()
    await retryToEnd(ingestionId, { scope: 'all' })
    const read = gate.calls.filter((call) => call.startsWith('extract'))
    expect(read[0]).toBe('extract page-1.md')
    // Those whose texts stand on another node's disk are read again when they are cut.
    if (world.http.nodes.length === 1) expect(read).toHaveLength(1)
    expect(await world.search(projectId, 'tangerine')).toHaveLength(1)
  })

  it('[P9f] has the passages of the content it finds, whatever another ingestion made of the file meanwhile', async () => {
    await world.write({ 'a.md': 'The first apricot.' })
    const first = await world.ingest(projectId)
    await world.write({ 'a.md': 'The second blueberry.' })
    await world.ingest(projectId)
    await world.write({ 'a.md': 'The first apricot.' })
    await retryToEnd(first.ingestionId, { scope: 'all' })
    expect(await world.search(projectId, 'blueberry')).toEqual([])
    expect(await world.search(projectId, 'apricot')).toHaveLength(1)
  })

  it('[P9f] is refused while the ingestion goes on', async () => {
    await world.write(pages(2))
    const held = gate.hold('extract')
    const { ingestionId } = await world.start(projectId)
    await held
    const queued = await world.start(projectId)
    for (const id of [ingestionId, queued.ingestionId]) {
      expect(await refuse(id, { scope: 'all' })).toMatchObject({ status: 409, body: { code: 'NOT_ENDED' } })
    }
    gate.open()
    await world.end(projectId, queued.ingestionId)
  })

  it('[P9f] by many at once is one ingestion: whoever comes second is told that it goes on', async () => {
    await world.write({ ...pages(2), 'bad.pdf': '%PDF-1.7 x' })
    const { ingestionId } = await world.ingest(projectId)
    const fileId = (await world.files(projectId))['bad.pdf']?.id
    gate.hold('probe')
    const scopes = [{ scope: 'all' }, { scope: 'all' }, { scope: 'phase', phase: 2 }, { scope: 'file', fileId }]
    const answers = await Promise.all([...scopes, { scope: 'all' }].map((scope) => refuse(ingestionId, scope)))
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409])
    expect(answers.filter(({ body }) => body.code === 'NOT_ENDED')).toHaveLength(4)
    const { items } = await world.http.get<Page<IngestionView>>(`/api/projects/${projectId}/ingestions`)
    expect(items.map(({ retryOf }) => retryOf)).toEqual([ingestionId, null])
    gate.open()
    await world.end(projectId, items[0]?.ingestionId ?? '')
    await retryToEnd(ingestionId, { scope: 'all' })
  })
})

describe('Retrying one phase or one file', () => {
  it('[P9f] of one phase takes up the files that failed in it, and no others', async () => {
    await world.write({
      ...pages(3),
      'locked.pdf': await makePdf(['x'], { userPassword: 'secret' }),
      'bad.pdf': '%PDF-1.7 x',
    })
    const first = await world.ingest(projectId)
    expect(first.last).toMatchObject({ result: { files: { total: 5, done: 3, failed: 2 } } })
    await world.write({ 'bad.pdf': await makePdf(['A mended cormorant.']) })
    gate.forget()
    const second = await retryToEnd(first.ingestionId, { scope: 'phase', phase: 2 })
    expect(gate.calls.filter((call) => call.startsWith('probe')).sort()).toEqual(['probe bad.pdf', 'probe locked.pdf'])
    expect(second.last).toMatchObject({ result: { files: { total: 2, done: 1, failed: 1 } } })
    expect(await world.search(projectId, 'cormorant')).toHaveLength(1)
    const none = await retryToEnd(second.ingestionId, { scope: 'phase', phase: 3 })
    expect(none.last).toMatchObject({ type: 'ingestion_complete', result: { files: { total: 0 } } })
  })

  it('[P9f] of one file takes up that file alone', async () => {
    await world.write({ ...pages(3), 'one.pdf': '%PDF-1.7 x', 'two.pdf': '%PDF-1.7 y' })
    const first = await world.ingest(projectId)
    await world.write({ 'one.pdf': await makePdf(['A mended pelican.']) })
    const fileId = (await world.files(projectId))['one.pdf']?.id
    gate.forget()
    const { last } = await retryToEnd(first.ingestionId, { scope: 'file', fileId })
    expect(gate.count('probe')).toBe(1)
    expect(last).toMatchObject({ result: { files: { total: 1, done: 1 } } })
    const files = await world.files(projectId)
    expect(files['one.pdf']).toMatchObject({ id: fileId, status: 'done', code: null })
    expect(files['two.pdf']).toMatchObject({ status: 'failed', code: 'CORRUPT' })
    expect(Object.keys(files)).toHaveLength(5)
  })

  it('[P9f] of a file that has not failed, or is of another source, is refused', async () => {
    await world.write({ 'docs/a.md': 'Fine.', 'docs/bad.pdf': '%PDF-1.7 x' })
    const whole = await world.ingest(projectId)
    const part = await world.ingest(projectId, { path: join(world.root, 'docs') })
    const files = await world.files(projectId)
    const done = files['docs/a.md']?.id
    expect(await refuse(whole.ingestionId, { scope: 'file', fileId: done })).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    })
    const foreign = files['docs/bad.pdf']?.id
    expect(await refuse(part.ingestionId, { scope: 'file', fileId: foreign })).toMatchObject({ status: 404 })
    expect(Object.keys(await world.files(projectId))).toHaveLength(4)
  })

  it('[P9f] of a file that could not be opened reads it once it can be', async () => {
    await world.write({ 'a.md': 'A' })
    await symlink('later/target.md', join(world.root, 'link.md'))
    const first = await world.ingest(projectId)
    const failed = (await world.files(projectId))['link.md']
    expect(failed).toMatchObject({ status: 'failed', code: 'UNREADABLE' })
    await world.write({ 'later/target.md': 'The hidden nightjar.' })
    await retryToEnd(first.ingestionId, { scope: 'file', fileId: failed?.id })
    expect((await world.files(projectId))['link.md']).toMatchObject({ id: failed?.id, status: 'done' })
    expect(await world.search(projectId, 'nightjar')).not.toEqual([])
  })

  it('[P9f] of a file that has become a link out of the folder does not follow it', async () => {
    await world.write({ 'broken.pdf': Buffer.from('%PDF-1.7 nothing') })
    const { ingestionId } = await world.ingest(projectId)
    const fileId = (await world.files(projectId))['broken.pdf']?.id
    const outside = join(world.root, '..', `outside-${projectId}.md`)
    await writeFile(outside, '# Outside\n\nThe combination of the safe.\n')
    await rm(join(world.root, 'broken.pdf'))
    await symlink(outside, join(world.root, 'broken.pdf'))
    await retryToEnd(ingestionId, { scope: 'file', fileId })
    expect((await world.files(projectId))['broken.pdf']).toMatchObject({ status: 'skipped', code: 'LINK_OUTSIDE' })
    expect(await world.search(projectId, 'combination')).toEqual([])
    await rm(outside)
  })

  it('[P9f] of a page that could not be had asks for it again', async () => {
    let isBroken = true
    await using site = await standIn((request, response) => {
      if (request.url === '/sitemap.xml') {
        const urls = ['a', 'b'].map((page) => `<url><loc>${site.origin}/${page}</loc></url>`)
        return response.end(`<?xml version="1.0"?><urlset>${urls.join('')}</urlset>`)
      }
      if (request.url === '/b' && isBroken) return response.writeHead(404).end()
      response.setHeader('content-type', 'text/html')
      response.end(`<html><body><article><p>The albatross of ${request.url} flies.</p></article></body></html>`)
    })
    const first = await world.ingest(projectId, { sitemap: `${site.origin}/sitemap.xml` })
    expect(first.last).toMatchObject({ result: { files: { total: 2, done: 1, failed: 1 } } })
    const failed = Object.values(await world.files(projectId)).find(({ status }) => status === 'failed')
    expect(failed).toMatchObject({ code: 'DOWNLOAD_FAILED', reason: expect.stringContaining('404') })
    isBroken = false
    await retryToEnd(first.ingestionId, { scope: 'file', fileId: failed?.id })
    expect(await world.search(projectId, 'albatross')).toHaveLength(2)
    const statuses = Object.values(await world.files(projectId)).map(({ status }) => status)
    expect(statuses).toEqual(['done', 'done'])
  })

  it('[P9f] leaves a page that could still not be had as it was', async () => {
    await using site = await standIn((request, response) => {
      if (request.url === '/b') return response.writeHead(404).end()
      response.setHeader('content-type', 'text/plain')
      response.end(`${site.origin}/a\n${site.origin}/b\n`)
    })
    const first = await world.ingest(projectId, { sitemap: `${site.origin}/sitemap.txt` })
    const failed = Object.values(await world.files(projectId)).find(({ status }) => status === 'failed')
    await retryToEnd(first.ingestionId, { scope: 'file', fileId: failed?.id })
    const files = Object.values(await world.files(projectId))
    expect(files.map(({ status }) => status).sort()).toEqual(['done', 'failed'])
  })
})

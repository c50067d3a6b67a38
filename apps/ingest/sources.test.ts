import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type StandIn, standIn } from './adapters/sources/fixtures.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'

// The machine may be busy with other tests.
const PATIENCE = { timeout: 20_000, interval: 10 }

let world: IngestWorld
let projectId: string
let site: StandIn
/** What the stand-in serves, by path: content type and body, or a status. */
let pages: Record<string, [string, string | Buffer] | number>

const article = (text: string) =>
  `<html><head><title>T</title></head><body><article><p>${text}</p></article></body></html>`

beforeEach(async () => {
  pages = {}
  site = await standIn((request, response) => {
    const page = pages[request.url ?? ''] ?? 404
    if (typeof page === 'number') return response.writeHead(page).end()
    response.writeHead(200, { 'content-type': page[0] }).end(page[1])
  })
  const ingest = { allowPrivateAddresses: ['127.0.0.0/8'], github: { baseUrl: site.origin } }
  world = await createIngestWorld({ ingest })
  projectId = await world.project()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

async function tarball(files: Record<string, string>): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name: `octo-docs-0123abc/${name}` }, content)
  tar.finalize()
  return gzipSync(await buffer(tar as unknown as AsyncIterable<Buffer>))
}

describe('An ingestion of what is elsewhere', () => {
  it('[P9b] takes one URL', async () => {
    pages['/guide'] = ['text/html', article('The luminous jellyfish drifts.'.repeat(20))]
    const { last } = await world.ingest(projectId, { url: `${site.origin}/guide` })
    expect(last).toMatchObject({ result: { files: { total: 1, done: 1 } } })
    expect(Object.keys(await world.files(projectId))).toEqual(['guide.html'])
    expect(await world.search(projectId, 'jellyfish')).toHaveLength(1)
    expect(await world.progress(projectId)).toMatchObject({ source: { kind: 'url', label: `${site.origin}/guide` } })
  })

  it('[P9b] takes a sitemap, with a row for each page that could not be had', async () => {
    const urls = ['/a', '/b', '/gone'].map((page) => `<url><loc>${site.origin}${page}</loc></url>`).join('')
    pages['/sitemap.xml'] = ['application/xml', `<?xml version="1.0"?><urlset>${urls}</urlset>`]
    pages['/a'] = ['text/html', article('The first seahorse.')]
    pages['/b'] = ['text/markdown', '# B\n\nThe second seahorse.\n']
    const { last } = await world.ingest(projectId, { sitemap: `${site.origin}/sitemap.xml` })
    expect(last).toMatchObject({ type: 'ingestion_complete', result: { files: { total: 3, done: 2, failed: 1 } } })
    expect(await world.search(projectId, 'seahorse')).toHaveLength(2)
    const files = Object.values(await world.files(projectId))
    expect(files.find(({ status }) => status === 'failed')).toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })

  it('[P9b] takes a GitHub repository, and finds next time what has changed in it', async () => {
    const files = { 'README.md': '# Read me\n\nThe patient octopus.\n', 'src/a.ts': 'export const squid = 1\n' }
    pages['/repos/octo/docs/tarball'] = ['application/gzip', await tarball(files)]
    const { last } = await world.ingest(projectId, { repository: 'octo/docs' })
    expect(last).toMatchObject({ result: { files: { total: 2, done: 2 } } })
    expect(Object.keys(await world.files(projectId))).toEqual(['README.md', 'src/a.ts'])
    expect(await world.search(projectId, 'octopus')).toHaveLength(1)

    pages['/repos/octo/docs/tarball'] = [
      'application/gzip',
      await tarball({ 'README.md': '# Read me\n\nNew cuttlefish.\n' }),
    ]
    const again = await world.ingest(projectId, { repository: 'https://github.com/octo/docs' })
    expect(again.last).toMatchObject({ result: { files: { total: 1, done: 1 } } })
    expect(await world.search(projectId, 'octopus')).toEqual([])
    expect(await world.search(projectId, 'cuttlefish')).toHaveLength(1)
    expect(await world.search(projectId, 'squid')).toEqual([])
  })

  it('[P4d] ends with an error of its phase where the source cannot be had, and can be tried again', async () => {
    const { ingestionId, last } = await world.ingest(projectId, { url: `${site.origin}/nothing` })
    expect(last).toMatchObject({
      type: 'error',
      phase: 1,
      errorCode: 'NOT_FOUND',
      message: expect.any(String),
      recoverable: true,
      retryOptions: { scopes: ['all'] },
    })
    const { type: _, timestamp: __, offset: ___, ...error } = last as Record<string, unknown> & typeof last
    expect(await world.progress(projectId)).toMatchObject({ status: 'failed', error, result: null })
    pages['/nothing'] = ['text/plain', 'Something after all: a nautilus.']
    const retried = await world.retry(projectId, ingestionId, { scope: 'all' })
    expect((await world.end(projectId, retried.ingestionId)).at(-1)?.type).toBe('ingestion_complete')
    expect(await world.search(projectId, 'nautilus')).toHaveLength(1)
  })

  it('[P9g] is cancelled in the middle of a download', async () => {
    await using endless = await standIn((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('a beginning without an end')
    })
    const { ingestionId } = await world.start(projectId, { url: `${endless.origin}/slow` })
    await expect.poll(() => endless.requests.length, PATIENCE).toBeGreaterThan(0)
    await world.http.post(`/api/projects/${projectId}/ingestions/${ingestionId}/cancel`)
    expect((await world.end(projectId, ingestionId)).at(-1)).toMatchObject({ type: 'error', errorCode: 'CANCELLED' })
  })
})

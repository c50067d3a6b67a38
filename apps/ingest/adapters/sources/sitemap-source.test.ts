import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FetchProgress } from '../../ports.ts'
import {
  createTestWorld,
  fastClock,
  fetchInto,
  listing,
  never,
  type StandIn,
  standIn,
  type TestWorld,
} from './fixtures.ts'
import type { SourcesOptions } from './options.ts'

let world: TestWorld
let site: StandIn
let pages: Record<string, string | Buffer | ((response: ServerResponse) => unknown)>
beforeEach(async () => {
  world = await createTestWorld()
  pages = {}
  site = await standIn((request, response) => {
    const page = pages[request.url ?? '']
    if (typeof page === 'function') return page(response)
    if (page === undefined) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/html' }).end(page)
  })
})
afterEach(async () => {
  await site[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const urlset = (...names: string[]) =>
  `<urlset>${names.map((name) => `<url><loc>${name.startsWith('/') ? site.origin + name : name}</loc></url>`).join('')}</urlset>`
const index = (...names: string[]) =>
  `<sitemapindex>${names.map((name) => `<sitemap><loc>${site.origin}${name}</loc></sitemap>`).join('')}</sitemapindex>`

async function fetchSite(options: Partial<SourcesOptions> = {}, told: FetchProgress[] = []) {
  const sources = world.sources({ clock: fastClock(), ...options })
  const source = { kind: 'sitemap' as const, url: `${site.origin}/sitemap.xml` }
  const onProgress = (progress: FetchProgress) => told.push(progress)
  const fetched = await fetchInto(sources, source, world.workDir, { onProgress })
  return { ...fetched, files: await listing(sources.walk(fetched.root, never)) }
}
const asked = (name: string) => site.requests.filter((request) => request === `GET ${name}`).length

describe('a sitemap', () => {
  it('[P9b] brings every page of it, of the sitemaps it lists and of packed ones, each once', async () => {
    pages = {
      '/sitemap.xml': index('/one.xml', '/two.xml.gz', '/list.txt', '/sitemap.xml', '/one.xml'),
      '/one.xml': urlset('/', '/docs', '/docs/a', '/docs#part'),
      '/two.xml.gz': gzipSync(urlset('/docs/b.html', '/docs')),
      '/list.txt': `${site.origin}/notes.html\n`,
      '/': 'home',
      '/docs': 'docs',
      '/docs/a': 'a',
      '/docs/b.html': 'b',
      '/notes.html': 'notes',
    }
    const told: FetchProgress[] = []
    const { files, rejected } = await fetchSite({}, told)
    expect(files).toEqual(['docs.html', 'docs/a.html', 'docs/b.html', 'index.html', 'notes.html'])
    expect(rejected).toEqual([])
    expect(told.at(-1)).toMatchObject({ files: 5, total: 5 })
    for (const name of Object.keys(pages)) expect(asked(name), name).toBe(1)
  })

  it('[P9e] tells of each page that could not be had, and why, and brings the others', async () => {
    pages = {
      '/sitemap.xml': index('/one.xml', '/none.xml', '/page.html'),
      '/one.xml': urlset('/a', '/gone', '/broken', '/big', 'http://other.example/x', 'mailto:a@b'),
      '/a': 'a',
      '/page.html': '<html></html>',
      '/broken': (response) => response.writeHead(500).end(),
      '/big': Buffer.alloc(2_000),
    }
    const { files, rejected } = await fetchSite({ limits: { maxFileBytes: 1_000 } })
    expect(files).toEqual(['a.html'])
    const at = (name: string) => site.origin + name
    expect(rejected).toEqual([
      { path: at('/big'), rejected: 'TOO_LARGE', detail: 'A file may be at most 1000 bytes.' },
      { path: at('/broken'), rejected: 'DOWNLOAD_FAILED', detail: 'The server answered 500.' },
      { path: at('/gone'), rejected: 'DOWNLOAD_FAILED', detail: 'The server answered 404.' },
      { path: at('/none.xml'), rejected: 'DOWNLOAD_FAILED', detail: 'The server answered 404.' },
      { path: at('/page.html'), rejected: 'DOWNLOAD_FAILED', detail: 'It is a web page.' },
      { path: 'http://other.example/x', rejected: 'DOWNLOAD_FAILED', detail: expect.stringContaining('It is not on') },
      { path: 'mailto:a@b', rejected: 'DOWNLOAD_FAILED', detail: expect.stringContaining('It is not on') },
    ])
    expect(asked('/broken')).toBe(4)
  })

  it('[P9b] cannot be used where it is not there or is none', async () => {
    await expect(fetchSite()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    pages = { '/sitemap.xml': '<html>Hello</html>' }
    await expect(fetchSite()).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    pages = { '/sitemap.xml': (response) => response.destroy() }
    await expect(fetchSite()).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' })
  })

  it('[P9b] is read up to its caps, and what is left out is said', async () => {
    pages = { '/sitemap.xml': urlset('/1', '/2', '/3', '/4'), '/1': '1', '/2': '2', '/3': '3', '/4': '4' }
    const { files, rejected } = await fetchSite({ limits: { maxFiles: 2 } })
    expect(files).toEqual(['1.html', '2.html'])
    expect(rejected).toEqual([
      {
        path: `${site.origin}/sitemap.xml`,
        rejected: 'TOO_LARGE',
        detail: expect.stringContaining('more than 2 pages'),
      },
    ])
    await expect(fetchSite({ limits: { maxSitemapBytes: 50 } })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    pages['/sitemap.xml'] = gzipSync(`<urlset>${' '.repeat(5_000_000)}</urlset>`)
    await expect(fetchSite({ limits: { maxSitemapBytes: 1_000_000 } })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    pages['/sitemap.xml'] = index('/s1', '/s2', '/s3')
    pages['/s1'] = urlset('/1')
    const capped = await fetchSite({ limits: { maxSitemaps: 2 } })
    expect(capped.rejected.map(({ path }) => path)).toEqual(['/s2', '/s3'].map((name) => site.origin + name))
  })

  it('[P9b] asks a host for two pages at a time and no more', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `/${n}`)
    pages = { '/sitemap.xml': urlset(...names) }
    let waiting: ServerResponse[] = []
    for (const name of names) {
      pages[name] = (response) => {
        waiting.push(response)
        if (waiting.length === 2) for (const one of waiting.splice(0)) one.end('x')
      }
    }
    const { files } = await fetchSite()
    expect(files).toHaveLength(12)
    expect(site.mostAtOnce).toBe(2)
    waiting = []
  })

  it('[P9b] leaves the whole host alone while it asks for quiet', async () => {
    let quietSince = 0
    const early: string[] = []
    pages = { '/sitemap.xml': urlset('/a', '/b', '/c', '/d') }
    const clock = fastClock(20)
    for (const name of ['/a', '/b', '/c', '/d']) {
      pages[name] = (response) => {
        if (quietSince === 0) {
          quietSince = clock.now()
          return response.writeHead(429, { 'retry-after': '10' }).end()
        }
        // The one request that was under way together with the first does not count.
        if (clock.now() - quietSince > 3_000 && clock.now() - quietSince < 9_500) early.push(name)
        response.end('x')
      }
    }
    expect((await fetchSite({ clock })).files).toHaveLength(4)
    expect(early).toEqual([])
  })

  it('[P9b] keeps apart pages that want one name', async () => {
    pages = { '/sitemap.xml': urlset('/a.html', '/a', '/A', '/a.html/b', '/q?x=1', '/q?x=2') }
    for (const name of ['/a.html', '/a', '/A', '/a.html/b', '/q?x=1', '/q?x=2']) pages[name] = `of ${name}`
    const { root, files, rejected } = await fetchSite()
    expect(rejected).toEqual([])
    const contents = await Promise.all(files.map((name) => readFile(path.join(root, name), 'utf8')))
    expect(contents.sort()).toEqual(['of /A', 'of /a', 'of /a.html', 'of /a.html/b', 'of /q?x=1', 'of /q?x=2'])
  })

  it('[P9f] fetches again what had failed, and nothing that had not', async () => {
    pages = { '/sitemap.xml': urlset('/a', '/b'), '/a': 'a' }
    expect((await fetchSite()).rejected).toHaveLength(1)
    pages['/b'] = 'b'
    const { files, rejected } = await fetchSite()
    expect([files, rejected]).toEqual([['a.html', 'b.html'], []])
    expect(asked('/a')).toBe(1)
  })
})

describe('a crash while a sitemap is fetched', () => {
  it('[P9i] costs no page that was there: after kill -9 only the others are fetched', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `/${n}`)
    pages = { '/sitemap.xml': urlset(...names) }
    const reached = Promise.withResolvers<void>()
    let isHanging = true
    for (const [n, name] of names.entries()) {
      pages[name] = (response) => {
        response.setHeader('content-type', 'text/html')
        if (n < 10 || !isHanging) return response.end(`page ${n}`)
        // The rest begin and do not end, until the process is gone.
        response.write('half a page')
        if (n === 11) reached.resolve()
      }
    }
    const script = path.join(world.folder, 'child.ts')
    const module = path.join(import.meta.dirname, 'sources.ts')
    await writeFile(
      script,
      `import { createSources } from ${JSON.stringify(module)}
      const [dataDir, root, url, workDir] = process.argv.slice(2)
      const sources = createSources({ dataDir, roots: [root], allowPrivateAddresses: ['127.0.0.0/8'] })
      await sources.fetch({ kind: 'sitemap', url }, workDir, { signal: new AbortController().signal, onProgress() {} })`,
    )
    const child = fork(script, [world.dataDir, world.root, `${site.origin}/sitemap.xml`, world.workDir], {
      execArgv: [],
    })
    const exited = once(child, 'exit')
    await Promise.race([reached.promise, exited])
    child.kill('SIGKILL')
    await exited
    // What the last moment may leave behind: half a line, a document without one.
    await appendFile(path.join(world.workDir, 'download/journal.jsonl'), '{"url":"http')
    await writeFile(path.join(world.workDir, 'download/files/stray.html'), 'x')
    isHanging = false
    const { files, root } = await fetchSite()
    expect(files).toEqual(names.map((name) => `${name.slice(1)}.html`).sort())
    expect(await readFile(path.join(root, '15.html'), 'utf8')).toBe('page 15')
    for (const name of names.slice(0, 10)) expect(asked(name), name).toBe(1)
    expect(await readdir(path.join(world.workDir, 'download/partial')).catch(() => [])).toEqual([])
  })
})

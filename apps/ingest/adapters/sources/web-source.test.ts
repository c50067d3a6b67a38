import { readdir, readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import path from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
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
let pages: Record<string, (response: ServerResponse, times: number) => void>
beforeEach(async () => {
  world = await createTestWorld()
  const times = new Map<string, number>()
  site = await standIn((request, response) => {
    const name = request.url ?? ''
    times.set(name, (times.get(name) ?? 0) + 1)
    const page = pages[name]
    if (page) page(response, times.get(name) ?? 1)
    else response.writeHead(404).end()
  })
})
afterEach(async () => {
  await site[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const answer =
  (body: string | Buffer, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(body)
  }
const redirect =
  (location: string, status = 302) =>
  (response: ServerResponse) => {
    response.writeHead(status, { location }).end()
  }

async function fetchPage(name: string, options: Partial<SourcesOptions> = {}) {
  const sources = world.sources({ clock: fastClock(), ...options })
  const source = await sources.validate({ kind: 'url', url: site.origin + name })
  const fetched = await fetchInto(sources, source, world.workDir)
  return { ...fetched, files: await listing(sources.walk(fetched.root, never)) }
}

describe('one document from the web', () => {
  it('[P9b] is stored under a name made of its address and its type', async () => {
    pages = {
      '/docs/guide/': answer('<h1>Guide</h1>'),
      '/docs/start?v=2': answer('<h1>Start</h1>'),
      '/paper': answer('%PDF-1.7', { 'content-type': 'application/pdf' }),
      '/get.php': answer('x', {
        'content-type': 'text/plain',
        'content-disposition': 'attachment; filename="My notes.txt"',
      }),
      '/utf': answer('x', {
        'content-type': 'text/plain',
        'content-disposition': "attachment; filename*=UTF-8''%C3%A4.md",
      }),
      '/.well-known/%2e%2e%2f..%5Cx.md': answer('x', { 'content-type': 'text/markdown' }),
    }
    const names = []
    for (const name of Object.keys(pages)) names.push(...(await fetchPage(name)).files)
    expect(names).toEqual([
      'docs/guide/index.html',
      expect.stringMatching(/^docs\/start~[0-9a-f]{12}\.html$/),
      'paper.pdf',
      'My notes.txt',
      'ä.md',
      expect.stringMatching(/^_well-known\/_[^/]*x\.md$/),
    ])
  })

  it('[P9b] follows redirects, five at most, and takes its name from its own address', async () => {
    pages = {
      '/a': redirect('/b', 301),
      '/b': redirect(`${site.origin}/c`, 308),
      '/c': answer('here'),
      '/loop': redirect('/loop'),
    }
    const { root, files } = await fetchPage('/a')
    expect(await readFile(path.join(root, files[0] ?? ''), 'utf8')).toBe('here')
    await expect(fetchPage('/loop')).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringContaining('redirects more than 5 times'),
    })
    expect(site.requests.filter((request) => request === 'GET /loop')).toHaveLength(6)
  })

  it('[P9b] does not follow a redirect to an address that is not public, nor to another protocol', async () => {
    const inside = await standIn((_, response) => response.end('secret'))
    const port = new URL(inside.origin).port
    pages = {
      '/loopback': redirect(`http://127.0.0.2:${port}/`),
      '/decimal': redirect(`http://2130706434:${port}/`),
      '/metadata': redirect('http://169.254.169.254/latest/meta-data/'),
      '/file': redirect('file:///etc/passwd'),
    }
    const only = { allowPrivateAddresses: ['127.0.0.1/32'] }
    for (const name of ['/loopback', '/decimal', '/metadata']) {
      await expect(fetchPage(name, only), name).rejects.toMatchObject({ code: 'FORBIDDEN' })
    }
    await expect(fetchPage('/file', only)).rejects.toThrow('It redirects to file:, which is not fetched.')
    expect(inside.connections).toBe(0)
    await inside[Symbol.asyncDispose]()
  })

  it('[P9b] decodes what the content encoding says', async () => {
    pages = {
      '/gzip': answer(gzipSync('packed'), { 'content-encoding': 'gzip' }),
      '/br': answer(brotliCompressSync('packed'), { 'content-encoding': 'br' }),
    }
    for (const name of ['/gzip', '/br']) {
      const { root, files } = await fetchPage(name)
      expect(await readFile(path.join(root, files[0] ?? ''), 'utf8')).toBe('packed')
    }
    pages = {
      '/odd': answer('x', { 'content-encoding': 'compress' }),
      '/no': answer('no gzip', { 'content-encoding': 'gzip' }),
    }
    for (const name of ['/odd', '/no'])
      await expect(fetchPage(name)).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' })
  })

  it('[P9b] tells how far it is', async () => {
    pages = { '/big': answer(Buffer.alloc(3 * 1024 * 1024)) }
    const told: FetchProgress[] = []
    const source = { kind: 'url' as const, url: `${site.origin}/big` }
    await fetchInto(world.sources(), source, world.workDir, { onProgress: (progress) => told.push(progress) })
    expect(told[0]).toEqual({ files: 0, total: 1, bytes: 0, current: source.url })
    expect(told.at(-1)).toEqual({ files: 1, total: 1, bytes: 3 * 1024 * 1024, current: null })
    expect(told.length).toBeGreaterThan(3)
  })

  it('[P9i] is not fetched again once it is there, and discard takes it away', async () => {
    pages = { '/a': answer('here') }
    await fetchPage('/a')
    await fetchPage('/a')
    expect(site.requests).toHaveLength(1)
    await world.sources().discard({ kind: 'url', url: `${site.origin}/a` }, world.workDir)
    expect(await readdir(world.workDir)).toEqual([])
  })

  it('[P9b] introduces itself', async () => {
    let agent: string | undefined
    await using other = await standIn((request, response) => {
      agent = request.headers['user-agent']
      response.end('x')
    })
    const sources = world.sources({ userAgent: 'Holdfast/9 (test)' })
    await fetchInto(sources, { kind: 'url', url: other.origin }, world.workDir)
    expect(agent).toBe('Holdfast/9 (test)')
  })
})

describe('addresses that are refused before anything is queued', () => {
  it('[P9b] refuses other protocols, credentials, and addresses that are not public', async () => {
    const sources = world.sources({ allowPrivateAddresses: [] })
    const addresses = [
      'ftp://a.example/',
      'file:///etc/passwd',
      'no url',
      'http://u:p@a.example/',
      'http://127.0.0.1/',
      'http://0/',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://[::1]/',
      'http://[::ffff:7f00:1]/',
      'http://169.254.169.254/',
      'http://localhost:1/',
      'http://x.localhost/',
      `http://a.example/${'x'.repeat(9000)}`,
    ]
    for (const url of addresses) {
      for (const kind of ['url', 'sitemap'] as const) {
        await expect(sources.validate({ kind, url }), url).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      }
    }
    expect(await sources.validate({ kind: 'url', url: 'https://a.example/x#part' })).toEqual({
      kind: 'url',
      url: 'https://a.example/x',
    })
  })
})

describe('faults of a server', () => {
  it('[P9b] names each refusal by its code', async () => {
    const status = (code: number) => (response: ServerResponse) => response.writeHead(code).end()
    pages = {
      '/404': status(404),
      '/410': status(410),
      '/401': status(401),
      '/403': status(403),
      '/500': status(500),
      '/418': status(418),
    }
    const codes = {
      '/404': 'NOT_FOUND',
      '/410': 'NOT_FOUND',
      '/401': 'FORBIDDEN',
      '/403': 'FORBIDDEN',
      '/500': 'SOURCE_UNREACHABLE',
      '/418': 'SOURCE_UNREACHABLE',
    }
    for (const [name, code] of Object.entries(codes))
      await expect(fetchPage(name), name).rejects.toMatchObject({ code })
    expect(site.requests.filter((request) => request === 'GET /500')).toHaveLength(4)
    expect(site.requests.filter((request) => request === 'GET /418')).toHaveLength(1)
  })

  it('[P9b] waits as long as Retry-After says and asks again', async () => {
    pages = {
      '/a': (response, times) =>
        times < 3
          ? response.writeHead(times === 1 ? 429 : 503, { 'retry-after': String(times * 7) }).end()
          : answer('here')(response),
    }
    const clock = fastClock()
    expect((await fetchPage('/a', { clock })).files).toEqual(['a.html'])
    expect(clock.waits).toEqual(expect.arrayContaining([7_000, 14_000]))
  })

  it('[P9b] gives up where Retry-After is longer than anybody waits, and says for how long', async () => {
    pages = { '/a': (response) => response.writeHead(429, { 'retry-after': '7200' }).end() }
    await expect(fetchPage('/a')).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', retryAfter: 7200 })
    expect(site.requests).toHaveLength(1)
  })

  it('[P9b] asks again after a body cut in the middle, and keeps one whole document', async () => {
    pages = {
      '/cut': (response, times) => {
        if (times === 3) return answer('whole')(response)
        response.writeHead(200, { 'content-length': '100', 'content-type': 'text/html' })
        response.write('half')
        setImmediate(() => response.destroy())
      },
      '/never': (response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half')
        setImmediate(() => response.destroy())
      },
    }
    const { root, files } = await fetchPage('/cut')
    expect(await readFile(path.join(root, files[0] ?? ''), 'utf8')).toBe('whole')
    await expect(fetchPage('/never')).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' })
    expect(await readdir(path.join(world.workDir, 'download/files'))).toEqual([])
  })

  it('[P9e] cuts an endless body at the cap and calls the file too large', async () => {
    let sent = 0
    pages = {
      '/endless': (response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(16_384))) sent += 16_384
          sent += 16_384
        }
        response.on('drain', more)
        more()
      },
      '/bomb': answer(gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
    }
    const limits = { maxFileBytes: 100_000 }
    for (const name of ['/endless', '/bomb']) {
      const { rejected, files } = await fetchPage(name, { limits })
      expect(rejected).toEqual([{ path: site.origin + name, rejected: 'TOO_LARGE', detail: expect.any(String) }])
      expect(files).toEqual([])
    }
    expect(sent).toBeLessThan(20_000_000)
  })

  it('[P9b] ends a document that hangs, before and within its answer', async () => {
    pages = {
      '/silent': () => {},
      '/stuck': (response) => {
        response.writeHead(200)
        response.write('half')
      },
    }
    for (const name of ['/silent', '/stuck']) {
      const limits = { documentMs: 20_000 }
      const fetching = fetchPage(name, { limits, clock: fastClock() })
      await expect(fetching, name).rejects.toMatchObject({
        code: 'SOURCE_UNREACHABLE',
        message: expect.stringContaining('It took longer than 20 seconds.'),
      })
    }
  })

  it('[P9g] ends with the reason of the signal, whatever is under way', async () => {
    const hangs = Promise.withResolvers<void>()
    pages = {
      '/stuck': (response) => {
        response.writeHead(200)
        response.write('half', () => hangs.resolve())
      },
      '/later': (response) => {
        response.writeHead(503, { 'retry-after': '60' }).end(() => later.resolve())
      },
    }
    const later = Promise.withResolvers<void>()
    for (const [name, reached] of [
      ['/stuck', hangs],
      ['/later', later],
    ] as const) {
      const controller = new AbortController()
      const sources = world.sources()
      const fetching = fetchInto(sources, { kind: 'url', url: site.origin + name }, world.workDir, {
        signal: controller.signal,
      })
      void reached.promise.then(() => controller.abort(new Error('cancelled')))
      await expect(fetching).rejects.toThrow('cancelled')
    }
  })

  it('[P9b] says plainly that a host refuses or is not there', async () => {
    const gone = await standIn(() => {})
    await gone[Symbol.asyncDispose]()
    const sources = world.sources({
      clock: fastClock(),
      lookup: (name, _options, callback) => callback(Object.assign(new Error(name), { code: 'ENOTFOUND' }), '', 0),
    })
    const refused = fetchInto(sources, { kind: 'url', url: gone.origin }, world.workDir)
    await expect(refused).rejects.toThrow('The host refuses connections.')
    const unknown = fetchInto(sources, { kind: 'url', url: 'http://nowhere.example/' }, world.workDir)
    await expect(unknown).rejects.toThrow('There is no host of that name.')
  })
})

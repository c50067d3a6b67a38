import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
import { parseRepository } from './repository-source.ts'

type Entry = Partial<Header> & { name: string; content?: string | Buffer }
const TOP = 'octo-docs-0123abc/'

/** What `git archive` makes of a commit, which is what GitHub sends. */
async function tarball(entries: Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { content = '', ...header } of [{ name: TOP, type: 'directory' as const }, ...entries])
    tar.entry(header, content)
  tar.finalize()
  return gzipSync(Buffer.concat([globalHeader(), await buffer(tar as unknown as AsyncIterable<Buffer>)]))
}

/** GitHub names the commit in a header that stands before everything; tar-stream reads such but writes none. */
function globalHeader(): Buffer {
  const block = Buffer.alloc(1024)
  block.write('52 comment=0123456789abcdef0123456789abcdef01234567\n', 512)
  block.write('pax_global_header')
  block.write('0000666\0'.padEnd(24, '0000000\0'), 100)
  block.write('00000000064\x0000000000000\0        g', 124)
  block.write('ustar\x0000', 257)
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
const file = (name: string, content: string | Buffer = name): Entry => ({ name: TOP + name, content })

let world: TestWorld
let archive: Buffer
/** Takes the place of the API, of what it redirects to, or of neither. */
let api: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined
let codeload: StandIn
let github: StandIn
let tokens: (string | undefined)[]
beforeEach(async () => {
  world = await createTestWorld()
  tokens = []
  api = undefined
  archive = await tarball([file('README.md')])
  codeload = await standIn((request, response) => {
    tokens.push(request.headers.authorization)
    response.writeHead(200, { 'content-type': 'application/x-gzip' }).end(archive)
  })
  github = await standIn((request, response) => {
    tokens.push(request.headers.authorization)
    if (api) return api(request, response)
    const [, owner, name, ref = 'main'] =
      /^\/repos\/([^/]+)\/([^/]+)\/tarball(?:\/(.*))?$/.exec(request.url ?? '') ?? []
    response.writeHead(302, { location: `${codeload.origin}/${owner}/${name}/legacy.tar.gz/${ref}` }).end()
  })
})
afterEach(async () => {
  await github[Symbol.asyncDispose]()
  await codeload[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function fetchRepository(options: Partial<SourcesOptions> & { token?: string; ref?: string } = {}) {
  const { token, ref, ...rest } = options
  const sources = world.sources({ clock: fastClock(), github: { baseUrl: github.origin, token }, ...rest })
  const source = await sources.validate({ kind: 'repository', repository: 'octo/docs', ...(ref ? { ref } : {}) })
  const fetched = await fetchInto(sources, source, world.workDir)
  return { ...fetched, files: await listing(sources.walk(fetched.root, never)) }
}
const left = () => readdir(world.workDir)

describe('the name of a repository', () => {
  const parse = (repository: string, ref?: string) =>
    parseRepository({ kind: 'repository', repository, ...(ref ? { ref } : {}) }, 'https://api.github.com')

  it('[P9b] is owner/name or an address on GitHub, with a branch, tag or commit', () => {
    expect(parse('octo/docs')).toEqual({ owner: 'octo', name: 'docs', ref: null })
    expect(parse('https://github.com/octo/my.docs.git')).toEqual({ owner: 'octo', name: 'my.docs', ref: null })
    expect(parse('https://github.com/octo/docs/tree/feature/x/')).toEqual({
      owner: 'octo',
      name: 'docs',
      ref: 'feature/x',
    })
    expect(parse('https://github.com/octo/docs/tree/v1', 'v2').ref).toBe('v2')
  })

  it('[P9b] is refused where it is anything else', () => {
    const names = [
      'docs',
      '',
      'a/b/c',
      '../b',
      'a/..',
      'a b/c',
      '-a/b',
      'https://evil.example/a/b',
      'https://github.com/a',
      'https://github.com/a/b/issues/1',
      'ssh://github.com/a/b',
      'https://github.com/a/b/tree/%E0%A4%A',
      'a/b?x',
      'a/b#c',
    ]
    for (const name of names)
      expect(() => parse(name), name).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    for (const ref of ['../x', 'a..b', '-x', '/x', 'a b', 'a\0', 'x?y', 'a//b', 'x'.repeat(300), 'a\\b', '.a']) {
      expect(() => parse('a/b', ref), ref).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    }
  })
})

describe('a repository from GitHub', () => {
  it('[P9b] is there without the folder GitHub puts around it, dot files left out, rules not applied', async () => {
    archive = await tarball([
      file('README.md'),
      file('.github/workflows/ci.yml'),
      file('.gitignore', '*.log\n'),
      file('kept.log'),
      { name: `${TOP}docs/`, type: 'directory' },
      file(`docs/${'long-name-'.repeat(12)}ü.md`),
    ])
    const { root, files, rejected } = await fetchRepository({ ref: 'feature/x' })
    expect(files).toEqual(['README.md', `docs/${'long-name-'.repeat(12)}ü.md`, 'kept.log'])
    expect(rejected).toEqual([])
    expect(await readFile(path.join(root, 'README.md'), 'utf8')).toBe('README.md')
    expect(github.requests).toEqual(['GET /repos/octo/docs/tarball/feature/x'])
    expect(codeload.requests).toEqual(['GET /octo/docs/legacy.tar.gz/feature/x'])
  })

  it('[P9b] sends the token to the API and never to where that redirects', async () => {
    await fetchRepository({ token: 'secret-token' })
    expect(tokens).toEqual(['Bearer secret-token', undefined])
    await world.sources().discard({ kind: 'repository', repository: 'octo/docs' }, world.workDir)
    tokens = []
    await fetchRepository()
    expect(tokens).toEqual([undefined, undefined])
  })

  it('[P9b] is found under its new name, with the token still sent', async () => {
    api = (request, response) => {
      if (request.url?.startsWith('/repos/'))
        return response.writeHead(301, { location: '/repositories/7/tarball' }).end()
      response.writeHead(302, { location: `${codeload.origin}/x` }).end()
    }
    expect((await fetchRepository({ token: 't' })).files).toEqual(['README.md'])
    expect(tokens).toEqual(['Bearer t', 'Bearer t', undefined])
  })

  it('[P9b] names each refusal of GitHub by its code', async () => {
    const reset = Math.floor(Date.now() / 1000) + 600
    const cases: [number, Record<string, string>, object][] = [
      [404, {}, { code: 'NOT_FOUND', message: expect.stringContaining('GITHUB_TOKEN') }],
      [401, {}, { code: 'FORBIDDEN', message: 'GitHub does not accept the GITHUB_TOKEN.' }],
      [403, {}, { code: 'FORBIDDEN' }],
      [451, {}, { code: 'FORBIDDEN' }],
      [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) }, { code: 'TOO_MANY_REQUESTS' }],
      [403, { 'retry-after': '77' }, { code: 'TOO_MANY_REQUESTS', retryAfter: 77 }],
      [429, { 'retry-after': '3600' }, { code: 'TOO_MANY_REQUESTS', retryAfter: 3600 }],
      [500, {}, { code: 'SOURCE_UNREACHABLE' }],
    ]
    for (const [status, headers, expected] of cases) {
      api = (_, response) => response.writeHead(status, headers).end('{"message":"no"}')
      await expect(fetchRepository(), `${status}`).rejects.toMatchObject(expected)
    }
    api = (_, response) =>
      response.writeHead(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) }).end()
    const error = await fetchRepository({ clock: fastClock(1) }).catch((thrown) => thrown)
    expect(error.retryAfter).toBeGreaterThan(590)
    expect(error.retryAfter).toBeLessThanOrEqual(600)
    expect(await left()).toEqual([])
  })

  it('[P9b] does not follow GitHub to an address that is not public', async () => {
    api = (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/x' }).end()
    await expect(fetchRepository({ token: 't' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it('[P9i] is not fetched again once it is there, with the same rejections', async () => {
    archive = await tarball([file('a.md'), { name: `${TOP}link`, type: 'symlink', linkname: '/etc/passwd' }])
    const first = await fetchRepository()
    expect(await fetchRepository()).toEqual(first)
    expect(github.requests).toHaveLength(1)
    expect((await fetchRepository({ ref: 'v2' })).files).toEqual(['a.md'])
    expect(github.requests).toHaveLength(2)
  })

  it('[P9i] begins anew after a crash, however far it had come', async () => {
    for (const folder of ['partial', 'files']) {
      const left = path.join(world.workDir, 'download', folder)
      await mkdir(left, { recursive: true })
      await writeFile(path.join(left, 'half.md'), 'half')
      expect((await fetchRepository()).files).toEqual(['README.md'])
      await rm(path.join(world.workDir, 'download/complete.json'))
    }
  })
})

describe('a hostile or broken archive', () => {
  it('[P9e] writes nothing outside its folder and follows no link', async () => {
    archive = await tarball([
      file('a.md'),
      { name: `${TOP}../../escape.md`, content: 'x' },
      { name: `${TOP}/etc/absolute.md`, content: 'x' },
      { name: `${TOP}back\\..\\..\\slash.md`, content: 'x' },
      { name: `${TOP}c:evil.md`, content: 'x' },
      { name: `${TOP}link`, type: 'symlink', linkname: '/etc' },
      { name: `${TOP}link/passwd`, content: 'x' },
      { name: `${TOP}hard`, type: 'link', linkname: `${TOP}a.md` },
      { name: `${TOP}pipe`, type: 'fifo' },
      { name: `${TOP}device`, type: 'character-device' },
      file('a.md', 'again'),
      { name: 'short', pax: { path: `${TOP}../pax-escape.md` }, content: 'x' } as Entry,
      file('z.md'),
    ])
    const { root, files, rejected } = await fetchRepository()
    expect(files).toEqual(['a.md', 'link/passwd', 'z.md'])
    expect(await readFile(path.join(root, 'a.md'), 'utf8')).toBe('a.md')
    expect(rejected.map((one) => ('rejected' in one ? `${one.path} ${one.rejected}` : one.path))).toEqual([
      '../../escape.md UNREADABLE',
      '/etc/absolute.md UNREADABLE',
      'back\\..\\..\\slash.md UNREADABLE',
      'c:evil.md UNREADABLE',
      'link LINK_OUTSIDE',
      'hard LINK_OUTSIDE',
      'pipe SPECIAL_FILE',
      'device SPECIAL_FILE',
      'a.md UNREADABLE',
      '../pax-escape.md UNREADABLE',
    ])
    expect(await readdir(world.folder)).toEqual(['data', 'root'])
    expect((await readdir(path.join(world.workDir, 'download'))).sort()).toEqual(['complete.json', 'files'])
  })

  it('[P9e] calls one file too large and brings the others', async () => {
    archive = await tarball([file('big.bin', Buffer.alloc(2_000)), file('z.md')])
    const { files, rejected } = await fetchRepository({ limits: { maxFileBytes: 1_000 } })
    expect([files, rejected]).toEqual([['z.md'], [{ path: 'big.bin', rejected: 'TOO_LARGE', detail: 'It is 2 KiB.' }]])
  })

  it('[P9b] is refused over the caps of files, bytes and ratio, and leaves nothing behind', async () => {
    archive = await tarball([file('a'), file('b'), file('c')])
    await expect(fetchRepository({ limits: { maxFiles: 2 } })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(fetchRepository({ limits: { maxTotalBytes: 2_000 } })).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(await left()).toEqual([])
    archive = await tarball([file('bomb', Buffer.alloc(60_000_000))])
    expect(archive.length).toBeLessThan(100_000)
    await expect(fetchRepository()).rejects.toThrow('far more than its size allows')
    expect(github.requests.length).toBe(3)
    expect(await left()).toEqual([])
  })

  it('[P9b] is refused where it is damaged, cut or no archive, and leaves nothing behind', async () => {
    const whole = await tarball(
      Array.from({ length: 200 }, (_, n) => file(`${n}.bin`, Buffer.from(`${Math.sin(n)}`.repeat(200)))),
    )
    const flipped = Buffer.from(whole)
    flipped.fill(0xff, whole.length >> 1, (whole.length >> 1) + 200)
    for (const broken of [
      whole.subarray(0, whole.length >> 1),
      flipped,
      Buffer.from('<html>'),
      gzipSync('no tar'.repeat(200)),
      gzipSync(''),
    ]) {
      archive = broken
      await expect(fetchRepository()).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' })
      expect(await left()).toEqual([])
    }
  })

  it('[P9b] is asked for again after a connection cut in the middle, and is whole then', async () => {
    const whole = await tarball(Array.from({ length: 50 }, (_, n) => file(`${n}.md`, `${Math.sin(n)}`.repeat(500))))
    let times = 0
    api = (_, response) => {
      response.writeHead(200, { 'content-length': String(whole.length) })
      if (++times === 2) return response.end(whole)
      response.write(whole.subarray(0, whole.length >> 1), () => setTimeout(() => response.destroy(), 20))
    }
    expect((await fetchRepository()).files).toHaveLength(50)
    expect(times).toBe(2)
  })

  it('[P9g] ends with the reason of the signal and leaves nothing that looks whole', async () => {
    const controller = new AbortController()
    api = (_, response) => {
      response.writeHead(200)
      response.write(archive.subarray(0, 40), () => controller.abort(new Error('cancelled')))
    }
    const sources = world.sources({ github: { baseUrl: github.origin } })
    const source = { kind: 'repository' as const, repository: 'octo/docs' }
    const fetching = fetchInto(sources, source, world.workDir, { signal: controller.signal })
    await expect(fetching).rejects.toThrow('cancelled')
    expect(await left()).toEqual([])
  })
})

import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Clock } from '@holdfast/protocol'
import type { FetchProgress, FoundFile, Source } from '../../ports.ts'
import type { SourcesOptions } from './options.ts'
import { createSources, type ManagedSources } from './sources.ts'

/** What the tests of this folder stand on: real folders, real servers, a fast clock. */
export interface TestWorld extends AsyncDisposable {
  /** A folder of its own, its real path. */
  folder: string
  dataDir: string
  root: string
  workDir: string
  /** Writes files below `root`; a name that ends in `/` is a folder. */
  write(files: Record<string, string | Buffer>): Promise<void>
  sources(options?: Partial<SourcesOptions>): ManagedSources
}

export async function createTestWorld(): Promise<TestWorld> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-sources-')))
  const made: ManagedSources[] = []
  const [dataDir, root, workDir] = ['data', 'root', 'data/work/1'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(root, { recursive: true })
  await mkdir(workDir, { recursive: true })
  return {
    folder,
    dataDir,
    root,
    workDir,
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        const file = path.join(root, name)
        await mkdir(name.endsWith('/') ? file : path.dirname(file), { recursive: true })
        if (!name.endsWith('/')) await writeFile(file, content)
      }
    },
    sources(options = {}) {
      const sources = createSources({ dataDir, roots: [root], allowPrivateAddresses: ['127.0.0.0/8'], ...options })
      made.push(sources)
      return sources
    },
    async [Symbol.asyncDispose]() {
      for (const sources of made) await sources.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export async function collect(files: AsyncIterable<FoundFile>): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  for await (const file of files) found.push(file)
  return found
}

/** `a.md`, and `link CODE` for a rejection. */
export async function listing(files: AsyncIterable<FoundFile>): Promise<string[]> {
  return (await collect(files)).map((file) => ('rejected' in file ? `${file.path} ${file.rejected}` : file.path))
}

export const never = new AbortController().signal

export function fetchInto(
  sources: ManagedSources,
  source: Source,
  workDir: string,
  options: { signal?: AbortSignal; onProgress?: (progress: FetchProgress) => void } = {},
) {
  return sources.fetch(source, workDir, { signal: never, onProgress: () => {}, ...options })
}

export interface StandIn extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  origin: string
  /** `GET /path` of every request so far. */
  requests: string[]
  /** TCP connections so far. */
  connections: number
  /** The most answers that were under way at one time. */
  mostAtOnce: number
}

/** A server on 127.0.0.1 that stands where the web would. */
export async function standIn(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<StandIn> {
  let active = 0
  const server: Server = createServer((request, response) => {
    made.requests.push(`${request.method} ${request.url}`)
    active++
    made.mostAtOnce = Math.max(made.mostAtOnce, active)
    response.on('close', () => active--)
    void handle(request, response)
  })
  server.on('connection', () => made.connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const made: StandIn = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    connections: 0,
    mostAtOnce: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return made
}

/** A clock on which a second lasts 10 ms; remembers what was waited for. */
export function fastClock(factor = 100): Clock & { waits: number[] } {
  const start = Date.now()
  const waits: number[] = []
  return {
    waits,
    now: () => start + (Date.now() - start) * factor,
    after(ms, task) {
      waits.push(ms)
      const timer = setTimeout(task, ms / factor)
      return () => clearTimeout(timer)
    },
  }
}

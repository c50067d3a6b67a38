import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@holdfast/protocol'
import { createIdGenerator, createServer, type HoldfastServer, type Services } from '@holdfast/server'
import { openSqliteDatabase } from '@holdfast/server/sqlite'
import pino from 'pino'
import { createProcessParser } from '../../apps/ingest/adapters/parser/process-parser.ts'
import { ingestApp } from '../../apps/ingest/app.ts'
import type { Parser } from '../../apps/ingest/ports.ts'
import { ingestionStream } from '../../apps/ingest/streams.ts'
import type { AcceptedView, ProjectView } from '../../apps/ingest/view.ts'
import { ensurePageBuilt } from '../../scripts/build-page.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** An ingestion under way, whose files are extracted as they are let through. */
export interface PacedIngestion {
  readonly projectId: string
  readonly ingestionId: string
  /** Lets so many more files through. */
  let(files: number): void
  /** Lets all of them through. */
  letAll(): void
  /** Adds events to its stream, beside those of its work; resolves when they are on disk. */
  append(...events: IngestionEventInput[]): Promise<void>
}

type IngestionEventInput = Parameters<typeof ingestionStream.parse>[0]

/**
 * The real server with its page, in this process, so that whoever measures or tests holds the work in hand: files are
 * extracted as many as are let through, and events can be added to an ingestion's stream. It listens on a free port of
 * loopback, on SQLite in a folder of its own.
 */
export class PacedServer implements AsyncDisposable {
  readonly token = 'a-token-of-measurements-and-tests'
  readonly #folder: string
  /** By the folder whose files they let through. */
  readonly #paces = new Map<string, Pace>()
  readonly #pageFolder: string
  #running: { server: HoldfastServer; url: string } | null = null

  private constructor(folder: string, pageFolder: string) {
    this.#folder = folder
    this.#pageFolder = pageFolder
  }

  /** Builds the page where that is needed, and starts. */
  static async start(): Promise<PacedServer> {
    const { folder: pageFolder } = await ensurePageBuilt({ root: REPOSITORY })
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-paced-')))
    const server = new PacedServer(folder, pageFolder)
    await mkdir(server.root)
    await server.start()
    return server
  }

  /** The folder it may ingest. */
  get root(): string {
    return join(this.#folder, 'documents')
  }

  /** `http://127.0.0.1:<port>`; another after a start. */
  get url(): string {
    return this.#parts.url
  }

  get services(): Services {
    return this.#parts.server.services
  }

  /** Starts it, again after `stop`; work that was under way goes on. */
  async start(): Promise<void> {
    const dataDir = join(this.#folder, 'data')
    await mkdir(dataDir, { recursive: true })
    const onFatal = (error: Error) => {
      throw error
    }
    const server = await createServer({
      db: await openSqliteDatabase({ path: join(dataDir, 'holdfast.db'), durability: 'full', onFatal }),
      apps: [ingestApp({ dataDir, roots: [this.root], parser: paced(this.#paces), onFatal })],
      operatorToken: this.token,
      // The same at each start, so that who is signed in stays so.
      sessionSecret: Buffer.alloc(32, this.token),
      logger: pino({ level: 'silent' }),
      newId: createIdGenerator({ now: () => systemClock.now(), random: randomBytes }),
      exclusive: true,
      pageFolder: this.#pageFolder,
    })
    this.#running = { server, url: await server.listen({ host: '127.0.0.1', port: 0 }) }
  }

  /** Stops as on SIGTERM: whoever reads is told to come back. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = null
    await running?.server.close()
  }

  /** Asks it as the operator; JSON in, JSON out. */
  async request<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as Answer
  }

  /** Begins to ingest that many new files into a new project; none is extracted before it is let through. */
  async ingest(name: string, files: number): Promise<PacedIngestion> {
    const { id: projectId } = await this.request<ProjectView>('POST', '/api/projects', { name })
    return this.ingestInto(projectId, files)
  }

  /** The same into a project there is. */
  async ingestInto(projectId: string, files: number): Promise<PacedIngestion> {
    const path = await this.makeFolder(files)
    const pace = new Pace()
    this.#paces.set(path, pace)
    const { ingestionId } = await this.request<AcceptedView>('POST', `/api/projects/${projectId}/ingestions`, { path })
    return {
      projectId,
      ingestionId,
      let: (count) => pace.let(count),
      letAll: () => pace.let(Number.POSITIVE_INFINITY),
      append: async (...events) => {
        const { db, log } = this.services
        await db.commit([log.appendEvents(ingestionStream, { projectId, ingestionId }, events)])
      },
    }
  }

  /** A new folder of that many small files, none like another. */
  async makeFolder(files: number): Promise<string> {
    const path = await mkdtemp(join(this.root, 'folder-'))
    const text = (file: number) => `# Note ${file} of ${path}\n\nThe tide turns at ${file} past.\n`
    const numbers = Array.from({ length: files }, (_, index) => index + 1)
    await Promise.all(numbers.map((file) => writeFile(join(path, `note-${file}.md`), text(file))))
    return path
  }

  /** Lets the files of every ingestion through. */
  letAll(): void {
    for (const pace of this.#paces.values()) pace.let(Number.POSITIVE_INFINITY)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.letAll()
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  get #parts() {
    if (!this.#running) throw new Error('the server does not run')
    return this.#running
  }
}

/** Real parsing processes whose extractions wait to be let through. */
function paced(paces: ReadonlyMap<string, Pace>): Parser {
  const inner = createProcessParser({ concurrency: 2 })
  return {
    version: inner.version,
    concurrency: inner.concurrency,
    probe: (...given) => inner.probe(...given),
    extract: async (file, type, output, signal) => {
      await paces.get(dirname(file))?.pass(signal)
      return inner.extract(file, type, output, signal)
    },
    chunk: (...given) => inner.chunk(...given),
    close: () => inner.close(),
  }
}

/** Lets callers through one by one, in the order they came, as many as are allowed. */
class Pace {
  #allowed = 0
  #waiting: (() => void)[] = []

  let(count: number): void {
    this.#allowed += count
    while (this.#allowed > 0 && this.#waiting.length > 0) {
      this.#allowed -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Rejects with the signal's reason. */
  pass(signal: AbortSignal): Promise<void> {
    if (this.#allowed > 0) {
      this.#allowed -= 1
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      const stop = () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== go)
        reject(signal.reason)
      }
      signal.addEventListener('abort', stop)
      this.#waiting.push(go)
    })
  }
}

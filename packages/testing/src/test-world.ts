import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, type Problem, systemClock } from '@holdfast/protocol'
import { type App, createIdGenerator, createServer, type Database, type HoldfastServer } from '@holdfast/server'
import { openMemoryDatabase, openSqliteDatabase } from '@holdfast/server/sqlite'
import pino, { type Logger } from 'pino'
import { openTestSocket, type SocketOptions, type TestSocket } from './test-socket.ts'

export interface TestWorldOptions {
  /** The apps of this server, made anew at each start. */
  apps: (place: TestPlace) => readonly App[] | Promise<readonly App[]>
  /** Default `memory`; with `file` the store outlives `restart`. */
  store?: 'memory' | 'file'
  clock?: Clock
  logger?: Logger
  allowedOrigins?: readonly string[]
}

/** Folders of a test's own; real paths, removed on dispose. */
export interface TestPlace {
  dataDir: string
  /** A folder beside DATA_DIR, for what the test ingests or serves. */
  root: string
}

export interface TestResponse<Body = unknown> {
  status: number
  headers: Headers
  /** The parsed JSON, `null` where there is none. */
  body: Body
  text: string
}

export interface RequestOptions {
  method?: string
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  body?: RequestInit['body']
  headers?: Record<string, string>
  /** Default the operator's; `null` sends none. */
  token?: string | null
}

/** A whole server with a listening socket on 127.0.0.1, and a client's means to use it. */
export interface TestWorld extends TestPlace, AsyncDisposable {
  readonly server: HoldfastServer
  readonly db: Database
  /** `http://127.0.0.1:<port>`; another after `restart`. */
  readonly url: string
  readonly token: string
  /** Asks the server; any status is an answer. `path` is a path or a whole URL. */
  request<Body = unknown>(path: string, options?: RequestOptions): Promise<TestResponse<Body>>
  /** The body of a successful answer; throws with the problem where it was refused. */
  get<Body>(path: string): Promise<Body>
  post<Body>(path: string, json?: unknown): Promise<Body>
  /** Opens a WebSocket on a path or URL, with the operator's token. */
  socket(path: string, options?: SocketOptions): TestSocket
  /** Stops as on SIGTERM and starts again on the same folders (and, with `store: 'file'`, the same data). */
  restart(): Promise<void>
}

/**
 * A server in the hand of a test.
 *
 * ```ts
 * await using world = await createTestWorld({ apps: () => [myApp] })
 * const made = await world.post('/api/things', { name: 'x' })
 * ```
 */
export async function createTestWorld(options: TestWorldOptions): Promise<TestWorld> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-world-')))
  const place = { dataDir: join(folder, 'data'), root: join(folder, 'root') }
  await mkdir(place.dataDir)
  await mkdir(place.root)
  const token = randomBytes(16).toString('hex')
  const sessionSecret = randomBytes(32)
  const { clock = systemClock } = options
  // One for all starts: the ids of a clock that stands still go on where they were.
  const newId = createIdGenerator({ now: () => clock.now(), random: randomBytes })
  const given = { token, sessionSecret, newId }
  let running = await start(options, place, given)

  const absolute = (path: string) => (path.startsWith('/') ? running.url + path : path)
  const request = async <Body>(path: string, asked: RequestOptions = {}): Promise<TestResponse<Body>> => {
    const { method = asked.json === undefined && asked.body === undefined ? 'GET' : 'POST', json, body } = asked
    const given = asked.token === undefined ? token : asked.token
    const headers = {
      ...(given === null ? {} : { authorization: `Bearer ${given}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...asked.headers,
    }
    const sent = json === undefined ? body : JSON.stringify(json)
    const init = { method, headers, redirect: 'manual' as const, ...(sent ? { body: sent, duplex: 'half' } : {}) }
    const response = await fetch(absolute(path), init as RequestInit)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parsed(text) as Body, text }
  }
  const succeed = async <Body>(path: string, asked?: RequestOptions): Promise<Body> => {
    const { status, body, text } = await request<Body>(path, asked)
    if (status < 300) return body
    throw new Error(`${path} answered ${status}: ${(body as Problem | null)?.code ?? ''} ${text.slice(0, 500)}`)
  }

  return {
    ...place,
    token,
    get server() {
      return running.server
    },
    get db() {
      return running.db
    },
    get url() {
      return running.url
    },
    request,
    get: succeed,
    post: (path, json = {}) => succeed(path, { method: 'POST', json }),
    socket: (path, asked) => openTestSocket(absolute(path).replace(/^http/, 'ws'), { token, ...asked }),
    async restart() {
      await running.server.close()
      running = await start(options, place, given)
    },
    async [Symbol.asyncDispose]() {
      await running.server.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

interface Given {
  token: string
  sessionSecret: Buffer
  newId: () => string
}

async function start(options: TestWorldOptions, place: TestPlace, { token, sessionSecret, newId }: Given) {
  const onFatal = (error: Error) => {
    throw error
  }
  const db =
    options.store === 'file'
      ? await openSqliteDatabase({ path: join(place.dataDir, 'holdfast.db'), durability: 'full', onFatal })
      : openMemoryDatabase()
  const server = await createServer({
    db,
    apps: await options.apps(place),
    operatorToken: token,
    sessionSecret,
    allowedOrigins: options.allowedOrigins ?? [],
    logger: options.logger ?? pino({ level: 'silent' }),
    clock: options.clock ?? systemClock,
    newId,
    exclusive: true,
  })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  return { server, db, url }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

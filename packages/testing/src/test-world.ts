import { randomBytes } from 'node:crypto'
import { type Clock, type Problem, systemClock } from '@holdfast/protocol'
import { type App, createIdGenerator, createServer, type Database, type HoldfastServer } from '@holdfast/server'
import pino, { type Logger } from 'pino'
import { type Ground, groundOf } from './ground.ts'
import { startTestNodes, type TestNodes, type TestPlace } from './test-nodes.ts'
import { openTestSocket, type SocketOptions, type TestSocket } from './test-socket.ts'

export interface TestWorldOptions {
  /** The apps of a node, made anew at each start. */
  apps: (place: TestPlace) => readonly App[] | Promise<readonly App[]>
  /** Default: that of the project in vitest.config.ts. To be named only for what is about that one. */
  ground?: Ground['store']
  /** Word between nodes goes over Redis instead of NOTIFY. Default as `ground`. */
  redis?: boolean
  /** Servers on the one store. Default as `ground`. */
  nodes?: number
  /** The store outlives `restart`, which one in memory does not: a file stands in for it. Default false. */
  durable?: boolean
  clock?: Clock
  logger?: Logger
  allowedOrigins?: readonly string[]
  /** The built page. Default: none is served. */
  pageFolder?: string
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

/** Servers of a test, and a client's means to use them. `server`, `db` and `dataDir` are those of the first. */
export interface TestWorld extends TestNodes, TestPlace {
  readonly server: HoldfastServer
  readonly db: Database
  readonly token: string
  /** Asks a server; any status is an answer. `path` is a path or a whole URL. */
  request<Body = unknown>(path: string, options?: RequestOptions): Promise<TestResponse<Body>>
  /** The body of a successful answer; throws with the problem where it was refused. */
  get<Body>(path: string): Promise<Body>
  post<Body>(path: string, json?: unknown): Promise<Body>
  /** Opens a WebSocket on a path or URL, with the operator's token. */
  socket(path: string, options?: SocketOptions): TestSocket
}

/**
 * A server in the hand of a test, or several.
 *
 * ```ts
 * await using world = await createTestWorld({ apps: () => [myApp] })
 * const made = await world.post('/api/things', { name: 'x' })
 * ```
 */
export async function createTestWorld(options: TestWorldOptions): Promise<TestWorld> {
  const { clock = systemClock } = options
  const operatorToken = randomBytes(16).toString('hex')
  const shared = {
    operatorToken,
    sessionSecret: randomBytes(32),
    allowedOrigins: options.allowedOrigins ?? [],
    logger: options.logger ?? pino({ level: 'silent' }),
    clock,
    // One for all nodes and starts: the ids of a clock that stands still go on where they were.
    newId: createIdGenerator({ now: () => clock.now(), random: randomBytes }),
  }
  const page = options.pageFolder === undefined ? {} : { pageFolder: options.pageFolder }
  const nodes = await startTestNodes(groundOfWorld(options), async (store, place) =>
    createServer({ ...shared, ...store, ...page, apps: await options.apps(place) }),
  )
  const first = nodes.nodes[0]
  if (!first) throw new RangeError('a world has at least one node')
  return {
    ...nodes,
    ...createClient(() => nodes.url, operatorToken),
    token: operatorToken,
    get url() {
      return nodes.url
    },
    get server() {
      return first.server
    },
    get db() {
      return first.db
    },
  }
}

function groundOfWorld({ ground: store, redis, nodes, durable = false }: TestWorldOptions): Ground {
  const ground = groundOf({
    ...(store === undefined ? {} : { store }),
    ...(redis === undefined ? {} : { redis }),
    ...(nodes === undefined ? {} : { nodes }),
  })
  return durable && ground.store === 'memory' ? { ...ground, store: 'sqlite' } : ground
}

function createClient(base: () => string, token: string): Pick<TestWorld, 'request' | 'get' | 'post' | 'socket'> {
  const absolute = (path: string) => (path.startsWith('/') ? base() + path : path)
  const request = async <Body>(path: string, asked: RequestOptions = {}): Promise<TestResponse<Body>> => {
    const { method = asked.json === undefined && asked.body === undefined ? 'GET' : 'POST', json, body } = asked
    const given = asked.token === undefined ? token : asked.token
    const headers = {
      // A connection each, so that where there are several nodes each request may go to another.
      connection: 'close',
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
    request,
    get: succeed,
    post: (path, json = {}) => succeed(path, { method: 'POST', json }),
    socket: (path, asked) => openTestSocket(absolute(path).replace(/^http/, 'ws'), { token, ...asked }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

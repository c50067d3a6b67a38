import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseOffset } from '@holdfast/protocol'
import type { Door } from './doors/door.ts'
import { httpDoor } from './doors/http.ts'
import { insideDoor } from './doors/inside.ts'
import { socketDoor } from './doors/socket.ts'
import type { Ground, GroundName } from './grounds/ground.ts'
import { postgresGround } from './grounds/postgres-ground.ts'
import { sqliteGround } from './grounds/sqlite-ground.ts'
import { canonical, type FinalLog, History } from './history.ts'
import { get, longPoll } from './manners/get.ts'
import type { Manner } from './manners/manner.ts'
import { sharedSocket } from './manners/shared.ts'
import { sse } from './manners/sse.ts'
import { streamSocket } from './manners/stream-socket.ts'
import { HistoryNode } from './node.ts'
import { insist, type Place, streamPath } from './place.ts'
import type { Random } from './random.ts'
import type { Lie } from './server-messages.ts'
import { SocketPool } from './shared-socket.ts'

/** What a run is done on, and the ways in and out it uses. */
export interface WorldOptions {
  /** Default `sqlite`. */
  ground?: GroundName
  /** Default 1; more than one not on `sqlite`. */
  nodes?: number
  /** How long a run may go without a sign of life, in milliseconds. Default 1,500. */
  leaseMs?: number
  /** By their names; absent: all of them. */
  doors?: readonly string[]
  manners?: readonly string[]
  /** A promise the servers break, so that it is seen that the checker finds it. */
  lie?: Lie
}

/** Servers under test on their ground, the lines to them, every way in and out, and what was told so far. */
export class World implements AsyncDisposable {
  readonly history: History
  readonly ground: Ground
  readonly nodes: readonly HistoryNode[]
  readonly leaseMs: number
  /** Each connection to a node drawn anew. */
  readonly place: Place
  readonly pool: SocketPool
  readonly doors: readonly Door[]
  readonly manners: readonly Manner[]
  readonly #resources: AsyncDisposableStack

  private constructor(
    { history, ground, nodes, resources }: Parts,
    random: Random,
    token: string,
    { leaseMs, ...options }: WorldOptions & { leaseMs: number },
  ) {
    this.history = history
    this.ground = ground
    this.nodes = nodes
    this.leaseMs = leaseMs
    this.#resources = resources
    const agent = resources.adopt(new Agent({ keepAlive: true }), async (agent) => agent.destroy())
    this.place = { nextPort: () => random.pick(nodes).proxy.port, token, agent }
    this.pool = resources.adopt(new SocketPool(this.place, history), async (pool) => pool.close())
    this.doors = named([insideDoor, httpDoor, socketDoor(this.pool), ...ground.doors], options.doors)
    this.manners = named([get, longPoll, sse, streamSocket, sharedSocket(this.pool)], options.manners)
  }

  /** The nodes are started at once. Throws where one does not come up. */
  static async open(random: Random, options: WorldOptions = {}): Promise<World> {
    const { ground: name = 'sqlite', nodes: count = 1, leaseMs = 1500, lie = null } = options
    if (name === 'sqlite' && count > 1) throw new RangeError('several nodes do not stand on sqlite')
    const resources = new AsyncDisposableStack()
    try {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-history-'))
      resources.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
      const ground = resources.use(await openGround(name))
      const history = new History()
      const token = randomBytes(16).toString('hex')
      const common = { compiledDir: join(folder, 'compiled'), token, leaseMs, lie }
      const names = Array.from({ length: count }, (_, index) => `node-${index}`)
      const starting = names.map(async (node) =>
        resources.use(
          await HistoryNode.start({ ...common, node, dataDir: join(folder, node) }, await ground.join(), history),
        ),
      )
      await Promise.allSettled(starting)
      const nodes = await Promise.all(starting)
      return new World({ history, ground, nodes, resources }, random, token, { ...options, leaseMs })
    } catch (error) {
      await resources.disposeAsync()
      throw error
    }
  }

  /** Makes a stream, from the inside; asks until it is there. Throws where it cannot be had. */
  async create(stream: string): Promise<void> {
    await insist(this.place, {
      method: 'POST',
      path: '/test/create',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream }),
    })
  }

  /** Makes a stream over HTTP, with its first event; asks until it is there. Throws where it cannot be had. */
  async put(stream: string, event: string): Promise<void> {
    const append = this.history.invoke({ producer: 'the maker', stream, events: [event] })
    const headers = { 'content-type': 'application/json' }
    const answer = await insist(this.place, { method: 'PUT', path: streamPath(stream), headers, body: `[${event}]` })
    // Where it was there already the tail is told, which may have moved on.
    const offset = answer.status === 201 ? { offset: String(answer.headers['stream-next-offset']) } : {}
    this.history.settle(append, 'ok', offset)
  }

  /** The whole stream as it is read now. Throws where it cannot be read, or where its pages do not join. */
  async readLog(stream: string): Promise<FinalLog> {
    const events: string[] = []
    for (let offset = '-1'; ; ) {
      const { headers, text } = await insist(this.place, { path: streamPath(stream, { offset }) })
      events.push(...(JSON.parse(text) as unknown[]).map(canonical))
      offset = String(headers['stream-next-offset'])
      const { incarnation = 0, seq = 0 } = parseOffset(offset) ?? {}
      if (seq !== events.length) throw new Error(`${stream} has ${events.length} events up to ${offset}`)
      const sealed = headers['stream-closed'] === 'true'
      if (headers['stream-up-to-date'] === 'true') return { stream, incarnation, events, sealed }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync()
  }
}

interface Parts {
  history: History
  ground: Ground
  nodes: readonly HistoryNode[]
  resources: AsyncDisposableStack
}

async function openGround(name: GroundName): Promise<Ground> {
  return name === 'sqlite' ? sqliteGround() : postgresGround(name === 'postgres+redis')
}

function named<Way extends { name: string }>(all: readonly Way[], names: readonly string[] | undefined): Way[] {
  return all.filter(({ name }) => names?.includes(name) ?? true)
}

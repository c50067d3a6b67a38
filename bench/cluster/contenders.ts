import { randomUUID } from 'node:crypto'
import { type Contender, HOLDFAST, type ServerAddress, ServerUnderTest } from '../streams/contenders.ts'
import { lendDatabase, type Stores } from './stores.ts'

/** Servers on a ground: one, or several that share it. */
export interface ClusterContender extends Contender {
  ground: 'sqlite' | 'notify' | 'redis' | 'socket.io' | 'socket.io-durable'
}

const peer = {
  module: new URL('peers/socket-io.js', import.meta.url),
  readers: ['socket.io'],
} satisfies Partial<Contender>

export const SQLITE: ClusterContender = { ...HOLDFAST, name: 'SQLite', ground: 'sqlite' }
export const NOTIFY: ClusterContender = { ...HOLDFAST, name: 'PostgreSQL + NOTIFY', ground: 'notify' }
export const REDIS: ClusterContender = { ...HOLDFAST, name: 'PostgreSQL + Redis', ground: 'redis' }
export const SOCKET_IO: ClusterContender = {
  ...peer,
  name: 'socket.io + Redis streams, in memory',
  durable: false,
  ground: 'socket.io',
  readers: ['socket.io'],
}
export const SOCKET_IO_DURABLE: ClusterContender = {
  ...peer,
  name: 'socket.io + Redis streams, appendfsync always',
  durable: true,
  ground: 'socket.io-durable',
  readers: ['socket.io'],
}

/** On how many nodes each is measured. SQLite is one process's own. */
export const GROUNDS: readonly { contender: ClusterContender; nodes: number }[] = [
  { contender: SQLITE, nodes: 1 },
  { contender: NOTIFY, nodes: 1 },
  { contender: REDIS, nodes: 1 },
  { contender: NOTIFY, nodes: 2 },
  { contender: REDIS, nodes: 2 },
]

/** Equal nodes of one contender, each a process of its own, on a store that is theirs alone. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly ServerUnderTest[]
  /** Connection string of the store, where it is a PostgreSQL. */
  readonly database: string
  readonly #resources: AsyncDisposableStack

  private constructor(nodes: ServerUnderTest[], database: string, resources: AsyncDisposableStack) {
    this.nodes = nodes
    this.database = database
    this.#resources = resources
  }

  static async start(contender: ClusterContender, count: number, stores: Stores): Promise<Cluster> {
    const resources = new AsyncDisposableStack()
    try {
      const env = await environment(contender, stores, resources)
      const nodes: ServerUnderTest[] = []
      // One after the other: the first makes the tables.
      for (let n = 0; n < count; n += 1) nodes.push(resources.use(await ServerUnderTest.start(contender, env)))
      return new Cluster(nodes, env.DATABASE_URL ?? '', resources)
    } catch (error) {
      await resources.disposeAsync()
      throw error
    }
  }

  get addresses(): ServerAddress[] {
    return this.nodes.map(({ address }) => address)
  }

  /** By its place, from 0; the last one where there are fewer. */
  node(index: number): ServerUnderTest {
    const node = this.nodes[Math.min(index, this.nodes.length - 1)]
    if (!node) throw new RangeError('a cluster has a node at least')
    return node
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync()
  }
}

async function environment(
  { ground }: ClusterContender,
  stores: Stores,
  resources: AsyncDisposableStack,
): Promise<Record<string, string>> {
  if (ground === 'sqlite') return {}
  if (ground === 'socket.io') return { NAME: randomUUID(), ACK: 'sent', REDIS_URL: stores.redis.url }
  if (ground === 'socket.io-durable') return { NAME: randomUUID(), ACK: 'kept', REDIS_URL: stores.durableRedis.url }
  const { url } = resources.use(await lendDatabase(stores))
  return { DATABASE_URL: url, ...(ground === 'redis' ? { REDIS_URL: stores.redis.url } : {}) }
}

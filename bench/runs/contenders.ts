import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../../packages/testing/src/redis.ts'
import { lendDatabase } from '../cluster/stores.ts'
import { Child } from '../streams/child.ts'
import type { RunStores } from './stores.ts'

/** Something that carries runs, or jobs, out. */
export interface RunContender {
  name: string
  module: URL
  /** Whether a start that was acknowledged, and a step that is recorded, is on disk. */
  durable: boolean
  store: 'sqlite' | 'postgres' | 'redis-always' | 'redis-everysec'
}

const ours = { module: new URL('workers/holdfast.ts', import.meta.url), durable: true }
const bullmq = new URL('peers/bullmq.js', import.meta.url)
const openworkflow = { module: new URL('peers/openworkflow.js', import.meta.url), durable: true }

export const HOLDFAST_SQLITE: RunContender = { ...ours, name: 'Holdfast, SQLite', store: 'sqlite' }
export const HOLDFAST_POSTGRES: RunContender = { ...ours, name: 'Holdfast, PostgreSQL', store: 'postgres' }

export const CONTENDERS: readonly RunContender[] = [
  HOLDFAST_SQLITE,
  HOLDFAST_POSTGRES,
  { name: 'BullMQ, Redis, appendfsync always', module: bullmq, durable: true, store: 'redis-always' },
  { name: 'BullMQ, Redis, appendfsync everysec', module: bullmq, durable: false, store: 'redis-everysec' },
  {
    name: 'pg-boss, PostgreSQL',
    module: new URL('peers/pg-boss.js', import.meta.url),
    durable: true,
    store: 'postgres',
  },
  { ...openworkflow, name: 'OpenWorkflow, SQLite', store: 'sqlite' },
  { ...openworkflow, name: 'OpenWorkflow, PostgreSQL', store: 'postgres' },
]

/** A contender in a process of its own, on a store that holds nothing yet. */
export class RunWorker implements AsyncDisposable {
  readonly child: Child<null>
  /** The first process of the store; `null` where the store is in the contender's own. */
  readonly storePid: number | null
  readonly #resources: AsyncDisposableStack

  private constructor(child: Child<null>, storePid: number | null, resources: AsyncDisposableStack) {
    this.child = child
    this.storePid = storePid
    this.#resources = resources
  }

  static async start({ module, store }: RunContender, stores: RunStores): Promise<RunWorker> {
    const resources = new AsyncDisposableStack()
    try {
      const { env, pid } = await lendStore(store, stores, resources)
      const child = resources.use(await Child.start<null>(module, { DATABASE_URL: '', REDIS_URL: '', ...env }))
      return new RunWorker(child, pid, resources)
    } catch (error) {
      await resources.disposeAsync()
      throw error
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync()
  }
}

interface LentStore {
  env: Record<string, string>
  pid: number | null
}

async function lendStore(
  store: RunContender['store'],
  stores: RunStores,
  resources: AsyncDisposableStack,
): Promise<LentStore> {
  switch (store) {
    case 'sqlite': {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
      resources.defer(() => rm(folder, { recursive: true, force: true }))
      return { env: { DATA_DIR: folder }, pid: null }
    }
    case 'postgres': {
      const { url } = resources.use(await lendDatabase(stores))
      return { env: { DATABASE_URL: url }, pid: stores.postgresPid }
    }
    case 'redis-always':
    case 'redis-everysec': {
      const fsync = store === 'redis-always' ? 'always' : 'everysec'
      const redis = resources.use(await startRedis({ durable: true, fsync }))
      return { env: { REDIS_URL: redis.url }, pid: redis.pid }
    }
  }
}

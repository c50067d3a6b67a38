import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { ServerOptions } from '@holdfast/server'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { openPostgresBroker } from '@holdfast/server/postgres-broker'
import { openRedisBroker } from '@holdfast/server/redis-broker'
import { openMemoryDatabase, openSqliteDatabase } from '@holdfast/server/sqlite'
import { inject } from 'vitest'
import type { Ground } from './ground.ts'
import { withPostgres } from './postgres.ts'

/** What a server is given of its ground. */
export type NodeStore = Pick<ServerOptions, 'db' | 'broker' | 'exclusive'>

/** A store of a test's own. Its nodes are closed before it is disposed of. */
export interface TestStore extends AsyncDisposable {
  /** What one server stands on, who closes it. In memory it is empty; otherwise as the server before left it. */
  open(dataDir: string): Promise<NodeStore>
}

/** Makes the store of a test on its ground. */
export async function createTestStore(ground: Ground): Promise<TestStore> {
  return ground.store === 'postgres' ? createPostgresStore(ground) : sqliteStore(ground)
}

function sqliteStore({ store }: Ground): TestStore {
  const onFatal = (error: Error) => {
    throw error
  }
  return {
    async open(dataDir) {
      const path = join(dataDir, 'holdfast.db')
      const db = store === 'sqlite' ? openSqliteDatabase({ path, durability: 'full', onFatal }) : openMemoryDatabase()
      return { db: await db, exclusive: true }
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** A database of its own on the PostgreSQL of the run, and channels of their own in its Redis. */
async function createPostgresStore({ redis }: Ground): Promise<TestStore> {
  const run = inject('postgres')
  if (!run) throw new Error('this project of vitest.config.ts has no PostgreSQL')
  const name = `world_${randomBytes(8).toString('hex')}`
  await withPostgres(run.admin, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${run.template}`))
  const connectionString = run.admin.replace(/[^/]*$/, name)
  const openBroker = () => {
    const nodeId = randomBytes(8).toString('hex')
    // A test that loses its broker looks at what that does to its readers, not at what was said of it.
    const onError = () => {}
    if (!redis) return openPostgresBroker({ connectionString, nodeId, onError })
    return openRedisBroker({ url: inject('redis'), prefix: `${name}:`, nodeId, onError })
  }
  return {
    async open() {
      return { db: openPostgresDatabase({ connectionString }), broker: openBroker(), exclusive: false }
    },
    async [Symbol.asyncDispose]() {
      // Whoever is still connected is a server that was not closed; the test that left it has failed already.
      await withPostgres(run.admin, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`))
    },
  }
}

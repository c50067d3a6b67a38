import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Database, ServerOptions } from '@holdfast/server'
import { joinBrokers } from '@holdfast/server/joined-broker'
import { openPostgresDatabase } from '@holdfast/server/postgres'
import { openPostgresBroker } from '@holdfast/server/postgres-broker'
import { openRedisBroker } from '@holdfast/server/redis-broker'
import { openMemoryDatabase, openSqliteDatabase } from '@holdfast/server/sqlite'
import { inject } from 'vitest'
import type { Ground } from './ground.ts'
import { withPostgres } from './postgres.ts'

/** What a server is given of its ground. */
export type NodeStore = Pick<ServerOptions, 'db' | 'broker' | 'exclusive'>

/** A store that servers of a test stand on. They are closed before it is disposed of. */
export interface ServerStore extends AsyncDisposable {
  /** What one server stands on, who closes it. In memory it is empty; otherwise as the server before left it. */
  open(dataDir: string): Promise<NodeStore>
}

/** A store of a test's own. */
export interface TestStore extends ServerStore {
  /** The same without a server. `dataDir` is for the file where there is one. */
  openDatabase(dataDir: string): Promise<Database>
}

/** Makes the store of a test on its ground. */
export async function createTestStore(ground: Ground): Promise<TestStore> {
  return ground.store === 'postgres' ? createPostgresStore(ground) : sqliteStore(ground)
}

function sqliteStore({ store }: Ground): TestStore {
  const onFatal = (error: Error) => {
    throw error
  }
  const openDatabase = async (dataDir: string) =>
    store === 'sqlite'
      ? openSqliteDatabase({ path: join(dataDir, 'holdfast.db'), durability: 'full', onFatal })
      : openMemoryDatabase()
  return {
    openDatabase,
    open: async (dataDir) => ({ db: await openDatabase(dataDir), exclusive: true }),
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
    const byDatabase = openPostgresBroker({ connectionString, nodeId, onError })
    if (!redis) return byDatabase
    return joinBrokers(openRedisBroker({ url: inject('redis'), prefix: `${name}:`, nodeId, onError }), byDatabase)
  }
  const openDatabase = async () => openPostgresDatabase({ connectionString })
  return {
    openDatabase,
    open: async () => ({ db: await openDatabase(), broker: openBroker(), exclusive: false }),
    async [Symbol.asyncDispose]() {
      // Whoever is still connected is a server that was not closed; the test that left it has failed already.
      await withPostgres(run.admin, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`))
    },
  }
}

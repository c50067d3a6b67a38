import { startPostgres, type TestPostgres, withPostgres } from '../../packages/testing/src/postgres.ts'
import { startRedis, type TestRedis } from '../../packages/testing/src/redis.ts'

/** What all servers of a run stand on: one PostgreSQL and two Redis, on this machine. */
export interface Stores extends AsyncDisposable {
  postgres: TestPostgres
  /** Keeps nothing on disk. */
  redis: TestRedis
  /** Keeps everything on disk before it answers. */
  durableRedis: TestRedis
  /** Versions and the settings that decide what an acknowledged commit is worth, in a sentence. */
  described: string
}

export async function startStores(): Promise<Stores> {
  const stack = new AsyncDisposableStack()
  try {
    const postgres = stack.use(await startPostgres())
    const redis = stack.use(await startRedis())
    const durableRedis = stack.use(await startRedis({ durable: true }))
    const described = await describePostgres(postgres)
    const all = stack.move()
    return { postgres, redis, durableRedis, described, [Symbol.asyncDispose]: () => all.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const SETTINGS = ['fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'shared_buffers']

/** Its version and the settings that decide what an acknowledged commit is worth, in a sentence. */
export function describePostgres({ url }: TestPostgres): Promise<string> {
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ name: string; value: string }>(
      `SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name`,
      [['server_version', ...SETTINGS]],
    )
    const [version, ...settings] = rows
    return `PostgreSQL ${version?.value} (${settings.map(({ name, value }) => `${name} ${value}`).join(', ')}; its defaults)`
  })
}

/** A new database, and the way to be rid of it when nobody needs it any more. */
export async function lendDatabase({ postgres }: Pick<Stores, 'postgres'>): Promise<{ url: string } & AsyncDisposable> {
  const url = await postgres.createDatabase()
  const name = new URL(url).pathname.slice(1)
  return {
    url,
    // What it leaves for the background to do would fall into the next measurement.
    [Symbol.asyncDispose]: () =>
      withPostgres(postgres.url, async (client) => void (await client.query(`DROP DATABASE ${name} WITH (FORCE)`))),
  }
}

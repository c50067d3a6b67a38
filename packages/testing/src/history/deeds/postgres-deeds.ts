import { sleep, systemClock } from '@holdfast/protocol'
import pg from 'pg'
import type { CuttingProxy } from '../cutting-proxy.ts'
import type { PostgresProcess } from '../grounds/postgres-process.ts'
import type { Random } from '../random.ts'
import type { Deeds } from './deed.ts'
import { lineDeeds } from './line-deeds.ts'

interface PostgresGround {
  postgres: PostgresProcess
  /** One of each node. */
  lines: readonly CuttingProxy[]
}

/** What befalls PostgreSQL and the nodes' lines to it. */
export function postgresDeeds({ postgres, lines }: PostgresGround): Deeds {
  return {
    ...lineDeeds('PostgreSQL', lines),
    'PostgreSQL restarts': {
      weight: 2,
      isOutage: true,
      async run(_world, random) {
        await postgres.stop(random.pick(['fast', 'immediate']))
        await sleep(systemClock, random.pick([0, 300, 2000]))
        await postgres.start()
      },
    },
    'PostgreSQL is read-only': {
      weight: 2,
      isOutage: true,
      run: (_world, random) =>
        random.chance(0.5) ? readOnlyServer(postgres, random) : readOnlyDatabase(postgres, random),
    },
    'connections used up': {
      weight: 2,
      isOutage: true,
      async run(_world, random) {
        const holding = holdConnections(postgres)
        await terminate(postgres, random.pick([0, 0.5, 1]))
        await sleep(systemClock, random.pick([300, 1500, 4000]))
        await holding.letGo()
      },
    },
    'backends terminated': {
      weight: 3,
      isOutage: true,
      async run(_world, random) {
        for (let times = random.int(1, 4); times > 0; times -= 1) {
          await terminate(postgres, random.pick([0.2, 0.6, 1]))
          await sleep(systemClock, random.int(10, 200))
        }
      },
    },
  }
}

/** Every connection, those that stand too, can write nothing for a while. */
async function readOnlyServer(postgres: PostgresProcess, random: Random): Promise<void> {
  await postgres.admin(async (client) => {
    await client.query('ALTER SYSTEM SET default_transaction_read_only = on')
    await client.query('SELECT pg_reload_conf()')
    await sleep(systemClock, random.pick([200, 1000, 3000]))
    await client.query('ALTER SYSTEM RESET default_transaction_read_only')
    await client.query('SELECT pg_reload_conf()')
  })
}

/** Whoever connects meanwhile gets a connection that can never write, as after a standby was called by mistake. */
async function readOnlyDatabase(postgres: PostgresProcess, random: Random): Promise<void> {
  await postgres.admin((client) => client.query('ALTER DATABASE history SET default_transaction_read_only = on'))
  await terminate(postgres, 1)
  await sleep(systemClock, random.pick([200, 1000, 3000]))
  await postgres.admin((client) => client.query('ALTER DATABASE history RESET default_transaction_read_only'))
  if (random.chance(0.5)) await terminate(postgres, 1)
}

/** Ends about that share of the connections that are not a superuser's. */
function terminate(postgres: PostgresProcess, share: number): Promise<unknown> {
  return postgres.admin((client) =>
    client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'holdfast' AND random() < $1",
      [share],
    ),
  )
}

/** Takes every connection there is, and every one that comes free, until it lets go. */
function holdConnections(postgres: PostgresProcess): { letGo(): Promise<void> } {
  const held: pg.Client[] = []
  const over = new AbortController()
  const taking = (async () => {
    while (!over.signal.aborted) {
      const client = new pg.Client({ connectionString: postgres.connectionString() })
      client.on('error', () => {})
      try {
        await client.connect()
        held.push(client)
      } catch {
        // There is none left.
        await sleep(systemClock, 10, over.signal).catch(() => {})
      }
    }
  })()
  return {
    async letGo() {
      over.abort()
      await taking
      await Promise.all(held.map((client) => client.end().catch(() => {})))
    },
  }
}

import { Socket } from 'node:net'
import pg from 'pg'

export interface ConnectionOptions {
  connectionString: string
  schema: string | null
  /** Shown in pg_stat_activity. */
  name: string
  max: number
  /** How long a connection is waited for, be it a new one or one of ours that is busy. */
  connectMs: number
  /** How long an answer is waited for before the line counts as dead. */
  answerMs: number
  /** How long a row that somebody else holds is waited for. Default: as long as for an answer. */
  lockMs?: number
}

// Counts and times are BIGINT in the store and stay below 2^53; pg would hand them over as text.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, (text: string) => Number(text))
types.setTypeParser(pg.types.builtins.NUMERIC, (text: string) => Number(text))

/** A client whose connection can be let go of at once, whatever the other side does. */
class Client extends pg.Client {
  readonly #socket: Socket

  constructor(config: pg.ClientConfig = {}) {
    const socket = new Socket()
    super({ ...config, stream: () => socket } as pg.ClientConfig)
    this.#socket = socket
  }

  drop(): void {
    this.#socket.destroy()
  }
}

/** A pool of ours. */
export interface Connections {
  readonly pool: pg.Pool
  /**
   * Lets go of the connections nobody uses. Where one line has fallen silent the others are probably no better, and
   * would otherwise be found out one after the other.
   */
  dropIdle(): void
}

// What a connection has prepared and grown stays with it: now and then each is made anew.
const LIFETIME_SECONDS = 3_600

/**
 * A pool whose connections take statements without waiting for the answers of those before them, and on which nothing
 * waits for ever: neither a statement, nor a transaction whose writer has stopped in the middle, nor a dead line.
 */
export function openConnections(options: ConnectionOptions): Connections {
  const { connectionString, schema, name, max, connectMs, answerMs, lockMs } = options
  const settings = [
    ...(schema ? [`-c search_path=${schema}`] : []),
    `-c statement_timeout=${answerMs}`,
    `-c idle_in_transaction_session_timeout=${answerMs}`,
    ...(lockMs === undefined ? [] : [`-c lock_timeout=${lockMs}`]),
    '-c client_min_messages=error',
  ]
  const pool = new pg.Pool({
    Client,
    connectionString,
    max,
    types,
    pipeline: true,
    application_name: name,
    options: settings.join(' '),
    connectionTimeoutMillis: connectMs,
    // The store gives up first, so that its answer is heard.
    query_timeout: answerMs + 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    onConnect: (client: pg.ClientBase) => limitTransactions(client, answerMs),
  } as pg.PoolConfig)
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => {})
  const idle = new Set<Client>()
  pool.on('acquire', (client) => idle.delete(client as unknown as Client))
  pool.on('release', (_, client) => idle.add(client as unknown as Client))
  pool.on('remove', (client) => idle.delete(client as unknown as Client))
  return {
    pool,
    dropIdle() {
      for (const client of idle) client.drop()
    },
  }
}

/** A writer that is stopped in the middle of a transaction holds its locks no longer than this. From PostgreSQL 17 on. */
async function limitTransactions(client: pg.ClientBase, answerMs: number): Promise<void> {
  // After that of a statement, which leaves the connection as it is.
  await client.query(
    `SELECT set_config('transaction_timeout', '${answerMs + 500}', false)
     WHERE current_setting('server_version_num')::int >= 170000`,
  )
}

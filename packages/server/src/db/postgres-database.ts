import { type Clock, HoldfastError, systemClock } from '@holdfast/protocol'
import pg from 'pg'
import { CommitListeners, committedBy } from './committed.ts'
import type { CommitResult, Committed, Database, Row, Statement, Write } from './database.ts'
import { inLockOrder } from './lock-order.ts'
import { Patience } from './patience.ts'
import { type Connections, openConnections } from './postgres-connections.ts'
import { translate } from './postgres-errors.ts'
import { ListLanes, LOCK_MS } from './postgres-list-lanes.ts'
import { sentAs } from './postgres-sql.ts'
import { transact } from './postgres-transaction.ts'
import { StatementNames } from './statement-names.ts'

export interface PostgresOptions {
  connectionString: string
  /** Connections this process opens at most, at least 6. Default 12. A broker has one more. */
  maxConnections?: number
  /** Schema for all tables; default the connection's own search path. */
  schema?: string
  /** How long a commit or a read waits for a store that is out of reach or takes nothing, in milliseconds. Default 5,000. */
  patienceMs?: number
  /** How long an answer is waited for before the line counts as dead, in milliseconds. Default 10,000. */
  answerMs?: number
  clock?: Clock
  /** Evenly spread from 0 to below 1. Default `Math.random`. */
  random?: () => number
}

// Commits of lists are gathered here, so that as many as come at once share a round trip and an fsync.
const LANES = 2

/**
 * PostgreSQL under the same port. A commit is one round trip: its statements are sent without waiting for one another,
 * expectations included, and appends of any number of callers are gathered into one statement. What the store did is
 * always known, or said not to be: a commit is repeated only where it cannot have been done.
 */
export function openPostgresDatabase(options: PostgresOptions): Database {
  return new PostgresDatabase(options)
}

export interface PostgresServer {
  /** As PostgreSQL counts: 180004 for 18.4. */
  version: number
  versionName: string
  /** Of the database, for instance `UTF8`. */
  encoding: string
}

/** Asks once, without patience: throws what the driver or PostgreSQL says where it cannot be had. */
export async function inspectPostgres(connectionString: string): Promise<PostgresServer> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000, query_timeout: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    const asked = `SELECT current_setting('server_version_num')::int AS version,
      current_setting('server_version') AS "versionName", current_setting('server_encoding') AS encoding`
    const { rows } = await client.query<PostgresServer>(asked)
    return rows[0] as PostgresServer
  } finally {
    await client.end()
  }
}

class PostgresDatabase implements Database {
  readonly dialect = 'postgres'
  readonly #reads: pg.Pool
  readonly #commits: pg.Pool
  readonly #connections: Connections[]
  readonly #lanes: ListLanes
  readonly #names = new StatementNames()
  readonly #patience: Patience
  readonly #listeners = new CommitListeners()
  readonly #underway = new Set<Promise<unknown>>()
  #closed: Promise<void> | null = null

  constructor(options: PostgresOptions) {
    const { clock = systemClock, random = Math.random, patienceMs = 5_000 } = options
    const max = Math.max(6, options.maxConnections ?? 12) - LANES
    this.#patience = new Patience({
      clock,
      random,
      patienceMs,
      onStale: () => this.#names.forget(),
      onSilence: () => {
        for (const connections of this.#connections) connections.dropIdle()
      },
    })
    const commits = open(options, 'commits', Math.ceil(max / 2))
    const reads = open(options, 'reads', Math.floor(max / 2))
    const lanes = Array.from({ length: LANES }, () => open(options, 'appends', 1, LOCK_MS))
    this.#connections = [commits, reads, ...lanes]
    this.#commits = commits.pool
    this.#reads = reads.pool
    this.#lanes = new ListLanes({
      pools: lanes.map(({ pool }) => pool),
      aside: this.#commits,
      names: this.#names,
      patience: this.#patience,
      tell: (writes, result) => this.#tell(writes, result),
    })
  }

  commit(writes: readonly Write[]): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(new HoldfastError('UNAVAILABLE', 'The store is closed.'))
    return this.#track(this.#lanes.takes(writes) ? this.#lanes.commit(writes) : this.#commit(writes))
  }

  async read<T = Row>(statement: Statement): Promise<T[]> {
    if (this.#closed) throw new HoldfastError('UNAVAILABLE', 'The store is closed.')
    try {
      // A read that was lost has done nothing.
      return await this.#track(this.#patience.insist(() => this.#read<T>(statement)))
    } catch (error) {
      throw translate(error)
    }
  }

  onCommitted(listener: (committed: readonly Committed[]) => void): () => void {
    return this.#listeners.add(listener)
  }

  close(): Promise<void> {
    // A pool forgets who waits for a connection when it ends, so everybody is served first.
    this.#closed ??= (async () => {
      this.#patience.end()
      await Promise.allSettled(this.#underway)
      await Promise.all(this.#connections.map(({ pool }) => pool.end()))
    })()
    return this.#closed
  }

  #track<T>(asked: Promise<T>): Promise<T> {
    this.#underway.add(asked)
    const done = () => void this.#underway.delete(asked)
    asked.then(done, done)
    return asked
  }

  async #read<T>(statement: Statement): Promise<T[]> {
    const { text } = sentAs(statement)
    const name = this.#names.of(text)
    const { rows } = await this.#reads.query({ text, values: [...statement.params], ...(name ? { name } : {}) })
    return rows as T[]
  }

  async #commit(writes: readonly Write[]): Promise<CommitResult> {
    const ordered = inLockOrder(writes)
    const statements = ordered.flatMap((write) => write.statements)
    const attempt = () => transact(this.#commits, this.#names, statements)
    const rows = await this.#patience.insist(attempt).catch((error) => {
      throw translate(error)
    })
    const result = splitByWrite(writes, ordered, rows)
    this.#tell(writes, result)
    return result
  }

  #tell(writes: readonly Write[], result: CommitResult): void {
    this.#listeners.tell(committedBy(writes, result))
  }
}

function open(
  { connectionString, schema, answerMs = 10_000, patienceMs = 5_000 }: PostgresOptions,
  use: string,
  max: number,
  lockMs?: number,
) {
  const limits = { max, connectMs: patienceMs, answerMs, ...(lockMs === undefined ? {} : { lockMs }) }
  return openConnections({ connectionString, schema: schema ?? null, name: `holdfast ${use}`, ...limits })
}

/** Back into the order the writes were given in. */
function splitByWrite(writes: readonly Write[], ordered: readonly Write[], rows: Row[][]): CommitResult {
  const given = new Map<Write, Row[][]>()
  let from = 0
  for (const write of ordered) {
    given.set(write, rows.slice(from, from + write.statements.length))
    from += write.statements.length
  }
  return writes.map((write) => given.get(write) ?? [])
}

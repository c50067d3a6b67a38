import { randomUUID } from 'node:crypto'
import { type Broker, type Database, statement } from '@holdfast/server'
import type { Logger } from 'pino'
import type { StoreConfig } from './config.ts'
import { Stop } from './stop.ts'

export interface Store {
  db: Database
  /** Word to and from the other nodes, where there may be others; to be asked for once the tables are there. */
  broker: ((db: Database) => Promise<Broker>) | null
}

export interface StoreOptions {
  logger: Logger
  onFatal: (error: Error) => void
}

/** Opens what the configuration names; stops with one line, without a password in it, where it cannot be had. */
export function openStore(config: StoreConfig, options: StoreOptions): Promise<Store> {
  return config.kind === 'sqlite' ? openSqlite(config.path, options) : openPostgres(config, options)
}

async function openSqlite(path: string, { onFatal }: StoreOptions): Promise<Store> {
  const { openSqliteDatabase } = await import('@holdfast/server/sqlite')
  try {
    return { db: await openSqliteDatabase({ path, durability: 'full', onFatal }), broker: null }
  } catch (error) {
    throw new Stop(`The database ${path} cannot be opened: ${messageOf(error)}`)
  }
}

async function openPostgres(
  { url, redisUrl }: Extract<StoreConfig, { kind: 'postgres' }>,
  { logger }: StoreOptions,
): Promise<Store> {
  const { openPostgresDatabase, inspectPostgres } = await import('@holdfast/server/postgres')
  const found = await inspectPostgres(url).catch((error) => {
    throw cannotBeUsed(url, messageOf(error))
  })
  if (found.encoding !== 'UTF8') {
    throw cannotBeUsed(url, `the database is encoded in ${found.encoding}, and must be in UTF8`)
  }
  if (found.version < 140_000) {
    throw cannotBeUsed(url, `it is PostgreSQL ${found.versionName}, and must be 14 or newer`)
  }
  return { db: openPostgresDatabase({ connectionString: url }), broker: (db) => openBroker(db, url, redisUrl, logger) }
}

async function openBroker(db: Database, url: string, redisUrl: string | null, logger: Logger): Promise<Broker> {
  const nodeId = randomUUID()
  const complainOf = (by: string) => (err: Error) =>
    logger.warn({ err }, `the line to the other nodes by ${by} met an error`)
  const { openPostgresBroker } = await import('@holdfast/server/postgres-broker')
  const byDatabase = openPostgresBroker({ connectionString: url, nodeId, onError: complainOf('PostgreSQL') })
  if (redisUrl === null) return byDatabase
  const { joinBrokers } = await import('@holdfast/server/joined-broker')
  const { openRedisBroker } = await import('@holdfast/server/redis-broker')
  // Events travel over it: nodes of another store on the same Redis must never hear them.
  const [store] = await db.read<{ id: string }>(statement('SELECT id FROM holdfast_store'))
  const byRedis = openRedisBroker({
    url: redisUrl,
    nodeId,
    prefix: `holdfast:${store?.id}:`,
    onError: complainOf('Redis'),
  })
  return joinBrokers(byRedis, byDatabase)
}

/** The one line a start ends with that cannot have its PostgreSQL. */
export function cannotBeUsed(url: string, why: string): Stop {
  return new Stop(`DATABASE_URL ${withoutPassword(url)} cannot be used: ${why}`)
}

/** A database's address for people to read. */
export function withoutPassword(url: string): string {
  const { protocol, username, host, pathname } = new URL(url)
  return `${protocol}//${username ? `${username}@` : ''}${host}${pathname}`
}

function messageOf(error: unknown): string {
  // Several addresses of one name were tried: Node gathers what each of them said.
  const said = error instanceof AggregateError ? error.errors[0] : error
  return said instanceof Error ? said.message : String(said)
}

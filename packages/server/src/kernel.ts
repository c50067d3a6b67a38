import { type Clock, systemClock } from '@holdfast/protocol'
import { runStream, workStream } from '@holdfast/protocol/runs'
import type { Logger } from 'pino'
import type { Database } from './db/database.ts'
import { type Migration, migrateUp, migrationStatus } from './db/migrations.ts'
import type { App, Services } from './define-app.ts'
import type { Broker, Command } from './hub/broker/broker.ts'
import type { OnFault } from './hub/faults.ts'
import { Hub } from './hub/hub.ts'
import { Relay } from './hub/relay.ts'
import { logMigrations } from './log/log-migrations.ts'
import { SqlStreamLog } from './log/sql-stream-log.ts'
import { StreamRegistry } from './log/stream-registry.ts'
import { authMigrations } from './plugins/auth/auth-migrations.ts'
import { holderOf, Identities } from './plugins/auth/identities.ts'
import { Revocations } from './plugins/auth/revocations.ts'
import { Batches } from './runs/batches.ts'
import { RunEngine } from './runs/run-engine.ts'
import { runMigrations } from './runs/run-migrations.ts'
import { RunQueries } from './runs/run-queries.ts'
import { RunSchedules } from './runs/schedules.ts'
import type { Holder } from './transport/credential.ts'
import { DEFAULT_LIMITS, type Limits } from './transport/limits.ts'
import { Sessions } from './transport/sessions.ts'

export interface ServerOptions {
  /** Opened by the caller, closed with the server. */
  db: Database
  apps: readonly App[]
  /** At least 16 characters. */
  operatorToken: string
  /** Signs session cookies and tokens; at least 32 bytes. */
  sessionSecret: Buffer
  /** Secrets that were replaced: what they signed still counts. At least 32 bytes each. Default none. */
  previousSecrets?: readonly Buffer[]
  /** Origins besides the server's own whose pages may act with a cookie. Default none. */
  allowedOrigins?: readonly string[]
  logger: Logger
  clock?: Clock
  newId: () => string
  /** Evenly spread from 0 to below 1. Default `Math.random`; nothing secret is made of it. */
  random?: () => number
  /** What one request, connection or address may ask. Default `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>
  /** How long a long-poll waits for events, in milliseconds. Default 30,000. */
  longPollMs?: number
  /**
   * How long an HTTP connection may neither send nor take anything before it is cut off, in milliseconds; at least
   * twice as long as a long-poll waits. WebSockets have their pings instead. Default 120,000.
   */
  idleTimeoutMs?: number
  /** About how long one response of server-sent events lasts, in milliseconds, at least 1,000. Default 60,000. */
  sseRotationMs?: number
  /** This process alone uses the store. */
  exclusive: boolean
  /** How long a run may go without a sign of life before others may take it over, in milliseconds. Default 30,000. */
  leaseMs?: number
  /**
   * Carries word to and from the other nodes on the store; absent where there are none. Closed with the server. A
   * function is asked once the tables are there.
   */
  broker?: Broker | ((db: Database) => Promise<Broker>)
  /** The built page; absent serves none. */
  pageFolder?: string
}

/** The floors below the transports, on one store. */
export interface Kernel {
  db: Database
  log: SqlStreamLog
  hub: Hub
  /** To the other nodes; `null` where there are none. */
  relay: Relay | null
  runs: RunEngine
  /** How runs stand, as people ask for it. */
  queries: RunQueries
  batches: Batches
  schedules: RunSchedules
  sessions: Sessions
  revocations: Revocations
  identities: Identities
  /** Whose token that is; `null` for nobody's, which is logged. `address`: where it came from. */
  identify: (token: string, address: string) => Promise<Holder | null>
  /** Stands in the log, with its cause. */
  onFault: OnFault
  registry: StreamRegistry
  limits: Limits
  clock: Clock
  random: () => number
  /** What apps are given of it. */
  services: Services
}

/** All migrations of the kernel and the apps, in order. */
export function allMigrations(apps: readonly App[]): Migration[] {
  return [...logMigrations, ...runMigrations, ...authMigrations, ...apps.flatMap(({ migrations }) => migrations)]
}

/** Puts the floors on the store and brings its tables up to date. Throws CONFLICT for a database of a newer version. */
export async function createKernel(options: ServerOptions): Promise<Kernel> {
  const { db, apps, logger, newId, clock = systemClock, random = Math.random } = options
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits }
  const registry = new StreamRegistry([runStream, workStream, ...apps.flatMap(({ streams }) => [...streams])])
  const log = new SqlStreamLog(db, clock, {
    registry,
    hasReaders: (stream) => hub.hasReaders(stream),
    shared: !options.exclusive,
    onError: (err) => logger.error({ err }, 'the log met an error in the background'),
  })
  const hub = new Hub(log, { clock, random })
  // Nobody has anything to tell before the tables are there.
  let relay: Relay | null = null
  const tell = (command: Command) => relay?.send(command)
  const revocations = new Revocations({
    db,
    clock,
    tell,
    onRevoked: () => sessions.endVoid(),
    onError: (err) => logger.warn({ err }, 'who signed out everywhere could not be looked up'),
  })
  const identities = new Identities({
    operatorToken: options.operatorToken,
    secrets: [options.sessionSecret, ...(options.previousSecrets ?? [])],
    clock,
    revocations,
  })
  const identify = identifier(identities, logger)
  const onFault: OnFault = (err, stream) =>
    logger.error({ err, code: err.code, stream }, 'a connection met an error of ours')
  const sessions = new Sessions({
    hub,
    onFault,
    identify,
    clock,
    limits,
    isVoid: (credential) => revocations.isVoid(credential),
    tell,
  })
  const runs = new RunEngine({
    db,
    clock,
    newId,
    log,
    random,
    worker: newId(),
    exclusive: options.exclusive,
    tell,
    ...(options.leaseMs ? { leaseMs: options.leaseMs } : {}),
    onError: (err, run) => logger.error({ err, run: run?.id }, 'a run met an error'),
  })
  const queries = new RunQueries(db, log, clock)
  const batches = new Batches({ db, clock, runs, newId })
  runs.register(batches.definition)
  const schedules = new RunSchedules({
    db,
    clock,
    runs,
    newId,
    onChange: (id) => runs.feed.set('schedule', id),
    onError: (err) => logger.error({ err }, 'a schedule met an error'),
  })
  await migrate(options, clock)
  // Lists of runs read it before anything has changed.
  await db.commit([log.create(workStream.name({}))])
  const hear = (command: Command) => {
    if (command.type === 'runs_due' || command.type === 'run_told' || command.type === 'provider_freed') {
      return runs.hear(command)
    }
    sessions.hear(command)
    revocations.hear(command)
  }
  relay = await joinNodes(options, { hub, log, clock, random, logger, hear })
  listen(db, hub, relay, logger)
  const services: Services = { db, log, runs, sessions, clock, newId, logger }
  const auth = { revocations, identities, identify }
  const work = { runs, queries, batches, schedules }
  return { db, log, hub, relay, ...work, sessions, ...auth, onFault, registry, limits, clock, random, services }
}

/** For connections on which somebody signs in again. */
function identifier(identities: Identities, logger: Logger): Kernel['identify'] {
  return async (token, ip) => {
    try {
      const identity = await identities.byEither(token)
      if (typeof identity !== 'string') return holderOf(identity)
      logger.warn({ security: 'token_refused', reason: identity, ip }, 'a token was refused')
    } catch (err) {
      logger.error({ err }, 'a token could not be checked')
    }
    return null
  }
}

interface Joined {
  hub: Hub
  log: SqlStreamLog
  clock: Clock
  random: () => number
  logger: Logger
  hear: (command: Command) => void
}

async function joinNodes({ broker, db }: ServerOptions, joined: Joined): Promise<Relay | null> {
  if (!broker) return null
  const { hub, log, clock, random, logger, hear } = joined
  return new Relay({
    hub,
    broker: typeof broker === 'function' ? await broker(db) : broker,
    tails: (streams) => log.tails(streams),
    clock,
    random,
    onCommand: hear,
    onError: (err) => logger.warn({ err }, 'where the streams stand could not be looked up'),
  })
}

/** Word of every commit goes to the hub and to the other nodes, and at the level `debug` to the log. */
function listen(db: Database, hub: Hub, relay: Relay | null, logger: Logger): void {
  db.onCommitted((committed) => hub.broadcast(committed))
  if (relay) db.onCommitted((committed) => relay.publish(committed))
  if (!logger.isLevelEnabled('debug')) return
  db.onCommitted((committed) => {
    for (const { stream, tail, events } of committed) logger.debug({ stream, tail, events }, 'appended')
  })
}

async function migrate({ db, apps, logger }: ServerOptions, clock: Clock): Promise<void> {
  const migrations = allMigrations(apps)
  await migrationStatus(db, migrations)
  const applied = await migrateUp(db, migrations, clock.now())
  if (applied.length > 0) logger.info({ applied }, 'the database was migrated')
}

import websocket from '@fastify/websocket'
import { type Clock, systemClock } from '@holdfast/protocol'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { Database } from './db/database.ts'
import { type Migration, migrateUp, migrationStatus } from './db/migrations.ts'
import type { App, AppParts, Services } from './define-app.ts'
import { Hub } from './hub/hub.ts'
import { logMigrations } from './log/log-migrations.ts'
import { SqlStreamLog } from './log/sql-stream-log.ts'
import { StreamRegistry } from './log/stream-registry.ts'
import { asyncApi } from './plugins/asyncapi/asyncapi.ts'
import { auth } from './plugins/auth/auth.ts'
import { can, demand, type Principal } from './plugins/auth/principal.ts'
import { cors } from './plugins/cors.ts'
import { docs } from './plugins/docs.ts'
import { health } from './plugins/health.ts'
import { metrics } from './plugins/metrics.ts'
import { page } from './plugins/page.ts'
import { answerMalformed, answerUnroutable, problems } from './plugins/problems.ts'
import { requestLog } from './plugins/request-log.ts'
import { securityHeaders } from './plugins/security-headers.ts'
import { upgrades } from './plugins/upgrades.ts'
import { RunEngine } from './runs/run-engine.ts'
import { runMigrations } from './runs/run-migrations.ts'
import { SseEncoder } from './transport/http/sse-encoding.ts'
import { DEFAULT_LIMITS, type Limits } from './transport/limits.ts'
import { OutsideAppend } from './transport/outside-append.ts'
import { Sessions } from './transport/sessions.ts'
import { streamRoutes } from './transport/stream-routes.ts'
import type { Holder } from './transport/websocket/connection.ts'
import { wsRoutes } from './transport/websocket/ws-routes.ts'

// Well within the 5 seconds a Ctrl-C may take.
const PEER_PATIENCE_MS = 2_000

export interface ServerOptions {
  /** Opened by the caller, closed with the server. */
  db: Database
  apps: readonly App[]
  /** At least 16 characters. */
  operatorToken: string
  /** Signs session cookies; at least 32 bytes. */
  sessionSecret: Buffer
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
  /** About how long one response of server-sent events lasts, in milliseconds, at least 1,000. Default 60,000. */
  sseRotationMs?: number
  /** This process alone uses the store. */
  exclusive: boolean
  /** The built page; absent serves none. */
  pageFolder?: string
}

export interface HoldfastServer {
  readonly fastify: FastifyInstance
  readonly services: Services
  /** Migrates, starts the runs, listens. Answers the address. */
  listen(where: { host: string; port: number }): Promise<string>
  /** Drains: not ready, readers sent home, runs given back, everything on disk. May be called twice. */
  close(): Promise<void>
}

/** All migrations of the kernel and the apps, in order. */
export function allMigrations(apps: readonly App[]): Migration[] {
  return [...logMigrations, ...runMigrations, ...apps.flatMap(({ migrations }) => migrations)]
}

/**
 * Puts the house together, ground first: store, log, hub, runs, transports, plugins, apps. Throws RangeError where a
 * secret is too short to be one, CONFLICT for a database of a newer version, and what an app cannot be set up for.
 */
export async function createServer(options: ServerOptions): Promise<HoldfastServer> {
  const { db, apps, logger, newId, clock = systemClock, random = Math.random } = options
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits }
  checkSecrets(options)
  const startedAt = clock.now()
  const registry = new StreamRegistry(apps.flatMap(({ streams }) => [...streams]))
  const log = new SqlStreamLog(db, clock, {
    registry,
    hasReaders: (stream) => hub.hasReaders(stream),
    onError: (err) => logger.error({ err }, 'the log met an error in the background'),
  })
  const hub = new Hub(log)
  const sessions = new Sessions({ hub, clock, limits })
  db.onCommitted((committed) => hub.broadcast(committed))
  if (logger.isLevelEnabled('debug')) {
    db.onCommitted((committed) => {
      for (const { stream, tail, events } of committed) logger.debug({ stream, tail, events }, 'appended')
    })
  }
  const runs = new RunEngine({
    db,
    clock,
    newId,
    createStream: (stream) => log.create(stream),
    worker: newId(),
    exclusive: options.exclusive,
    onError: (err, run) => logger.error({ err, run: run?.id }, 'a run met an error'),
  })
  const services: Services = { db, log, runs, sessions, clock, newId, logger }
  const migrations = allMigrations(apps)
  await migrationStatus(db, migrations)
  const applied = await migrateUp(db, migrations, clock.now())
  if (applied.length > 0) logger.info({ applied }, 'the database was migrated')

  let ready = false
  const fastify = Fastify({
    loggerInstance: logger,
    // Our own line per request: requestLog.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(),
    forceCloseConnections: true,
    bodyLimit: 1_048_576,
    requestTimeout: 0,
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerMalformed,
    routerOptions: { maxParamLength: 512 },
  }) as unknown as FastifyInstance
  fastify.setValidatorCompiler(validatorCompiler)
  fastify.setSerializerCompiler(serializerCompiler)
  await fastify.register(problems)
  await fastify.register(requestLog, { logger })
  await fastify.register(securityHeaders, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY },
  })
  // Before whatever may refuse: it lets go of the connection of a refused upgrade.
  await fastify.register(websocket, {
    options: { maxPayload: limits.requestBytes, perMessageDeflate: false },
    // Sent home by `sessions.drain` with a code of their own; whoever does not answer is cut off there.
    preClose: (done) => done(),
  })
  await fastify.register(upgrades)
  await fastify.register(cors, { prefix: '/v1/stream/', allowedOrigins: options.allowedOrigins ?? [] })
  await fastify.register(docs)
  await fastify.register(auth, { ...options, allowedOrigins: options.allowedOrigins ?? [], clock })
  await fastify.register(metrics, { db, hub, sessions })
  await fastify.register(health, { db, clock, startedAt, isReady: () => ready })
  await fastify.register(asyncApi, { definitions: apps.flatMap(({ streams }) => [...streams]) })
  // After signing in and before any upgrade, whatever the socket is for.
  fastify.addHook('onRequest', async (request, reply) => {
    if (request.ws) sessions.admit(request, reply)
  })
  const outside = new OutsideAppend({ log, registry, clock })
  await fastify.register(streamRoutes, {
    prefix: '/v1/stream',
    log,
    hub,
    registry,
    sessions,
    outside,
    encoder: new SseEncoder(clock),
    limits,
    clock,
    random,
    longPollMs: options.longPollMs ?? 30_000,
    sseRotationMs: options.sseRotationMs ?? 60_000,
    authorize: (request, action, stream) => demand(request.principal, action, stream),
  })
  await fastify.register(wsRoutes, {
    hub,
    log,
    registry,
    outside,
    limits,
    clock,
    random,
    sessions,
    holderOf: ({ principal }) => holderOf(principal),
    identify(token, address) {
      const principal = fastify.identify(token)
      if (principal) return holderOf(principal)
      logger.warn({ security: 'token_refused', ip: address }, 'a token was refused')
      return null
    },
  })
  if (options.pageFolder) await fastify.register(page, { folder: options.pageFolder })
  const parts: AppParts[] = []
  for (const app of apps) {
    const made = await app.setup(services)
    for (const definition of made.runs ?? []) runs.register(definition)
    if (made.routes) await fastify.register(made.routes)
    parts.push(made)
  }

  let closed: Promise<void> | null = null
  const close = async () => {
    ready = false
    sessions.drain()
    // What a peer does not answer is not worth the runs' time, nor that of whoever waits for the end.
    const cancel = clock.after(PEER_PATIENCE_MS, () => {
      for (const socket of fastify.websocketServer.clients) socket.terminate()
    })
    await Promise.all([fastify.close(), runs.close()]).finally(cancel)
    for (const { close } of parts) await close?.()
    await log.close()
    await db.close()
  }
  return {
    fastify,
    services,
    async listen(where) {
      await log.open()
      const address = await fastify.listen(where)
      await runs.open()
      ready = true
      for (const { started } of parts) await started?.()
      return address
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}

const holders = new WeakMap<Principal, Holder>()
const NOBODY: Holder = { can: () => false }

/** One for all connections of a principal. */
function holderOf(principal: Principal | null): Holder {
  if (!principal) return NOBODY
  const known = holders.get(principal)
  if (known) return known
  const holder: Holder = { can: (action, stream) => can(principal, action, stream) }
  holders.set(principal, holder)
  return holder
}

/** An empty secret would let everybody in. */
function checkSecrets({ operatorToken, sessionSecret }: ServerOptions): void {
  if (operatorToken.length < 16) throw new RangeError('operatorToken is shorter than 16 characters')
  if (sessionSecret.length < 32) throw new RangeError('sessionSecret is shorter than 32 bytes')
}

/** Everything the page needs comes from us; styles may be set from script, nothing else may be inline. */
const CONTENT_SECURITY = {
  defaultSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'", 'ws:', 'wss:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
  formAction: ["'self'"],
}

import type { IncomingMessage } from 'node:http'
import websocket from '@fastify/websocket'
import { runStream, workStream } from '@holdfast/protocol/runs'
import Fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Kernel, ServerOptions } from './kernel.ts'
import { asyncApi } from './plugins/asyncapi/asyncapi.ts'
import { auth } from './plugins/auth/auth.ts'
import { holderOf } from './plugins/auth/identities.ts'
import { demand } from './plugins/auth/principal.ts'
import { cors } from './plugins/cors.ts'
import { docs } from './plugins/docs.ts'
import { health } from './plugins/health.ts'
import { metrics } from './plugins/metrics.ts'
import { page } from './plugins/page.ts'
import { pipelining } from './plugins/pipelining.ts'
import { answerMalformed, answerUnroutable, problems } from './plugins/problems.ts'
import { requestLog } from './plugins/request-log.ts'
import { runRoutes } from './plugins/runs/run-routes.ts'
import { securityHeaders } from './plugins/security-headers.ts'
import { upgrades } from './plugins/upgrades.ts'
import type { AccessRefusal, Holder } from './transport/credential.ts'
import { SseEncoder } from './transport/http/sse-encoding.ts'
import { readRoutes } from './transport/multiplex/read-routes.ts'
import { OutsideAppend } from './transport/outside-append.ts'
import { streamRoutes } from './transport/stream-routes.ts'
import { wsRoutes } from './transport/websocket/ws-routes.ts'

/** The ways in and out over the kernel: plugins first, in the order they see a request, then the streams. */
export async function createHttpServer(
  kernel: Kernel,
  options: ServerOptions,
  isReady: () => boolean,
): Promise<FastifyInstance> {
  const fastify = bareServer(options)
  await addPlugins(fastify, kernel, options, isReady)
  await addStreams(fastify, kernel, options)
  await fastify.register(runRoutes, { ...kernel, newId: options.newId })
  if (options.pageFolder) await fastify.register(page, { folder: options.pageFolder })
  return fastify
}

const IDLE_TIMEOUT_MS = 120_000
const LONG_POLL_MS = 30_000

function idleTimeoutOf({ idleTimeoutMs = IDLE_TIMEOUT_MS, longPollMs = LONG_POLL_MS }: ServerOptions): number {
  // A long-poll is silent while it waits.
  return Math.max(idleTimeoutMs, 2 * longPollMs)
}

function bareServer(options: ServerOptions): FastifyInstance {
  const { logger, newId } = options
  const fastify = Fastify({
    loggerInstance: logger,
    // Our own line per request: requestLog.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(),
    forceCloseConnections: true,
    bodyLimit: 1_048_576,
    // An upload may take as long as it takes, while it goes on; a peer that neither sends nor takes anything may not.
    requestTimeout: 0,
    connectionTimeout: idleTimeoutOf(options),
    http: { shouldUpgradeCallback: asksForWebSocket },
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerMalformed,
    routerOptions: { maxParamLength: 512 },
  }) as unknown as FastifyInstance
  fastify.setValidatorCompiler(validatorCompiler)
  fastify.setSerializerCompiler(serializerCompiler)
  return fastify
}

/**
 * Whoever offers anything else (Java's client offers h2c with each of its requests) is answered as if they had not.
 * Source: RFC 9110, 7.8: a server may ignore Upgrade.
 */
function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket'
}

async function addPlugins(
  fastify: FastifyInstance,
  { db, hub, relay, sessions, revocations, identities, limits, clock }: Kernel,
  options: ServerOptions,
  isReady: () => boolean,
): Promise<void> {
  const { apps, logger, allowedOrigins = [] } = options
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
  await fastify.register(pipelining)
  await fastify.register(cors, { prefixes: ['/v1/stream/', '/v1/read'], allowedOrigins })
  await fastify.register(docs)
  const shared = options.broker !== undefined
  const { newId } = options
  await fastify.register(auth, { identities, allowedOrigins, clock, newId, revocations, sessions, shared })
  await fastify.register(metrics, { db, hub, sessions })
  await fastify.register(health, { db, clock, startedAt: clock.now(), nodes: relay, isReady })
  await fastify.register(asyncApi, {
    definitions: [runStream, workStream, ...apps.flatMap(({ streams }) => [...streams])],
  })
  // After signing in and before any upgrade, whatever the socket is for.
  fastify.addHook('onRequest', async (request, reply) => {
    if (request.ws) sessions.admit(request, reply)
  })
}

async function addStreams(fastify: FastifyInstance, kernel: Kernel, options: ServerOptions): Promise<void> {
  const { log, hub, onFault, registry, sessions, limits, clock, random } = kernel
  const outside = new OutsideAppend({ log, registry, clock })
  const shared = { log, hub, onFault, registry, sessions, outside, limits, clock, random }
  await fastify.register(streamRoutes, {
    ...shared,
    prefix: '/v1/stream',
    encoder: new SseEncoder(clock),
    longPollMs: options.longPollMs ?? LONG_POLL_MS,
    sseRotationMs: options.sseRotationMs ?? 60_000,
    authorize: (request, action, stream) => demand(request.principal, action, stream),
  })
  const access = {
    holderOf: ({ principal, credential }: FastifyRequest) =>
      principal && credential ? holderOf({ principal, credential }) : NOBODY,
    onRefused: (refusal: AccessRefusal) =>
      options.logger.warn({ security: 'access_refused', ...refusal }, 'an access was refused'),
  }
  await fastify.register(wsRoutes, { ...shared, ...access, identify: kernel.identify })
  await fastify.register(readRoutes, { ...shared, ...access })
}

const NOBODY: Holder = { credential: null, scope: [], can: () => false }

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

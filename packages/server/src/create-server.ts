import type { FastifyInstance } from 'fastify'
import type { AppParts, Services } from './define-app.ts'
import { createHttpServer } from './http-server.ts'
import { createKernel, type Kernel, type ServerOptions } from './kernel.ts'

// Well within the 5 seconds a Ctrl-C may take.
const PEER_PATIENCE_MS = 2_000

export interface HoldfastServer {
  readonly fastify: FastifyInstance
  readonly services: Services
  /** Migrates, starts the runs, listens. Answers the address. */
  listen(where: { host: string; port: number }): Promise<string>
  /** Drains: not ready, readers sent home, runs given back, everything on disk. May be called twice. */
  close(): Promise<void>
}

/**
 * Puts the house together, ground first: store, log, hub, runs, transports, plugins, apps. Throws RangeError where a
 * secret is too short to be one, CONFLICT for a database of a newer version, and what an app cannot be set up for.
 */
export async function createServer(options: ServerOptions): Promise<HoldfastServer> {
  checkSecrets(options)
  const kernel = await createKernel(options)
  const { log, runs, schedules, services } = kernel
  let ready = false
  const fastify = await createHttpServer(kernel, options, () => ready)
  const parts = await setUpApps(fastify, kernel, options)
  let closed: Promise<void> | null = null
  return {
    fastify,
    services,
    async listen(where) {
      await log.open()
      const address = await fastify.listen(where)
      await runs.open()
      schedules.open()
      ready = true
      for (const { started } of parts) await started?.()
      return address
    },
    close() {
      ready = false
      closed ??= closeAll(fastify, kernel, parts)
      return closed
    },
  }
}

async function setUpApps(fastify: FastifyInstance, { runs, services }: Kernel, { apps }: ServerOptions) {
  const parts: AppParts[] = []
  for (const app of apps) {
    const made = await app.setup(services)
    for (const definition of made.runs ?? []) runs.register(definition)
    if (made.routes) await fastify.register(made.routes)
    parts.push(made)
  }
  return parts
}

async function closeAll(
  fastify: FastifyInstance,
  { db, log, relay, runs, schedules, sessions, clock }: Kernel,
  parts: readonly AppParts[],
): Promise<void> {
  sessions.drain()
  // What a peer does not answer is not worth the runs' time, nor that of whoever waits for the end.
  const cancel = clock.after(PEER_PATIENCE_MS, () => {
    for (const socket of fastify.websocketServer.clients) socket.terminate()
  })
  await Promise.all([fastify.close(), runs.close(), schedules.close()]).finally(cancel)
  for (const { close } of parts) await close?.()
  await log.close()
  await relay?.close()
  await db.close()
}

/** An empty secret would let everybody in. */
function checkSecrets({ operatorToken, sessionSecret, previousSecrets = [] }: ServerOptions): void {
  if (operatorToken.length < 16) throw new RangeError('operatorToken is shorter than 16 characters')
  if (sessionSecret.length < 32) throw new RangeError('sessionSecret is shorter than 32 bytes')
  if (previousSecrets.some(({ length }) => length < 32)) {
    throw new RangeError('one of previousSecrets is shorter than 32 bytes')
  }
}

import { randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { isHoldfastError, systemClock } from '@holdfast/protocol'
import type { HoldfastServer } from '@holdfast/server'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { openDataDir } from './data-dir.ts'
import { cannotBeUsed, openStore } from './open-store.ts'
import { compareSecrets } from './same-secrets.ts'
import { Stop, systemCode } from './stop.ts'

export interface RunningServer {
  url: string
  token: string
  /** Signs a browser in. */
  operatorLink: string
  close(): Promise<void>
}

export interface StartOptions {
  logger: Logger
  /** Brings the page's folder, building it first where that is needed; `null` serves no page. */
  page: (() => Promise<string>) | null
  onFatal: (error: Error) => void
}

/** Takes the DATA_DIR, opens the store, and listens. Stops with one line where the machine does not allow it. */
export async function startServer(config: Config, options: StartOptions): Promise<RunningServer> {
  const { logger, onFatal } = options
  const dataDir = openDataDir(config.dataDir)
  try {
    const token = config.operatorToken ?? dataDir.secret('operator-token')
    const [secret = dataDir.secret('session-secret'), ...previous] = config.secrets
    const [store, pageFolder, { createServer, createIdGenerator }, { ingestApp }] = await prepare(config, options)
    const { db, broker } = store
    const server = await createServer({
      db,
      apps: [
        ingestApp({
          dataDir: config.dataDir,
          roots: config.ingestRoots,
          github: config.github,
          allowPrivateAddresses: config.ingestPrivateNetworks,
          ...(config.ingestProcesses ? { parserProcesses: config.ingestProcesses } : {}),
          onFatal,
        }),
      ],
      operatorToken: token,
      sessionSecret: Buffer.from(secret),
      previousSecrets: previous.map((text) => Buffer.from(text)),
      allowedOrigins: config.allowedOrigins,
      limits: { connectionsPerAddress: config.connectionsPerAddress },
      logger,
      newId: createIdGenerator({ now: () => systemClock.now(), random: randomBytes }),
      exclusive: config.store.kind === 'sqlite',
      ...(broker ? { broker } : {}),
      ...(pageFolder ? { pageFolder } : {}),
    }).catch(async (error) => {
      await db.close()
      throw error
    })
    if (config.store.kind === 'postgres') await compareSecrets(db, [token, secret], logger)
    const url = await listen(server, config)
    await publish(server, () => dataDir.publish({ pid: process.pid, url, token, startedAt: new Date().toISOString() }))
    return {
      url,
      token,
      operatorLink: `${url}/login?token=${encodeURIComponent(token)}`,
      async close() {
        await server.close()
        dataDir.release()
      },
    }
  } catch (error) {
    dataDir.release()
    throw plain(error, config)
  }
}

async function publish(server: HoldfastServer, record: () => void): Promise<void> {
  try {
    record()
  } catch (error) {
    await server.close()
    throw error
  }
}

/** What the machine or its files do not allow is told in a line; anything else is a fault of ours, with its stack. */
function plain(error: unknown, { store }: Config): unknown {
  if (error instanceof Stop || !(error instanceof Error)) return error
  if (isHoldfastError(error) && store.kind === 'postgres') return cannotBeUsed(store.url, error.message)
  const isOfFiles = 'syscall' in error && systemCode(error) !== ''
  return isHoldfastError(error) || isOfFiles ? new Stop(`it cannot start: ${error.message}`) : error
}

/** Opens the store, in its own thread, while this one reads the rest of the program and looks after the page. */
async function prepare(config: Config, { page, logger, onFatal }: StartOptions) {
  const opening = openStore(config.store, { logger, onFatal })
  try {
    return await Promise.all([opening, page?.(), import('@holdfast/server'), import('@holdfast/ingest')])
  } catch (error) {
    await opening.then(
      ({ db }) => db.close(),
      () => {},
    )
    throw error
  }
}

async function listen(server: HoldfastServer, { host, port }: Config): Promise<string> {
  try {
    const address = new URL(await server.listen({ host, port }))
    // Fastify names the first address it got; people are told the one they asked for.
    const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : isIPv6(host) ? `[${host}]` : host
    return `http://${shown}:${address.port}`
  } catch (error) {
    await server.close()
    switch (systemCode(error)) {
      case 'EADDRINUSE':
        throw new Stop(`PORT ${port} is taken on ${host}; stop what uses it, or set PORT to another`)
      case 'EACCES':
        throw new Stop(`PORT ${port} may not be used by this user; set PORT to one above 1023`)
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new Stop(`HOST ${host} is not an address of this machine`)
      default:
        throw error
    }
  }
}

import type { Config } from '../config.ts'
import { awaitServer, findServer, followRecord, type ServerAddress } from '../local-server.ts'
import { createLogger } from '../logger.ts'
import { DataDirTaken } from '../stop.ts'
import type { NamedSource } from './source.ts'

/** The server an ingestion is given to. */
export interface IngestServer {
  /** Where it is now. */
  address(): ServerAddress
  /** Runs in this process, for this command. */
  isOwn: boolean
  /** Ends it where it is our own: work in progress is given back, for the next start to go on with. */
  close(): Promise<void>
}

// A server that is starting may have its page to build first.
const STARTING_MS = 60_000

/** The server that runs on DATA_DIR, or else one in this process, which may read what is to be ingested. */
export async function openIngestServer(
  config: Config,
  source: NamedSource,
  signal: AbortSignal,
): Promise<IngestServer> {
  const running = await findServer(config.dataDir)
  if (running) return separate(config, running)
  try {
    return await own(config, source)
  } catch (error) {
    if (!(error instanceof DataDirTaken)) throw error
    process.stderr.write(`holdfast: a server is starting on DATA_DIR ${config.dataDir}; waiting for it\n`)
    const started = await awaitServer(config.dataDir, STARTING_MS, signal)
    if (started) return separate(config, started)
    throw error
  }
}

function separate(config: Config, running: ServerAddress): IngestServer {
  return { address: followRecord(config.dataDir, running), isOwn: false, close: async () => {} }
}

async function own(config: Config, { path }: NamedSource): Promise<IngestServer> {
  const { startServer } = await import('../start-server.ts')
  // Only who may write to DATA_DIR can start this, so what they name they may have read.
  const ingestRoots = path === null ? config.ingestRoots : [...config.ingestRoots, path]
  // On loopback and a free port, whatever the settings say: nobody else has business with it.
  const own = { ...config, host: '127.0.0.1', port: 0, ingestRoots }
  const server = await startServer(own, {
    logger: createLogger(config.logLevel ?? 'error'),
    page: null,
    onFatal: (error) => {
      process.stderr.write(`holdfast: the store failed: ${error.message}\n`)
      process.exit(1)
    },
  })
  return { address: () => server, isOwn: true, close: () => server.close() }
}

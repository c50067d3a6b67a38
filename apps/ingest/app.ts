import { mkdir } from 'node:fs/promises'
import { getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import { type App, defineApp, type Services } from '@holdfast/server'
import { createProcessParser } from './adapters/parser/process-parser.ts'
import { openSqliteSearchIndex } from './adapters/search/sqlite-search-index.ts'
import { createSources } from './adapters/sources/sources.ts'
import { FileStore } from './file-store.ts'
import { IngestionStore } from './ingestion-store.ts'
import type { Parser } from './ports.ts'
import { rebuildSearch, sweepUploads } from './recover.ts'
import { ingestRoutes } from './routes.ts'
import { ingestionRun } from './runs.ts'
import { IngestService } from './service.ts'
import { ingestionStream, projectStream, projectsStream } from './streams.ts'
import { ingestMigrations } from './tables.ts'

export interface IngestOptions {
  /** DATA_DIR, absolute: uploads, downloads, extracted texts and the search index stand below it. */
  dataDir: string
  /** INGEST_ROOTS, absolute. */
  roots: string[]
  github?: { baseUrl?: string; token?: string | undefined }
  /** Networks downloads may reach although they are not public, as CIDRs. */
  allowPrivateAddresses?: string[]
  /** Processes that read files at the same time; files behind a slow one get up to two more. Default 1. */
  parserProcesses?: number
  /** Reads the files, instead of processes of ours; closed with the server. */
  parser?: Parser
  /** The search index failed in a way it cannot go on from. */
  onFatal: (error: Error) => void
}

/** Folders, uploads, pages and repositories become passages that can be searched, live before everybody's eyes. */
export function ingestApp(options: IngestOptions): App {
  return defineApp({
    name: 'ingest',
    streams: [projectsStream, projectStream, ingestionStream],
    migrations: ingestMigrations,
    setup: (services) => setUp(options, services),
  })
}

async function setUp(options: IngestOptions, services: Services) {
  const { dataDir, roots, github, parserProcesses, allowPrivateAddresses, onFatal } = options
  const { db, clock, newId } = services
  await mkdir(dataDir, { recursive: true })
  const search = await openSqliteSearchIndex({ path: join(dataDir, 'search.db'), onFatal })
  const parser =
    options.parser ??
    createProcessParser({
      clock,
      newId,
      compileCache: compileCache(dataDir),
      ...(parserProcesses ? { warm: parserProcesses, concurrency: parserProcesses + 2 } : {}),
    })
  const sources = createSources({
    dataDir,
    roots,
    clock,
    ...(github ? { github } : {}),
    ...(allowPrivateAddresses ? { allowPrivateAddresses } : {}),
  })
  const files = new FileStore(db)
  const ingestions = new IngestionStore(db)
  await sweepUploads(dataDir, ingestions, sources, services.logger)
  const run = ingestionRun({ services, files, ingestions, parser, sources, search, dataDir })
  const service = new IngestService({ services, files, ingestions, sources, search, run })
  return {
    runs: [run],
    routes: ingestRoutes(service, services, roots),
    started: async () => {
      // There before its first event, so that whoever looks at an empty list sees it grow.
      await db.commit([services.log.create(projectsStream.name({}))])
      // Nobody waits for it: until it is done, searches find what is indexed so far.
      void rebuildSearch(files, search, services.logger)
    },
    close: async () => {
      await parser.close()
      await sources.close()
      await search.close()
    },
  }
}

/** The server's own, so that the processes of a new DATA_DIR start warm; one in DATA_DIR where it has none. */
function compileCache(dataDir: string): string {
  const folder = getCompileCacheDir()
  // It names the folder of this version of Node, which stands in the one that is asked for.
  return folder === undefined ? join(dataDir, 'compile-cache') : dirname(folder)
}

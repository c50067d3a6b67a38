import { mkdir } from 'node:fs/promises'
import { getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import { type App, defineApp, type Services } from '@holdfast/server'
import { createProcessParser } from './adapters/parser/process-parser.ts'
import { createPostgresSearchIndex } from './adapters/search/postgres-search-index.ts'
import { openSqliteSearchIndex } from './adapters/search/sqlite-search-index.ts'
import { createPostgresUploadArchive } from './adapters/sources/postgres-upload-archive.ts'
import { createSources } from './adapters/sources/sources.ts'
import type { UploadArchive } from './adapters/sources/upload-archive.ts'
import { FileList } from './file-list.ts'
import { FileStore } from './file-store.ts'
import { FilesService } from './files-service.ts'
import { IngestionStore } from './ingestion-store.ts'
import type { Parser, SearchIndex } from './ports.ts'
import { ProjectStore } from './project-store.ts'
import { rebuildSearch, type SweepDeps, sweepLeftovers, sweepUploads } from './recover.ts'
import { ingestRoutes } from './routes.ts'
import { ingestionRun } from './runs.ts'
import { IngestService } from './service.ts'
import { ingestionStream, projectStream, projectsStream } from './streams.ts'
import { ingestMigrations } from './tables.ts'

const SWEEP_EVERY_MS = 60 * 60_000

export interface IngestOptions {
  /**
   * DATA_DIR, absolute, of this node alone: uploads, downloads, extracted texts and, on SQLite, the search index stand
   * below it. On PostgreSQL whatever stands there can be lost or be on another node.
   */
  dataDir: string
  /** INGEST_ROOTS, absolute; where there are several nodes, the same folders on all of them. */
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
  const { dataDir, roots, github, parserProcesses, allowPrivateAddresses } = options
  const { db, clock, newId, logger } = services
  await mkdir(dataDir, { recursive: true })
  const search = await openSearch(options, services)
  const parser =
    options.parser ??
    createProcessParser({
      clock,
      newId,
      compileCache: compileCache(dataDir),
      ...(parserProcesses ? { warm: parserProcesses, concurrency: parserProcesses + 2 } : {}),
    })
  // SQLite has one node, whose DATA_DIR holds the store as well.
  const archive = db.dialect === 'postgres' ? createPostgresUploadArchive(db) : null
  const sources = createSources({
    dataDir,
    roots,
    clock,
    ...(archive ? { archive } : {}),
    ...(github ? { github } : {}),
    ...(allowPrivateAddresses ? { allowPrivateAddresses } : {}),
  })
  const files = new FileStore(db)
  const projects = new ProjectStore(db)
  const ingestions = new IngestionStore(db)
  const sweepDeps = { dataDir, ingestions, sources, logger }
  await sweepUploads(sweepDeps)
  const atWork = new Set<string>()
  const run = ingestionRun({ services, files, ingestions, parser, sources, search, dataDir, atWork })
  const service = new IngestService({ services, files, projects, ingestions, sources, search, run })
  const list = new FileList(db)
  const filesService = new FilesService({ projects, ingestions, files, list, ingest: service })
  const sweeping = archive ? sweepHourly(services, archive, sweepDeps, (rootId) => atWork.has(rootId)) : null
  return {
    runs: [run],
    routes: ingestRoutes(service, filesService, services, roots),
    started: async () => {
      // There before its first event, so that whoever looks at an empty list sees it grow.
      await db.commit([services.log.create(projectsStream.name({}))])
      // Nobody waits for it: until it is done, searches find what is indexed so far.
      void rebuildSearch(files, search, logger)
    },
    close: async () => {
      sweeping?.stop()
      await parser.close()
      await sources.close()
      await search.close()
    },
  }
}

/** On PostgreSQL beside the passages, for all nodes; on SQLite in a file of its own. */
async function openSearch({ dataDir, onFatal }: IngestOptions, { db }: Services): Promise<SearchIndex> {
  if (db.dialect === 'postgres') return createPostgresSearchIndex(db)
  return openSqliteSearchIndex({ path: join(dataDir, 'search.db'), onFatal })
}

/** Frees what runs that went on elsewhere left behind: at the start, then every hour. */
function sweepHourly(
  { clock, logger }: Services,
  archive: UploadArchive,
  deps: SweepDeps,
  isAtWork: (rootId: string) => boolean,
): { stop: () => void } {
  let cancel = () => {}
  let stopped = false
  const sweep = async () => {
    await archive.sweep().catch((err: unknown) => logger.warn({ err }, 'uploads cut off could not be removed'))
    await sweepLeftovers(deps, isAtWork)
    if (!stopped) cancel = clock.after(SWEEP_EVERY_MS, () => void sweep())
  }
  void sweep()
  return {
    stop() {
      stopped = true
      cancel()
    },
  }
}

/** The server's own, so that the processes of a new DATA_DIR start warm; one in DATA_DIR where it has none. */
function compileCache(dataDir: string): string {
  const folder = getCompileCacheDir()
  // It names the folder of this version of Node, which stands in the one that is asked for.
  return folder === undefined ? join(dataDir, 'compile-cache') : dirname(folder)
}

import type { Migration } from '@holdfast/server'

/** Times are Unix milliseconds. JSON stands in TEXT columns and is read whole. */
export interface ProjectsTable {
  id: string
  name: string
  created_at: number
}

/** One row per ingestion: what is known of it without reading its stream. */
export interface IngestionProgressTable {
  ingestion_id: string
  project_id: string
  source: string
  source_key: string
  scope: string
  retry_of: string | null
  root_id: string
  status: string
  current_phase: number
  progress_percent: number
  metrics: string | null
  result: string | null
  error: string | null
  created_at: number
  started_at: number | null
  updated_at: number
  completed_at: number | null
}

/** One row per file of a project, as the last ingestion that met it left it. */
export interface FilesTable {
  id: string
  project_id: string
  /** Which source it came from: files of one source replace each other by path, and vanish together with it. */
  source_key: string
  path: string
  absolute_path: string
  type: string | null
  size: number
  sha256: string | null
  /** Content and parser version its stored passages are of; `null` while there are none, or not all of them. */
  passages_of: string | null
  status: string
  /** 1 to 4: the phase the status is of. */
  phase: number
  code: string | null
  detail: string | null
  pages: number | null
  title: string | null
  /** Passages stored of it: rows of `chunks`, at any moment. */
  chunks: number
  ingestion_id: string
  root_id: string
  updated_at: number
}

/** A passage with its place in its file. `id` is also its row in the search index. */
export interface ChunksTable {
  id: number
  project_id: string
  file_id: string
  ordinal: number
  text: string
  start_at: number
  end_at: number
  page: number | null
  line_start: number
  line_end: number
  path: string
}

export interface IngestTables {
  projects: ProjectsTable
  ingestion_progress: IngestionProgressTable
  files: FilesTable
  chunks: ChunksTable
}

export const ingestMigrations: Migration[] = [
  {
    id: 'ingest/0001_projects',
    up: (dialect) => [
      'CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at BIGINT NOT NULL)',
      `CREATE TABLE ingestion_progress (
         ingestion_id TEXT PRIMARY KEY,
         project_id TEXT NOT NULL REFERENCES projects (id),
         source TEXT NOT NULL,
         source_key TEXT NOT NULL,
         scope TEXT NOT NULL,
         retry_of TEXT,
         root_id TEXT NOT NULL,
         status TEXT NOT NULL,
         current_phase BIGINT NOT NULL,
         progress_percent DOUBLE PRECISION NOT NULL,
         metrics TEXT,
         result TEXT,
         error TEXT,
         created_at BIGINT NOT NULL,
         started_at BIGINT,
         updated_at BIGINT NOT NULL,
         completed_at BIGINT
       )`,
      'CREATE INDEX ingestion_progress_newest ON ingestion_progress (project_id, ingestion_id)',
      `CREATE TABLE files (
         id TEXT PRIMARY KEY,
         project_id TEXT NOT NULL REFERENCES projects (id),
         source_key TEXT NOT NULL,
         path TEXT NOT NULL,
         absolute_path TEXT NOT NULL,
         type TEXT,
         size BIGINT NOT NULL,
         sha256 TEXT,
         passages_of TEXT,
         status TEXT NOT NULL,
         phase BIGINT NOT NULL,
         code TEXT,
         detail TEXT,
         pages BIGINT,
         title TEXT,
         chunks BIGINT NOT NULL,
         ingestion_id TEXT NOT NULL,
         root_id TEXT NOT NULL,
         updated_at BIGINT NOT NULL,
         UNIQUE (project_id, source_key, path)
       )`,
      'CREATE INDEX files_of_ingestion ON files (ingestion_id, status, id)',
      'CREATE INDEX files_of_project ON files (project_id, path, id)',
      `CREATE TABLE chunks (
         id ${dialect === 'sqlite' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY'},
         project_id TEXT NOT NULL,
         file_id TEXT NOT NULL,
         ordinal BIGINT NOT NULL,
         text TEXT NOT NULL,
         start_at BIGINT NOT NULL,
         end_at BIGINT NOT NULL,
         page BIGINT,
         line_start BIGINT NOT NULL,
         line_end BIGINT NOT NULL,
         path TEXT NOT NULL,
         UNIQUE (file_id, ordinal)
       )`,
    ],
    down: () => ['DROP TABLE chunks', 'DROP TABLE files', 'DROP TABLE ingestion_progress', 'DROP TABLE projects'],
  },
]

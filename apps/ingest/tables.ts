import type { Dialect, Migration } from '@holdfast/server'

/** Times are Unix milliseconds. JSON stands in TEXT columns and is read whole. */
export interface ProjectsTable {
  id: string
  name: string
  created_at: number
  /** The name in lower case, which lists sort and search by. */
  name_key: string
  /** The ingestion in view: the one that works, else the newest; `null` while there is none. */
  ingestion_id: string | null
  /** That ingestion's status; `idle` while there is none. */
  status: string
  /** When an ingestion of it was last queued, begun or ended; when it was made, while there is none. */
  active_at: number
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
  /** Where it stands, as every node understands it (`Sources.placeOf`); empty where it was never there to be read. */
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
  /** The retry of a set of files that last asked for this one. */
  retry_id: string | null
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

/** Sorts and compares by its bytes on either store; what is asked for by range or page has this type. */
function textType(dialect: Dialect): string {
  return dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT'
}

export const ingestMigrations: Migration[] = [
  {
    id: 'ingest/0001_projects',
    up: (dialect) => {
      const text = textType(dialect)
      return [
        `CREATE TABLE projects (id ${text} PRIMARY KEY, name TEXT NOT NULL, created_at BIGINT NOT NULL)`,
        ...ingestionProgress(text),
        ...(dialect === 'postgres' ? [INGESTIONS_OF_LINE] : []),
        ...(dialect === 'postgres' ? filesOnPostgres(text) : filesOnSqlite()),
        chunks(dialect, text),
      ]
    },
    down: () => ['DROP TABLE chunks', 'DROP TABLE files', 'DROP TABLE ingestion_progress', 'DROP TABLE projects'],
  },
  {
    id: 'ingest/0002_nodes',
    up: (dialect) => (dialect === 'postgres' ? [...SEARCH_ON_POSTGRES, ...UPLOADS_ON_POSTGRES] : []),
    down: (dialect) =>
      dialect === 'postgres' ? ['DROP TABLE upload_parts', 'DROP TABLE uploads', 'DROP TABLE passages'] : [],
  },
  {
    id: 'ingest/0003_lists',
    up: (dialect) => listsUp(textType(dialect)),
    down: () => listsDown(),
  },
  {
    id: 'ingest/0004_counts',
    // A page of projects counts the files and passages of each: by an index alone, not by reading every file.
    up: () => ['CREATE INDEX files_counted ON files (project_id, chunks)'],
    down: () => ['DROP INDEX files_counted'],
  },
  {
    id: 'ingest/0005_lines',
    // PostgreSQL has it from the beginning.
    up: (dialect) => (dialect === 'sqlite' ? [INGESTIONS_OF_LINE] : []),
    down: (dialect) => (dialect === 'sqlite' ? ['DROP INDEX ingestion_progress_of_line'] : []),
  },
]

/** What lists of projects filter and sort by stands with each project; a set of files to be tried again with its files. */
function listsUp(text: string): string[] {
  return [
    `ALTER TABLE projects ADD COLUMN name_key ${text} NOT NULL DEFAULT ''`,
    `ALTER TABLE projects ADD COLUMN ingestion_id ${text}`,
    `ALTER TABLE projects ADD COLUMN status ${text} NOT NULL DEFAULT 'idle'`,
    'ALTER TABLE projects ADD COLUMN active_at BIGINT NOT NULL DEFAULT 0',
    'CREATE INDEX ingestion_progress_open ON ingestion_progress (project_id, ingestion_id) WHERE completed_at IS NULL',
    `UPDATE projects SET name_key = lower(name), ingestion_id = ${IN_VIEW}, active_at = COALESCE(
       (SELECT MAX(i.updated_at) FROM ingestion_progress i WHERE i.project_id = projects.id), created_at)`,
    `UPDATE projects SET status = ${STATUS_IN_VIEW}`,
    ...Object.entries(PROJECT_INDEXES).map(([name, columns]) => `CREATE INDEX ${name} ON projects (${columns})`),
    `ALTER TABLE files ADD COLUMN retry_id ${text}`,
    'CREATE INDEX files_of_retry ON files (retry_id, id) WHERE retry_id IS NOT NULL',
  ]
}

function listsDown(): string[] {
  const columns = ['name_key', 'ingestion_id', 'status', 'active_at']
  return [
    'DROP INDEX files_of_retry',
    'ALTER TABLE files DROP COLUMN retry_id',
    ...Object.keys(PROJECT_INDEXES).map((name) => `DROP INDEX ${name}`),
    'DROP INDEX ingestion_progress_open',
    ...columns.map((column) => `ALTER TABLE projects DROP COLUMN ${column}`),
  ]
}

/** Every order of the list, over all projects and within one status. */
const PROJECT_INDEXES = {
  projects_by_name: 'name_key, id',
  projects_by_activity: 'active_at, id',
  projects_of_status: 'status, id',
  projects_of_status_by_name: 'status, name_key, id',
  projects_of_status_by_activity: 'status, active_at, id',
}

/** The ingestion of a row of `projects` that is in view: the one that works, else the newest. */
export const IN_VIEW = `COALESCE(
  (SELECT MIN(i.ingestion_id) FROM ingestion_progress i
   WHERE i.project_id = projects.id AND i.completed_at IS NULL AND i.status = 'working'),
  (SELECT MAX(i.ingestion_id) FROM ingestion_progress i WHERE i.project_id = projects.id))`

/** Its status. */
export const STATUS_IN_VIEW = `COALESCE(
  (SELECT i.status FROM ingestion_progress i WHERE i.ingestion_id = projects.ingestion_id), 'idle')`

const INGESTIONS_OF_LINE = 'CREATE INDEX ingestion_progress_of_line ON ingestion_progress (root_id)'

function ingestionProgress(text: string): string[] {
  return [
    `CREATE TABLE ingestion_progress (
       ingestion_id ${text} PRIMARY KEY,
       project_id ${text} NOT NULL REFERENCES projects (id),
       source TEXT NOT NULL,
       source_key ${text} NOT NULL,
       scope TEXT NOT NULL,
       retry_of ${text},
       root_id ${text} NOT NULL,
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
  ]
}

const FILE_COLUMNS = (text: string) => `
       id ${text} PRIMARY KEY,
       project_id ${text} NOT NULL REFERENCES projects (id),
       source_key ${text} NOT NULL,
       path ${text} NOT NULL,
       absolute_path TEXT NOT NULL,
       type TEXT,
       size BIGINT NOT NULL,
       sha256 TEXT,
       passages_of TEXT,
       status ${text} NOT NULL,
       phase BIGINT NOT NULL,
       code TEXT,
       detail TEXT,
       pages BIGINT,
       title TEXT,
       chunks BIGINT NOT NULL,
       ingestion_id ${text} NOT NULL,
       root_id ${text} NOT NULL,
       updated_at BIGINT NOT NULL`

function filesOnSqlite(): string[] {
  return [
    `CREATE TABLE files (${FILE_COLUMNS('TEXT')},
       UNIQUE (project_id, source_key, path)
     )`,
    'CREATE INDEX files_of_ingestion ON files (ingestion_id, status, id)',
    'CREATE INDEX files_of_project ON files (project_id, path, id)',
  ]
}

/**
 * An entry of an index has at most 2,704 bytes there, a path or an address may have more: a file is found by hashes
 * (SHA-256, hex) of its source key and path, and listed in the order of its path's beginning, then its path.
 */
function filesOnPostgres(text: string): string[] {
  return [
    `CREATE TABLE files (${FILE_COLUMNS(text)},
       source_hash ${text} NOT NULL,
       path_hash ${text} NOT NULL,
       UNIQUE (project_id, source_hash, path_hash)
     )`,
    'CREATE INDEX files_of_ingestion ON files (ingestion_id, status, id)',
    'CREATE INDEX files_of_project ON files (project_id, left(path, 200))',
  ]
}

function chunks(dialect: Dialect, text: string): string {
  const id =
    dialect === 'sqlite' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY'
  return `CREATE TABLE chunks (
       id ${id},
       project_id ${text} NOT NULL,
       file_id ${text} NOT NULL,
       ordinal BIGINT NOT NULL,
       text TEXT NOT NULL,
       start_at BIGINT NOT NULL,
       end_at BIGINT NOT NULL,
       page BIGINT,
       line_start BIGINT NOT NULL,
       line_end BIGINT NOT NULL,
       path TEXT NOT NULL,
       UNIQUE (file_id, ordinal)
     )`
}

/** The search index of all nodes. A passage that is removed is out of it in the same commit. */
const SEARCH_ON_POSTGRES = [
  `CREATE TABLE passages (
     id BIGINT PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
     file_id TEXT COLLATE "C" NOT NULL,
     words TSVECTOR NOT NULL
   )`,
  'CREATE INDEX passages_words ON passages USING gin (words)',
  'CREATE INDEX passages_of_file ON passages (file_id, id)',
]

/** Uploads where every node can have them: whole from `completed_at` on, an ingestion's from `claimed_at` on. */
const UPLOADS_ON_POSTGRES = [
  `CREATE TABLE uploads (
     id TEXT COLLATE "C" PRIMARY KEY,
     files BIGINT NOT NULL,
     bytes BIGINT NOT NULL,
     touched_at BIGINT NOT NULL,
     completed_at BIGINT,
     claimed_at BIGINT
   )`,
  'CREATE INDEX uploads_unclaimed ON uploads (touched_at) WHERE claimed_at IS NULL',
  `CREATE TABLE upload_parts (
     upload_id TEXT COLLATE "C" NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
     number BIGINT NOT NULL,
     path TEXT NOT NULL,
     content BYTEA NOT NULL,
     PRIMARY KEY (upload_id, number)
   )`,
]

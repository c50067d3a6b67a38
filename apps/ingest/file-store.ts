import { createHash } from 'node:crypto'
import { type Database, type Dialect, type Row, statement, type Write, write } from '@holdfast/server'
import type { Chunk, Extent, FileType, IndexedChunk, Rejection } from './ports.ts'
import { FILE_CODES } from './ports.ts'
import { storedText } from './stored-text.ts'
import type { FilesTable } from './tables.ts'
import type { FileStatus } from './view.ts'

export type FileRow = FilesTable

/** What an ingestion has to do with its files, counted. */
export interface FileCounts {
  total: number
  bytes: number
  chunks: number
  byStatus: Record<FileStatus, { files: number; bytes: number }>
}

export interface FileIdentity {
  projectId: string
  sourceKey: string
  ingestionId: string
  rootId: string
}

const PAGE = 200

/** Files and passages of the ingest app, in SQL. Writers give writes, to be committed under a run's fence. */
export class FileStore {
  readonly #db: Database
  readonly #sql: (typeof SQL)[Dialect]
  readonly #text: (text: string) => string

  constructor(db: Database) {
    this.#db = db
    this.#sql = SQL[db.dialect]
    this.#text = storedText(db.dialect)
  }

  async find(projectId: string, sourceKey: string, path: string): Promise<FileRow | null> {
    const { key, find } = this.#sql
    const [row] = await this.#db.read<FileRow>(statement(find, [projectId, key(sourceKey), key(this.#text(path))]))
    return row ?? null
  }

  async get(id: string): Promise<FileRow | null> {
    const [row] = await this.#db.read<FileRow>(statement('SELECT * FROM files WHERE id = ?', [id]))
    return row ?? null
  }

  /** Files of an ingestion in one status, in a stable order, a page at a time; rows that change status are not met again. */
  async *ofIngestion(ingestionId: string, status: FileStatus): AsyncGenerator<FileRow> {
    let after = ''
    for (;;) {
      const sql = 'SELECT * FROM files WHERE ingestion_id = ? AND status = ? AND id > ? ORDER BY id LIMIT ?'
      const rows = await this.#db.read<FileRow>(statement(sql, [ingestionId, status, after, PAGE]))
      yield* rows
      const last = rows.at(-1)
      if (!last) return
      after = last.id
    }
  }

  /** Files that a retry covers, in a stable order, a page at a time. */
  async *ofRetry(retryId: string): AsyncGenerator<FileRow> {
    let after = ''
    for (;;) {
      const sql = 'SELECT * FROM files WHERE retry_id = ? AND id > ? ORDER BY id LIMIT ?'
      const rows = await this.#db.read<FileRow>(statement(sql, [retryId, after, PAGE]))
      yield* rows
      const last = rows.at(-1)
      if (!last) return
      after = last.id
    }
  }

  /** Failed files an ingestion left behind, all or those of one phase. */
  async *failedOf(ingestionId: string, phase: number | null): AsyncGenerator<FileRow> {
    for await (const row of this.ofIngestion(ingestionId, 'failed')) {
      if (phase === null || row.phase === phase) yield row
    }
  }

  /** Files of a source that an ingestion of that source has not met: they are no longer there. */
  async unmet(identity: FileIdentity): Promise<FileRow[]> {
    const { key, unmet } = this.#sql
    const { projectId, sourceKey, ingestionId } = identity
    return this.#db.read<FileRow>(statement(unmet, [projectId, key(sourceKey), ingestionId, PAGE]))
  }

  /** Writes a file as just found: with its probe, or rejected. Keeps the row's id and passages where the path is known. */
  put(
    id: string,
    identity: FileIdentity,
    file: { path: string; place: string; size: number },
    found: { status: FileStatus; type: FileType | null; sha256: string | null; rejection: Rejection | null },
    now: number,
  ): Write {
    const { projectId, sourceKey, ingestionId, rootId } = identity
    const { status, type, sha256, rejection } = found
    const path = this.#text(file.path)
    return write(
      statement(this.#sql.put, [
        id,
        projectId,
        sourceKey,
        path,
        file.place,
        type,
        file.size,
        sha256,
        status,
        rejection?.rejected ?? null,
        this.#orNull(rejection?.detail),
        ingestionId,
        rootId,
        now,
        ...this.#sql.hashes(sourceKey, path),
      ]),
    )
  }

  /** Moves a file to a status. `changes` are columns beside it. */
  move(
    row: FileRow,
    phase: number,
    status: FileStatus,
    changes: Partial<Pick<FileRow, 'pages' | 'title' | 'passages_of'>>,
    now: number,
  ): Write {
    const sets = Object.keys(changes).map((column) => `, ${column} = ?`)
    const values = Object.values(changes).map((value) => (typeof value === 'string' ? this.#text(value) : value))
    return write(
      statement(
        `UPDATE files SET status = ?, phase = ?, code = NULL, detail = NULL, updated_at = ?${sets.join('')} WHERE id = ?`,
        [status, phase, now, ...values, row.id],
      ),
    )
  }

  /** Ends a file with a code: skipped or failed, as the code says. */
  reject(row: FileRow, phase: number, { rejected, detail }: Rejection, now: number): Write {
    const sql = 'UPDATE files SET status = ?, phase = ?, code = ?, detail = ?, updated_at = ? WHERE id = ?'
    const { status } = FILE_CODES[rejected]
    return write(statement(sql, [status, phase, rejected, this.#orNull(detail), now, row.id]))
  }

  removeFile(id: string): Write {
    return write(
      statement('DELETE FROM chunks WHERE file_id = ?', [id]),
      statement('DELETE FROM files WHERE id = ?', [id]),
    )
  }

  removeChunks(fileId: string): Write {
    return write(
      statement('DELETE FROM chunks WHERE file_id = ?', [fileId]),
      statement('UPDATE files SET chunks = 0, passages_of = NULL WHERE id = ?', [fileId]),
    )
  }

  /** Any number of passages as one parameter. */
  addChunks(row: FileRow, chunks: readonly Chunk[]): Write {
    // The path is JSON within the JSON: as it is stored.
    const rows = chunks.map(({ path, text, ...place }) => {
      return { ...place, text: this.#text(text), path: JSON.stringify(path) }
    })
    return write(
      statement(this.#sql.addChunks, [row.project_id, row.id, JSON.stringify(rows)]),
      statement('UPDATE files SET chunks = chunks + ? WHERE id = ?', [chunks.length, row.id]),
    )
  }

  /** A file's passages for the index, 50 at a time. */
  async *chunksOf(fileId: string): AsyncGenerator<IndexedChunk[]> {
    let after = -1
    for (;;) {
      const sql =
        'SELECT id, ordinal, text, path FROM chunks WHERE file_id = ? AND ordinal > ? ORDER BY ordinal LIMIT 50'
      const rows = await this.#db.read<Row & { id: number; ordinal: number; text: string; path: string }>(
        statement(sql, [fileId, after]),
      )
      const last = rows.at(-1)
      if (!last) return
      yield rows.map(({ id, text, path }) => ({ id, text, path: JSON.parse(path) }))
      after = last.ordinal
    }
  }

  /** Which passages every file has, a page of files at a time. */
  async *extents(): AsyncGenerator<(Extent & { projectId: string })[]> {
    let after = ''
    for (;;) {
      const sql = `SELECT file_id, MIN(project_id) AS project_id, COUNT(*) AS passages, MIN(id) AS first, MAX(id) AS last
        FROM chunks WHERE file_id > ? GROUP BY file_id ORDER BY file_id LIMIT ?`
      const rows = await this.#db.read<Extent & { file_id: string; project_id: string }>(statement(sql, [after, PAGE]))
      const end = rows.at(-1)
      if (!end) return
      yield rows.map(({ file_id, project_id, passages, first, last }) => {
        const numbers = { passages: Number(passages), first: Number(first), last: Number(last) }
        return { fileId: file_id, projectId: project_id, ...numbers }
      })
      after = end.file_id
    }
  }

  #orNull(text: string | undefined): string | null {
    return text === undefined ? null : this.#text(text)
  }

  async counts(ingestionId: string): Promise<FileCounts> {
    // What a file to be read anew still has from before does not count.
    const sql = `SELECT status, COUNT(*) AS files, COALESCE(SUM(size), 0) AS bytes,
        COALESCE(SUM(CASE WHEN status IN ('found', 'extracted') THEN 0 ELSE chunks END), 0) AS chunks
      FROM files WHERE ingestion_id = ? GROUP BY status`
    const rows = await this.#db.read<{ status: FileStatus; files: number; bytes: number; chunks: number }>(
      statement(sql, [ingestionId]),
    )
    const none = () => ({ files: 0, bytes: 0 })
    const counts: FileCounts = {
      total: 0,
      bytes: 0,
      chunks: 0,
      byStatus: { found: none(), extracted: none(), chunked: none(), done: none(), skipped: none(), failed: none() },
    }
    for (const { status, files, bytes, chunks } of rows) {
      counts.total += files
      counts.bytes += bytes
      counts.chunks += chunks
      counts.byStatus[status] = { files, bytes }
    }
    return counts
  }
}

const CHUNK_COLUMNS = '(project_id, file_id, ordinal, text, start_at, end_at, page, line_start, line_end, path)'

const SQL = {
  sqlite: {
    find: 'SELECT * FROM files WHERE project_id = ? AND source_key = ? AND path = ?',
    unmet: 'SELECT * FROM files WHERE project_id = ? AND source_key = ? AND ingestion_id <> ? LIMIT ?',
    put: putFile([], 'project_id, source_key, path'),
    addChunks: `INSERT INTO chunks ${CHUNK_COLUMNS}
      SELECT ?, ?, c.value ->> 'ordinal', c.value ->> 'text', c.value ->> 'start', c.value ->> 'end',
        c.value ->> 'page', c.value ->> 'lineStart', c.value ->> 'lineEnd', c.value ->> 'path'
      FROM json_each(?) c`,
    key: (text: string) => text,
    hashes: (_sourceKey: string, _path: string): string[] => [],
  },
  postgres: {
    find: 'SELECT * FROM files WHERE project_id = ? AND source_hash = ? AND path_hash = ?',
    unmet: 'SELECT * FROM files WHERE project_id = ? AND source_hash = ? AND ingestion_id <> ? LIMIT ?',
    put: putFile(['source_hash', 'path_hash'], 'project_id, source_hash, path_hash'),
    addChunks: `INSERT INTO chunks ${CHUNK_COLUMNS}
      SELECT CAST(? AS TEXT), CAST(? AS TEXT), c.ordinal, c.text, c.start, c."end", c.page, c."lineStart",
        c."lineEnd", c.path
      FROM json_to_recordset(CAST(? AS JSON)) AS c(ordinal BIGINT, text TEXT, start BIGINT, "end" BIGINT,
        page BIGINT, "lineStart" BIGINT, "lineEnd" BIGINT, path TEXT)`,
    key: sha256,
    hashes: (sourceKey: string, path: string) => [sha256(sourceKey), sha256(path)],
  },
}

function putFile(hashes: string[], unique: string): string {
  const columns = [
    ...['id', 'project_id', 'source_key', 'path', 'absolute_path', 'type', 'size', 'sha256', 'status', 'code'],
    ...['detail', 'ingestion_id', 'root_id', 'updated_at', ...hashes],
  ]
  return `INSERT INTO files (${columns.join(', ')}, phase, chunks)
    VALUES (${columns.map(() => '?').join(', ')}, 1, 0)
    ON CONFLICT (${unique}) DO UPDATE SET
      absolute_path = excluded.absolute_path, type = excluded.type, size = excluded.size, sha256 = excluded.sha256,
      status = excluded.status, code = excluded.code, detail = excluded.detail, ingestion_id = excluded.ingestion_id,
      root_id = excluded.root_id, updated_at = excluded.updated_at, phase = 1,
      pages = CASE WHEN excluded.sha256 = files.sha256 THEN files.pages END,
      title = CASE WHEN excluded.sha256 = files.sha256 THEN files.title END`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

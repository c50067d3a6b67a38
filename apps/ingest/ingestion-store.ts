import { type Database, queryBuilder, statement, toStatement, type Write, write } from '@holdfast/server'
import { type Compilable, type Kysely, sql } from 'kysely'
import type { Source } from './ports.ts'
import { storedText } from './stored-text.ts'
import type { IngestionResult, PhaseMetrics } from './streams.ts'
import type { IngestionProgressTable, IngestTables, ProjectsTable } from './tables.ts'

export type IngestionRow = IngestionProgressTable
export type ProjectRow = ProjectsTable & { files: number; chunks: number }

/** What a retry covers. */
export type Scope = { kind: 'all' } | { kind: 'phase'; phase: number } | { kind: 'file'; fileId: string }

export interface NewIngestion {
  ingestionId: string
  projectId: string
  source: Source
  sourceKey: string
  scope: Scope
  retryOf: string | null
  rootId: string
}

/** Projects and ingestions, in SQL. */
export class IngestionStore {
  readonly #db: Database
  readonly #queries: Kysely<IngestTables>
  readonly #text: (text: string) => string

  constructor(db: Database) {
    this.#db = db
    this.#text = storedText(db.dialect)
    this.#queries = queryBuilder<IngestTables>(db.dialect)
  }

  insertProject(project: ProjectsTable): Write {
    const { id, name, created_at } = project
    const text = 'INSERT INTO projects (id, name, created_at) VALUES (?, ?, ?)'
    return write(statement(text, [id, this.#text(name), created_at]))
  }

  async project(id: string): Promise<ProjectRow | null> {
    const [row] = await this.#run<ProjectRow>(this.#projects().where('projects.id', '=', id))
    return row ?? null
  }

  /** Newest first; ids sort by time. */
  async projects(limit: number, before: string | null): Promise<ProjectRow[]> {
    const query = this.#projects().orderBy('projects.id', 'desc').limit(limit)
    return this.#run(before === null ? query : query.where('projects.id', '<', before))
  }

  async countProjects(): Promise<number> {
    const [row] = await this.#db.read<{ n: number }>(statement('SELECT COUNT(*) AS n FROM projects'))
    return row?.n ?? 0
  }

  insertIngestion(made: NewIngestion, now: number): Write {
    const { ingestionId, projectId, source, sourceKey, scope, retryOf, rootId } = made
    return write(
      statement(
        `INSERT INTO ingestion_progress (ingestion_id, project_id, source, source_key, scope, retry_of, root_id, status,
           current_phase, progress_percent, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', 0, 0, ?, ?)`,
        [ingestionId, projectId, JSON.stringify(source), sourceKey, JSON.stringify(scope), retryOf, rootId, now, now],
      ),
    )
  }

  async ingestion(id: string): Promise<IngestionRow | null> {
    const [row] = await this.#db.read<IngestionRow>(
      statement('SELECT * FROM ingestion_progress WHERE ingestion_id = ?', [id]),
    )
    return row ?? null
  }

  async newest(projectId: string): Promise<IngestionRow | null> {
    return (await this.ingestions(projectId, 1, null))[0] ?? null
  }

  async ingestions(projectId: string, limit: number, before: string | null): Promise<IngestionRow[]> {
    const query = this.#queries
      .selectFrom('ingestion_progress')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('ingestion_id', 'desc')
      .limit(limit)
    return this.#run(before === null ? query : query.where('ingestion_id', '<', before))
  }

  async countIngestions(projectId: string): Promise<number> {
    const text = 'SELECT COUNT(*) AS n FROM ingestion_progress WHERE project_id = ?'
    const [row] = await this.#db.read<{ n: number }>(statement(text, [projectId]))
    return row?.n ?? 0
  }

  /** Lines of ended ingestions of the same source, other than this one. */
  async earlierRoots(projectId: string, sourceKey: string, rootId: string): Promise<string[]> {
    const text = `SELECT DISTINCT root_id FROM ingestion_progress
      WHERE project_id = ? AND source_key = ? AND root_id <> ? AND completed_at IS NOT NULL`
    const rows = await this.#db.read<{ root_id: string }>(statement(text, [projectId, sourceKey, rootId]))
    return rows.map((row) => row.root_id)
  }

  /** Uploads that an ingestion came of, and whether one of them is still to be worked on. */
  async uploads(): Promise<Map<string, { isWanted: boolean }>> {
    const rows = await this.#db.read<{ source: string; completed_at: number | null }>(
      statement("SELECT source, completed_at FROM ingestion_progress WHERE source_key = 'upload'"),
    )
    const uploads = new Map<string, { isWanted: boolean }>()
    for (const { source, completed_at } of rows) {
      const { uploadId } = JSON.parse(source)
      uploads.set(uploadId, { isWanted: completed_at === null || uploads.get(uploadId)?.isWanted === true })
    }
    return uploads
  }

  /**
   * What an ended line of retries still needs on disk: everything (it goes on, or may be tried again), its downloads
   * (it is done), or nothing (a later ingestion looked at its source anew; there is no such line).
   */
  async neededOf(rootId: string): Promise<'all' | 'downloads' | 'nothing'> {
    const text = `SELECT ingestion_id, project_id, source_key, status, completed_at FROM ingestion_progress
      WHERE root_id = ? ORDER BY ingestion_id DESC`
    const rows = await this.#db.read<IngestionRow>(statement(text, [rootId]))
    const [newest] = rows
    if (!newest) return 'nothing'
    if (rows.some((row) => row.completed_at === null)) return 'all'
    const later = `SELECT 1 AS n FROM ingestion_progress
      WHERE project_id = ? AND ingestion_id > ? AND source_key = ? AND root_id <> ? LIMIT 1`
    const { project_id, ingestion_id, source_key, status } = newest
    const isOld = await this.#db.read(statement(later, [project_id, ingestion_id, source_key, rootId]))
    if (isOld.length > 0) return 'nothing'
    return status === 'done' ? 'downloads' : 'all'
  }

  started(id: string, now: number): Write {
    return write(
      statement(
        `UPDATE ingestion_progress SET status = 'working', started_at = COALESCE(started_at, ?), updated_at = ?
         WHERE ingestion_id = ?`,
        [now, now, id],
      ),
    )
  }

  phaseStarted(id: string, phase: number, percent: number, now: number): Write {
    const text = `UPDATE ingestion_progress SET current_phase = ?, progress_percent = ?, updated_at = ?
      WHERE ingestion_id = ?`
    return write(statement(text, [phase, percent, now, id]))
  }

  snapshot(id: string, percent: number, metrics: PhaseMetrics, now: number): Write {
    const text =
      'UPDATE ingestion_progress SET progress_percent = ?, metrics = ?, updated_at = ? WHERE ingestion_id = ?'
    return write(statement(text, [percent, JSON.stringify(metrics), now, id]))
  }

  ended(
    id: string,
    end: {
      status: string
      percent: number
      result: IngestionResult | null
      error: unknown
      metrics: PhaseMetrics | null
    },
    now: number,
  ): Write {
    const json = (value: unknown) => (value === null ? null : JSON.stringify(value))
    return write(
      statement(
        `UPDATE ingestion_progress SET status = ?, result = ?, error = ?, metrics = COALESCE(?, metrics),
           progress_percent = ?, updated_at = ?, completed_at = ?
         WHERE ingestion_id = ?`,
        [end.status, json(end.result), json(end.error), json(end.metrics), end.percent, now, now, id],
      ),
    )
  }

  /** A page of a project's files, in byte order of their paths. */
  async files(projectId: string, filter: FileFilter, limit: number, after: { path: string; id: string } | null) {
    const query = this.#files(projectId, filter).selectAll().limit(limit)
    const path = this.#text(after?.path ?? '')
    const id = this.#text(after?.id ?? '')
    if (this.#db.dialect === 'postgres') {
      // The index there has the beginning of a path; within one beginning there are few.
      const ordered = query.orderBy(sql`left(path, 200)`).orderBy('path').orderBy('id')
      const behind = sql<boolean>`(left(path, 200), path, id) > (left(${path}, 200), ${path}, ${id})`
      return this.#run<IngestTables['files']>(after === null ? ordered : ordered.where(behind))
    }
    const ordered = query.orderBy('path').orderBy('id')
    if (after === null) return this.#run<IngestTables['files']>(ordered)
    return this.#run<IngestTables['files']>(
      ordered.where((where) =>
        where.or([where('path', '>', path), where.and([where('path', '=', path), where('id', '>', id)])]),
      ),
    )
  }

  async countFiles(projectId: string, filter: FileFilter): Promise<number> {
    const query = this.#files(projectId, filter).select(({ fn }) => fn.countAll<number>().as('n'))
    return (await this.#run<{ n: number }>(query))[0]?.n ?? 0
  }

  /** How many files stand in each status and code, for the filters of a list. */
  async groupFiles(projectId: string, filter: FileFilter) {
    const query = this.#files(projectId, filter)
      .select(({ fn }) => ['status', 'code', fn.countAll<number>().as('files')])
      .groupBy(['status', 'code'])
    return this.#run<{ status: string; code: string | null; files: number }>(query)
  }

  /** Passages with their files, for the hits of a search. */
  async passages(ids: readonly number[]) {
    if (ids.length === 0) return []
    const query = this.#queries
      .selectFrom('chunks')
      .innerJoin('files', 'files.id', 'chunks.file_id')
      .selectAll('chunks')
      .select(['files.path as file_path', 'files.type as file_type'])
      .where('chunks.id', 'in', [...ids])
    return this.#run<IngestTables['chunks'] & { file_path: string; file_type: string }>(query)
  }

  #projects() {
    return this.#queries
      .selectFrom('projects')
      .selectAll()
      .select((row) => [
        row
          .selectFrom('files')
          .select(({ fn }) => fn.countAll<number>().as('n'))
          .whereRef('files.project_id', '=', 'projects.id')
          .where('files.chunks', '>', 0)
          .as('files'),
        row
          .selectFrom('files')
          .select(({ fn }) => fn.coalesce(fn.sum<number>('files.chunks'), row.val(0)).as('n'))
          .whereRef('files.project_id', '=', 'projects.id')
          .as('chunks'),
      ])
  }

  #files(projectId: string, { status, code, q, ingestionId }: FileFilter) {
    let query = this.#queries.selectFrom('files').where('project_id', '=', projectId)
    if (status) query = query.where('status', '=', status)
    if (code) query = query.where('code', '=', this.#text(code))
    if (ingestionId) query = query.where('ingestion_id', '=', ingestionId)
    // LIKE's own signs in what was typed stand for themselves; lower() of both stores knows the letters of ASCII only.
    const typed = this.#text(q ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    const pattern = `%${typed.replace(/[\\%_]/g, '\\$&')}%`
    if (q) query = query.where(sql<boolean>`lower(path) like ${pattern} escape '\\'`)
    return query
  }

  #run<T>(query: Compilable): Promise<T[]> {
    return this.#db.read<T>(toStatement(query))
  }
}

export interface FileFilter {
  status?: string | undefined
  code?: string | undefined
  /** Part of the path, in any case. */
  q?: string | undefined
  ingestionId?: string | undefined
}

import { type Database, queryBuilder, statement, toStatement, type Write, write } from '@holdfast/server'
import type { Compilable, Kysely } from 'kysely'
import type { Source } from './ports.ts'
import type { IngestionResult, PhaseMetrics } from './streams.ts'
import { IN_VIEW, type IngestionProgressTable, type IngestTables, STATUS_IN_VIEW } from './tables.ts'

export type IngestionRow = IngestionProgressTable

/** What a retry covers. */
export type Scope =
  | { kind: 'all' }
  | { kind: 'phase'; phase: number }
  | { kind: 'file'; fileId: string }
  /** The files whose `retry_id` is this ingestion. */
  | { kind: 'files' }

export interface NewIngestion {
  ingestionId: string
  projectId: string
  source: Source
  sourceKey: string
  scope: Scope
  retryOf: string | null
  rootId: string
}

/** Ingestions, in SQL. What is written of one is told to its project's row as well, which lists are sorted by. */
export class IngestionStore {
  readonly #db: Database
  readonly #queries: Kysely<IngestTables>

  constructor(db: Database) {
    this.#db = db
    this.#queries = queryBuilder<IngestTables>(db.dialect)
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
      ...inView(ingestionId, now),
    )
  }

  /**
   * NOT_ENDED where another ingestion of the line goes on. Behind `insertIngestion` in its commit: that holds the
   * project's row, so of two at once the second looks when the first is there.
   */
  aloneInLine(ingestionId: string, rootId: string): Write {
    const text = `SELECT 1 AS one FROM ingestion_progress WHERE ingestion_id = ? AND NOT EXISTS (
      SELECT 1 FROM ingestion_progress o WHERE o.root_id = ? AND o.completed_at IS NULL AND o.ingestion_id <> ?)`
    const detail = 'It is being tried again already; cancel that first.'
    return write(statement(text, [ingestionId, rootId, ingestionId], { rows: 1, otherwise: 'NOT_ENDED', detail }))
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

  /** Those of the ids that there are, in no order. */
  async byIds(ids: readonly string[]): Promise<IngestionRow[]> {
    if (ids.length === 0) return []
    return this.#run(
      this.#queries
        .selectFrom('ingestion_progress')
        .selectAll()
        .where('ingestion_id', 'in', [...ids]),
    )
  }

  /** The newest ingestion of one source of a project. */
  async newestOfSource(projectId: string, sourceKey: string): Promise<IngestionRow | null> {
    const text = `SELECT * FROM ingestion_progress WHERE project_id = ? AND source_key = ?
      ORDER BY ingestion_id DESC LIMIT 1`
    const [row] = await this.#db.read<IngestionRow>(statement(text, [projectId, sourceKey]))
    return row ?? null
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
      ...inView(id, now),
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
      ...inView(id, now),
    )
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

  #run<T>(query: Compilable): Promise<T[]> {
    return this.#db.read<T>(toStatement(query))
  }
}

/** Tells the project of an ingestion which of its ingestions is in view now, and how that one is. */
function inView(ingestionId: string, now: number) {
  const project = '(SELECT project_id FROM ingestion_progress WHERE ingestion_id = ?)'
  return [
    statement(`UPDATE projects SET ingestion_id = ${IN_VIEW}, active_at = ? WHERE id = ${project}`, [now, ingestionId]),
    statement(`UPDATE projects SET status = ${STATUS_IN_VIEW} WHERE id = ${project}`, [ingestionId]),
  ]
}

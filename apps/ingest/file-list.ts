import { type Database, queryBuilder, toStatement, type Write, write } from '@holdfast/server'
import { type Compilable, type Kysely, sql } from 'kysely'
import type { FileRow } from './file-store.ts'
import { likePattern } from './like-pattern.ts'
import type { ListPosition } from './project-store.ts'
import { storedText } from './stored-text.ts'
import type { ChunksTable, IngestTables } from './tables.ts'
import type { FileSort } from './view.ts'

export interface FileFilter {
  status?: string | undefined
  code?: string | undefined
  /** Part of the path, in any case. */
  q?: string | undefined
  ingestionId?: string | undefined
  /** These only. */
  ids?: readonly string[] | undefined
  /** None of these. */
  exceptIds?: readonly string[] | undefined
}

/** Lists of a project's files, in SQL: filtered, sorted, counted, and as a set to be tried again. */
export class FileList {
  readonly #db: Database
  readonly #queries: Kysely<IngestTables>
  readonly #text: (text: string) => string

  constructor(db: Database) {
    this.#db = db
    this.#text = storedText(db.dialect)
    this.#queries = queryBuilder<IngestTables>(db.dialect)
  }

  /** A page, behind `after`. Paths sort by their bytes. */
  async page(
    projectId: string,
    filter: FileFilter,
    sort: FileSort,
    limit: number,
    after: ListPosition | null,
  ): Promise<FileRow[]> {
    const { keys, direction } = this.#order(sort)
    let query = this.#filtered(projectId, filter).selectAll().limit(limit)
    for (const key of keys) query = query.orderBy(key, direction)
    if (after !== null) {
      const value = typeof after.key === 'string' ? this.#text(after.key) : after.key
      // The index of PostgreSQL has the beginning of a path; within one beginning there are few.
      const values = keys.length === 3 ? [sql`left(${value}, 200)`, sql`${value}`] : [sql`${value}`]
      const isBehind = sql.raw(direction === 'asc' ? '>' : '<')
      const position = sql.join([...values, sql`${this.#text(after.id)}`])
      query = query.where(sql<boolean>`(${sql.join(keys)}) ${isBehind} (${position})`)
    }
    return this.#run<FileRow>(query)
  }

  async count(projectId: string, filter: FileFilter): Promise<number> {
    const query = this.#filtered(projectId, filter).select(({ fn }) => fn.countAll<number>().as('n'))
    return (await this.#run<{ n: number }>(query))[0]?.n ?? 0
  }

  /** How many files stand in each status and code, for the filters of a list. */
  async groups(projectId: string, filter: FileFilter) {
    const query = this.#filtered(projectId, filter)
      .select(({ fn }) => ['status', 'code', fn.countAll<number>().as('files')])
      .groupBy(['status', 'code'])
    return this.#run<{ status: string; code: string | null; files: number }>(query)
  }

  /** The sources that the failed files among those come from, and how many come from each. */
  async failedBySource(projectId: string, filter: FileFilter): Promise<{ source_key: string; files: number }[]> {
    const query = this.#filtered(projectId, { ...filter, status: 'failed' })
      .select(({ fn }) => ['source_key', fn.countAll<number>().as('files')])
      .groupBy('source_key')
      .orderBy('source_key')
    return this.#run<{ source_key: string; files: number }>(query)
  }

  /** Marks the failed files of one source among those as what a retry covers. */
  claimForRetry(projectId: string, sourceKey: string, filter: FileFilter, retryId: string): Write {
    const failed = this.#filtered(projectId, { ...filter, status: 'failed' })
      .select('id')
      .where('source_key', '=', this.#text(sourceKey))
      .orderBy('id')
    // Two sets that share files then never wait for each other in a circle.
    const claimed = this.#db.dialect === 'postgres' ? failed.forUpdate() : failed
    return write(toStatement(this.#queries.updateTable('files').set({ retry_id: retryId }).where('id', 'in', claimed)))
  }

  /** Passages of a file in their order, behind one of them. */
  async passages(fileId: string, limit: number, after: number): Promise<ChunksTable[]> {
    const query = this.#queries
      .selectFrom('chunks')
      .selectAll()
      .where('file_id', '=', fileId)
      .where('ordinal', '>', after)
      .orderBy('ordinal')
      .limit(limit)
    return this.#run<ChunksTable>(query)
  }

  #order(sort: FileSort) {
    const isDown = sort.startsWith('-')
    const column = COLUMNS[(isDown ? sort.slice(1) : sort) as keyof typeof COLUMNS]
    const head = column === 'path' && this.#db.dialect === 'postgres' ? [sql<string>`left(path, 200)`] : []
    return {
      keys: [...head, sql.ref<string>(column), sql.ref<string>('id')],
      direction: isDown ? ('desc' as const) : ('asc' as const),
    }
  }

  #filtered(projectId: string, { status, code, q, ingestionId, ids, exceptIds }: FileFilter) {
    let query = this.#queries.selectFrom('files').where('project_id', '=', projectId)
    if (status) query = query.where('status', '=', status)
    if (code) query = query.where('code', '=', this.#text(code))
    if (ingestionId) query = query.where('ingestion_id', '=', ingestionId)
    if (ids) query = query.where('id', 'in', [...ids])
    if (exceptIds && exceptIds.length > 0) query = query.where('id', 'not in', [...exceptIds])
    // lower() of both stores knows the letters of ASCII only.
    const typed = this.#text(q ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    if (q) query = query.where(sql<boolean>`lower(path) like ${likePattern(typed)} escape '\\'`)
    return query
  }

  #run<T>(query: Compilable): Promise<T[]> {
    return this.#db.read<T>(toStatement(query))
  }
}

const COLUMNS = { path: 'path', size: 'size', passages: 'chunks', updated: 'updated_at' } as const

/** What a file's place in a sorted list is. */
export function filePosition(row: FileRow, sort: FileSort): ListPosition {
  return { key: row[COLUMNS[sort.replace('-', '') as keyof typeof COLUMNS]], id: row.id }
}

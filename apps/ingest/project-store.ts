import { type Database, queryBuilder, statement, toStatement, type Write, write } from '@holdfast/server'
import { type Compilable, type Kysely, sql } from 'kysely'
import { likePattern } from './like-pattern.ts'
import { storedText } from './stored-text.ts'
import type { IngestTables, ProjectsTable } from './tables.ts'
import type { ProjectSort, ProjectStatus } from './view.ts'

export type ProjectRow = ProjectsTable & { files: number; chunks: number }

export interface ProjectFilter {
  /** Part of the name, in any case. */
  q?: string | undefined
  /** How the ingestion in view is. */
  status?: ProjectStatus | undefined
}

/** The place of a row in a sorted list: what it is sorted by, then its id. */
export interface ListPosition {
  key: string | number
  id: string
}

/** Projects, in SQL. */
export class ProjectStore {
  readonly #db: Database
  readonly #queries: Kysely<IngestTables>
  readonly #text: (text: string) => string

  constructor(db: Database) {
    this.#db = db
    this.#text = storedText(db.dialect)
    this.#queries = queryBuilder<IngestTables>(db.dialect)
  }

  insert({ id, name, created_at }: Pick<ProjectsTable, 'id' | 'name' | 'created_at'>): Write {
    const text = 'INSERT INTO projects (id, name, name_key, created_at, active_at) VALUES (?, ?, ?, ?, ?)'
    return write(statement(text, [id, this.#text(name), this.#text(nameKey(name)), created_at, created_at]))
  }

  async get(id: string): Promise<ProjectRow | null> {
    const [row] = await this.#run<ProjectRow>(this.#withCounts().where('projects.id', '=', id))
    return row ?? null
  }

  async names(ids: readonly string[]): Promise<Map<string, string>> {
    if (ids.length === 0) return new Map()
    const query = this.#queries
      .selectFrom('projects')
      .select(['id', 'name'])
      .where('id', 'in', [...ids])
    return new Map((await this.#run<{ id: string; name: string }>(query)).map(({ id, name }) => [id, name]))
  }

  /** A page of projects, behind `after`. Rows that do not change come once each, however many are added meanwhile. */
  async list(
    filter: ProjectFilter,
    sort: ProjectSort,
    limit: number,
    after: ListPosition | null,
  ): Promise<ProjectRow[]> {
    const { column, direction } = ORDERS[sort]
    let query = this.#filtered(this.#withCounts(), filter).orderBy(`projects.${column}`, direction).limit(limit)
    // Named twice it would be sorted by once more.
    if (column !== 'id') query = query.orderBy('projects.id', direction)
    if (after !== null) {
      const key = typeof after.key === 'string' ? this.#text(after.key) : after.key
      const isBehind = sql.raw(direction === 'asc' ? '>' : '<')
      const row = sql`(${sql.ref(`projects.${column}`)}, ${sql.ref('projects.id')})`
      query = query.where(sql<boolean>`${row} ${isBehind} (${key}, ${this.#text(after.id)})`)
    }
    return this.#run<ProjectRow>(query)
  }

  /** How many projects are like that, by status; the filter's own status left out. */
  async groups({ q }: ProjectFilter): Promise<{ status: ProjectStatus; projects: number }[]> {
    const query = this.#filtered(this.#queries.selectFrom('projects'), { q })
      .select(({ fn }) => ['status', fn.countAll<number>().as('projects')])
      .groupBy('status')
    return this.#run<{ status: ProjectStatus; projects: number }>(query)
  }

  #filtered<Query extends { where(expression: ReturnType<typeof sql<boolean>>): Query }>(
    query: Query,
    { q, status }: ProjectFilter,
  ): Query {
    let filtered = query
    if (status) filtered = filtered.where(sql<boolean>`projects.status = ${status}`)
    if (q) filtered = filtered.where(sql<boolean>`name_key like ${likePattern(this.#text(nameKey(q)))} escape '\\'`)
    return filtered
  }

  #withCounts() {
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

  #run<T>(query: Compilable): Promise<T[]> {
    return this.#db.read<T>(toStatement(query))
  }
}

/** What a project's place in a sorted list is. */
export function projectPosition(row: ProjectRow, sort: ProjectSort): ListPosition {
  return { key: row[ORDERS[sort].column], id: row.id }
}

const ORDERS = {
  // Ids sort by time.
  newest: { column: 'id', direction: 'desc' },
  name: { column: 'name_key', direction: 'asc' },
  active: { column: 'active_at', direction: 'desc' },
} as const satisfies Record<ProjectSort, { column: keyof ProjectsTable; direction: 'asc' | 'desc' }>

function nameKey(name: string): string {
  return name.toLowerCase()
}

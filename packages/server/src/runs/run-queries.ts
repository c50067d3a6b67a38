import type {
  FailureGroup,
  Paged,
  ProviderView,
  QueuesView,
  QueueView,
  RunDetails,
  RunSummary,
  StepView,
} from '@holdfast/protocol/runs'
import type { Database } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { failureGroups } from './queries/failures.ts'
import type { LogLine } from './queries/log-lines.ts'
import { entryIds, providerViews, queuesView, queueView } from './queries/queue-views.ts'
import { countRuns, type RunCount } from './queries/run-count.ts'
import { runDetails } from './queries/run-details.ts'
import type { RunFilter } from './queries/run-filter.ts'
import { kindsNamed, namesIn } from './queries/run-kinds.ts'
import { listIds } from './queries/run-list.ts'
import { type LogQuery, logOf } from './queries/run-log.ts'
import type { RunSort } from './queries/run-order.ts'
import { stepsOf } from './queries/run-steps.ts'
import { summaries } from './queries/summaries.ts'
import { sql } from './sql.ts'
import { storeTime } from './store-time.ts'

export interface Page {
  limit: number
  cursor: string | null
}

/**
 * How runs stand, as people ask for it. It only reads, page by page; what it costs grows with what it shows, and a
 * filter that an index holds never walks over all that ever ran.
 */
export class RunQueries {
  readonly #db: Database
  readonly #log: StreamLog
  readonly #now: ReturnType<typeof storeTime>

  constructor(db: Database, log: StreamLog, clock: { now(): number }) {
    this.#db = db
    this.#log = log
    this.#now = storeTime(db, clock)
  }

  /** Throws INVALID_INPUT for a cursor that is none of that order. */
  async list(filter: RunFilter, sort: RunSort, { limit, cursor }: Page): Promise<Paged<RunSummary>> {
    const named = await kindsNamed(this.#db, filter.search)
    const { ids, nextCursor } = await listIds(this.#db, filter, { sort, limit, cursor, named })
    return { items: await summaries(this.#db, this.#now, ids), nextCursor }
  }

  /** Exact up to 100,000 of each way to stand. */
  async count(filter: RunFilter): Promise<RunCount> {
    return countRuns(this.#db, filter, await kindsNamed(this.#db, filter.search))
  }

  async failures(filter: RunFilter): Promise<FailureGroup[]> {
    return failureGroups(this.#db, filter, await kindsNamed(this.#db, filter.search))
  }

  /** `null` where there is no such run; so is the next. */
  async summary(id: string): Promise<RunSummary | null> {
    return (await summaries(this.#db, this.#now, [id]))[0] ?? null
  }

  details(id: string): Promise<RunDetails | null> {
    return runDetails(this.#db, this.#now, id)
  }

  /** The stream that tells of a run to the people of its app. */
  async streamOf(id: string): Promise<string | null> {
    const [row] = await this.#db.read<{ stream: string }>(sql`SELECT stream FROM runs WHERE id = ${id}`)
    return row?.stream ?? null
  }

  /** Whether the run was given the command of that id. */
  async isGiven(id: string, commandId: string): Promise<boolean> {
    const rows = await this.#db.read(sql`SELECT 1 AS one FROM run_commands WHERE id = ${commandId} AND run_id = ${id}`)
    return rows.length > 0
  }

  steps(id: string, page: Page): Promise<Paged<StepView>> {
    return stepsOf(this.#db, id, page)
  }

  /** Throws INVALID_OFFSET and OFFSET_GONE as reading the run's stream does. */
  log(id: string, query: LogQuery): Promise<Paged<LogLine>> {
    return logOf(this.#log, id, query)
  }

  /** `known`: queues that are shown although nothing was ever in them. */
  async queues(known: readonly string[]): Promise<QueuesView> {
    const named = [...new Set([...known, ...(await namesIn(this.#db, 'queue'))])]
    return queuesView(this.#db, this.#now, named)
  }

  queue(name: string): Promise<QueueView> {
    return queueView(this.#db, name)
  }

  async provider(name: string): Promise<ProviderView> {
    const none = { name, paused: false, concurrency: null, working: 0, waiting: 0 }
    return (await providerViews(this.#db)).find((view) => view.name === name) ?? none
  }

  /** What workers outside that are there can carry out. */
  outsideKinds(): Promise<{ name: string; version: number }[]> {
    return this.#db.read(sql`
      SELECT DISTINCT k.name, k.version FROM run_worker_kinds k JOIN run_workers w ON w.id = k.worker
      WHERE w.outside = 1 AND w.seen_at + w.lease_ms > ${this.#now()} ORDER BY k.name, k.version LIMIT 1000`)
  }

  /** Who is queued there, in order. */
  async entries(queue: string, page: Page): Promise<Paged<RunSummary>> {
    const { ids, nextCursor } = await entryIds(this.#db, queue, page)
    return { items: await summaries(this.#db, this.#now, ids), nextCursor }
  }

  /** The kinds of runs there ever were. */
  names(): Promise<string[]> {
    return namesIn(this.#db, 'name')
  }
}

export type { RunCount } from './queries/run-count.ts'
export type { RunFilter } from './queries/run-filter.ts'
export { RUN_SORTS, type RunSort } from './queries/run-order.ts'

import { RUN_STATUSES, type RunStatus, type RunWait } from '@holdfast/protocol/runs'
import type { Dialect } from '../../db/database.ts'
import type { StoredStatus } from '../run.ts'
import { list, type Sql, sql, text } from '../sql.ts'

/** Which runs are meant; whatever is absent does not count. Times are Unix milliseconds. */
export interface RunFilter {
  ids?: readonly string[]
  /** None of these. */
  exceptIds?: readonly string[]
  statuses?: readonly RunStatus[]
  names?: readonly string[]
  queues?: readonly string[]
  /** Of failures of one cause. */
  cause?: string
  /** Begins their id, or stands in the name of their kind or in the error they failed with; letters of either case. */
  search?: string
  parentId?: string
  retryOf?: string
  scheduleId?: string
  /** Whether somebody has tried them again. */
  isRetried?: boolean
  /** `person`: for something that only a person can give. */
  waits?: readonly (RunWait['kind'] | 'person')[]
  /** Begun to be queued at this time or later. */
  from?: number
  /** Before this time. */
  to?: number
}

export const STORED_STATUSES: readonly StoredStatus[] = ['queued', 'working', 'waiting', 'done', 'failed', 'cancelled']
export const OPEN_STATUSES: readonly StoredStatus[] = ['queued', 'working', 'waiting']
export const ENDED_STATUSES: readonly StoredStatus[] = ['done', 'failed', 'cancelled']

/**
 * What of a run must be true, as a choice of conditions that exclude each other: an index serves each, and none is a
 * walk over all that ever ran. Without any no run is meant. `rest` is true of each besides.
 */
export interface Matching {
  branches: readonly Sql[]
  rest: Sql
  /** A run may be found by more than one of the branches. */
  overlaps: boolean
}

export interface MatchingOptions {
  dialect: Dialect
  /** The kinds whose name the searched text stands in. */
  named?: readonly string[]
  /** Only what stands so. Default: whatever. */
  stored?: readonly StoredStatus[]
  /** The order walks an index of its own: what is not found by a place of its own is told row by row. */
  walks?: boolean
}

/** The filter as conditions on `runs`. */
export function matching(filter: RunFilter, options: MatchingOptions): Matching {
  const { stored } = options
  const given = dimensions(filter, options)
  const statuses = byStatus(filter.statuses, stored ?? STORED_STATUSES)
  const isOpenOnly = statuses.every(({ stored }) => OPEN_STATUSES.includes(stored))
  const hasStatus = filter.statuses !== undefined || stored !== undefined
  if (hasStatus) given.push({ kind: 'status', conditions: statuses.map(({ condition }) => condition) })
  // What has not ended is little, whatever there is besides.
  const order = isOpenOnly ? ['place', 'status', 'name', 'queue'] : ['place', 'name', 'queue', 'status']
  const chosen = order.map((kind) => given.find((each) => each.kind === kind)).find((each) => each !== undefined)
  const by = options.walks && chosen?.kind !== 'place' ? undefined : chosen
  const rest = given.filter((each) => each !== by).map(({ conditions }) => anyOf(conditions))
  return {
    branches: given.some(({ conditions }) => conditions.length === 0) ? [] : (by?.conditions ?? [ALWAYS]),
    rest: rest.length > 0 ? allOf([...rest, ...during(filter)]) : allOf(during(filter)),
    overlaps: by?.overlaps ?? false,
  }
}

export const ALWAYS = text('1 = 1')

/** Alternatives of which one must be true; `place`: those that name few runs. */
interface Dimension {
  kind: 'place' | 'status' | 'name' | 'queue' | 'other'
  conditions: readonly Sql[]
  overlaps?: boolean
}

function dimensions(filter: RunFilter, options: MatchingOptions): Dimension[] {
  const { ids, exceptIds = [], cause, search, parentId, retryOf, scheduleId, isRetried, waits, names, queues } = filter
  const place = (...conditions: Sql[]): Dimension => ({ kind: 'place', conditions })
  const made: Dimension[] = []
  if (ids) made.push(place(...(ids.length > 0 ? [sql`id IN (${list(ids)})`] : [])))
  if (parentId !== undefined) made.push(place(sql`parent_id = ${parentId}`))
  if (retryOf !== undefined) {
    // Found by the line it is of: nothing is sought by `retry_of` alone.
    made.push(place(sql`root_id = (SELECT o.root_id FROM runs o WHERE o.id = ${retryOf}) AND retry_of = ${retryOf}`))
  }
  if (cause !== undefined) {
    const open = isRetried === false ? text(' AND retried_by IS NULL') : text('')
    made.push(place(sql`status = 'failed'${open} AND cause = ${cause}`))
  }
  if (scheduleId !== undefined) made.push(place(sql`schedule_id = ${scheduleId}`))
  if (search !== undefined) {
    made.push({ kind: 'place', conditions: searched(search, options), overlaps: true })
  }
  if (waits) {
    made.push(place(sql`status = 'waiting' AND id IN (SELECT w.run_id FROM run_waits w WHERE ${waited(waits)})`))
  }
  if (exceptIds.length > 0) made.push({ kind: 'other', conditions: [sql`id NOT IN (${list(exceptIds)})`] })
  if (isRetried !== undefined) {
    made.push({ kind: 'other', conditions: [text(isRetried ? 'retried_by IS NOT NULL' : 'retried_by IS NULL')] })
  }
  if (names) made.push({ kind: 'name', conditions: names.map((name) => sql`name = ${name}`) })
  if (queues) made.push({ kind: 'queue', conditions: queues.map((queue) => sql`queue = ${queue}`) })
  return made
}

// Questions stand in the wait as it is told; an approval is one with or without words.
const FOR_PEOPLE = text(`w.kind IN ('decision', 'parked', 'version')
  OR (w.kind = 'event' AND (w.name = 'approval' OR w.detail LIKE '%"question":%'))`)

function waited(waits: NonNullable<RunFilter['waits']>): Sql {
  const kinds = waits.filter((kind) => kind !== 'person')
  const conditions = kinds.length > 0 ? [sql`w.kind IN (${list(kinds)})`] : []
  return anyOf(kinds.length < waits.length ? [...conditions, FOR_PEOPLE] : conditions)
}

function during({ from, to }: RunFilter): Sql[] {
  return [
    ...(from === undefined ? [] : [sql`created_at >= ${from}`]),
    ...(to === undefined ? [] : [sql`created_at < ${to}`]),
  ]
}

/** By id (what it begins with), by kind, and by the error. */
function searched(search: string, { dialect, named = [] }: MatchingOptions): Sql[] {
  const end = `${search}\u{10ffff}`
  // Byte by byte, whatever the collation: those operators are what `runs_by_id_text` is for.
  const begins =
    dialect === 'postgres' ? sql`id ~>=~ ${search} AND id ~<~ ${end}` : sql`id >= ${search} AND id < ${end}`
  // As it stands in the stored JSON.
  const inError = likePattern(JSON.stringify(search.toLowerCase()).slice(1, -1))
  return [
    begins,
    ...named.map((name) => sql`name = ${name}`),
    sql`status = 'failed' AND LOWER(error) LIKE ${inError} ESCAPE '\\'`,
  ]
}

/** LIKE's own signs stand for themselves. */
function likePattern(part: string): string {
  return `%${part.replace(/[\\%_]/g, '\\$&')}%`
}

const SHOWN: Record<RunStatus, readonly { stored: StoredStatus; liveness?: string }[]> = {
  queued: [{ stored: 'queued', liveness: "liveness <> 'lost'" }],
  working: [{ stored: 'working', liveness: "liveness = 'working'" }],
  quiet: [{ stored: 'working', liveness: "liveness = 'quiet'" }],
  stalled: [{ stored: 'working', liveness: "liveness = 'stalled'" }],
  lost: [
    { stored: 'queued', liveness: "liveness = 'lost'" },
    { stored: 'working', liveness: "liveness = 'lost'" },
  ],
  waiting: [{ stored: 'waiting' }],
  done: [{ stored: 'done' }],
  failed: [{ stored: 'failed' }],
  cancelled: [{ stored: 'cancelled' }],
}

/** Conditions by how a run is stored: those that are shown otherwise are told apart within. */
function byStatus(statuses: readonly RunStatus[] | undefined, within: readonly StoredStatus[]) {
  const shown = statuses ?? RUN_STATUSES
  return within.flatMap((stored) => {
    const parts = shown.flatMap((status) => SHOWN[status].filter((part) => part.stored === stored))
    if (parts.length === 0) return []
    const all = RUN_STATUSES.flatMap((status) => SHOWN[status].filter((part) => part.stored === stored))
    const liveness = parts.length === all.length ? '' : ` AND (${parts.map(({ liveness }) => liveness).join(' OR ')})`
    // Written out, not a parameter: an index of some of the rows is chosen by the text.
    return [{ stored, condition: text(`status = '${stored}'${liveness}`) }]
  })
}

export function anyOf(conditions: readonly Sql[]): Sql {
  return sql`(${joined(conditions, ' OR ')})`
}

export function allOf(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? ALWAYS : joined(conditions, ' AND ')
}

export function joined(parts: readonly Sql[], separator: string): Sql {
  return { sql: parts.map(({ sql }) => sql).join(separator), params: parts.flatMap(({ params }) => params) }
}

import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, type Row, type Statement, write } from '../db/database.ts'
import { list, type Sql, sql, text } from './sql.ts'
import { storeTime } from './store-time.ts'

/** A schedule as stored. Times are Unix milliseconds, on the store's clock. */
export interface Schedule {
  id: string
  name: string
  /** As it was given: it is checked again each time a run begins. */
  input: unknown
  cron: string
  timezone: string
  paused: boolean
  /** `null` while it is paused, and where no time comes any more. */
  nextAt: number | null
  lastRunId: string | null
}

/** What may be set of one. */
export type ScheduleChange = Partial<Pick<Schedule, 'paused' | 'cron' | 'nextAt' | 'lastRunId'>>

const MOST = 1_000

const COLUMNS = text('id, name, input, cron, timezone, paused, next_at, last_run_id')

/** The statements of the schedules' table. */
export class ScheduleStore {
  readonly #db: Database
  readonly #now: () => Sql

  constructor(db: Database, clock: { now(): number }) {
    this.#db = db
    this.#now = storeTime(db, clock)
  }

  async time(): Promise<number> {
    const [row] = await this.#db.read<{ now: number }>(sql`SELECT ${this.#now()} AS now`)
    return Number(row?.now)
  }

  /** The oldest first. */
  async all(): Promise<Schedule[]> {
    const rows = await this.#db.read(sql`SELECT ${COLUMNS} FROM run_schedules ORDER BY created_at, id`)
    return rows.map(toSchedule)
  }

  /** NOT_FOUND. */
  async get(id: string): Promise<Schedule> {
    const [row] = await this.#db.read(sql`SELECT ${COLUMNS} FROM run_schedules WHERE id = ${id}`)
    if (!row) throw new HoldfastError('NOT_FOUND', noneOf(id))
    return toSchedule(row)
  }

  /** CONFLICT where there are 1,000 already. */
  async insert({ id, name, input, cron, timezone, paused, nextAt }: Schedule): Promise<void> {
    const values = list([id, name, JSON.stringify(input), cron, timezone, paused ? 1 : 0, nextAt])
    const insert: Statement = {
      ...sql`INSERT INTO run_schedules (id, name, input, cron, timezone, paused, next_at, created_at)
        SELECT ${values}, ${this.#now()} WHERE (SELECT COUNT(*) FROM run_schedules) < ${MOST}`,
      expect: { rows: 1, otherwise: 'CONFLICT', detail: `There are ${MOST} schedules already.` },
    }
    await this.#db.commit([write(insert)])
  }

  /** NOT_FOUND. */
  async remove(id: string): Promise<void> {
    const gone: Statement = {
      ...sql`DELETE FROM run_schedules WHERE id = ${id}`,
      expect: { rows: 1, otherwise: 'NOT_FOUND', detail: noneOf(id) },
    }
    await this.#db.commit([write(gone)])
  }

  /** Sets what is given, if the schedule still has the times it was seen with; CONFLICT where it has not. */
  change(seen: Schedule, change: ScheduleChange): Statement {
    const { id, paused, cron, nextAt } = seen
    const next = { ...seen, ...change }
    const isThen = nextAt === null ? text('next_at IS NULL') : sql`next_at = ${nextAt}`
    return {
      ...sql`UPDATE run_schedules SET paused = ${next.paused ? 1 : 0}, cron = ${next.cron}, next_at = ${next.nextAt},
          last_run_id = ${next.lastRunId}
        WHERE id = ${id} AND paused = ${paused ? 1 : 0} AND cron = ${cron} AND ${isThen}`,
      expect: { rows: 1, otherwise: 'CONFLICT', detail: `The schedule ${id} has changed.` },
    }
  }

  /** Makes that change alone; `false` where it has other times by now, or is gone. */
  async tryChange(seen: Schedule, change: ScheduleChange): Promise<boolean> {
    try {
      await this.#db.commit([write(this.change(seen, change))])
      return true
    } catch (error) {
      if (isHoldfastError(error, 'CONFLICT')) return false
      throw error
    }
  }

  /** Those of these kinds whose time has come, the longest due first. */
  async due(names: readonly string[], now: number, limit: number): Promise<Schedule[]> {
    const rows = await this.#db.read(sql`SELECT ${COLUMNS} FROM run_schedules
      WHERE paused = 0 AND next_at <= ${now} AND ${isOneOf(names)} ORDER BY next_at, id LIMIT ${limit}`)
    return rows.map(toSchedule)
  }

  /** Milliseconds until the next time of any of these kinds, below zero where it is over; `null` where none comes. */
  async untilNext(names: readonly string[]): Promise<number | null> {
    const [row] = await this.#db.read<{ wait: number | null }>(sql`
      SELECT MIN(next_at) - ${this.#now()} AS wait FROM run_schedules WHERE paused = 0 AND ${isOneOf(names)}`)
    return row?.wait ?? null
  }
}

function isOneOf(names: readonly string[]): Sql {
  return names.length === 0 ? text('1 = 0') : sql`name IN (${list(names)})`
}

function noneOf(id: string): string {
  return `There is no schedule "${id.slice(0, 80)}".`
}

function toSchedule(row: Row): Schedule {
  return {
    id: String(row.id),
    name: String(row.name),
    input: JSON.parse(String(row.input)),
    cron: String(row.cron),
    timezone: String(row.timezone),
    paused: Number(row.paused) === 1,
    nextAt: row.next_at === null ? null : Number(row.next_at),
    lastRunId: row.last_run_id === null ? null : String(row.last_run_id),
  }
}

import { formatOffset, type Offset } from '@holdfast/protocol'
import { type Database, statement } from '../db/database.ts'
import { gone, type Lineages, positionIn, type Segment } from './lineage.ts'
import type { LogPage, ReadLimit } from './stream-log.ts'
import type { StreamRow } from './streams-table.ts'

// How many of the next ones are within a length. Large messages must not be fetched by the hundred only to be left
// out; their size stands before them, so that it is known without them.
const FITTING = `
  SELECT COUNT(*) AS fitting FROM (
    SELECT SUM(size) OVER (ORDER BY seq) AS total FROM (
      SELECT seq, octet_length(data) AS size FROM events
      WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?) AS sizes) AS totals
  WHERE total <= ?`

// PostgreSQL keeps large texts apart and fetches only those it gives, so there one statement does both.
const FITTING_RANGE = `
  SELECT seq, data FROM (
    SELECT seq, data, SUM(octet_length(data)) OVER (ORDER BY seq) AS total, ROW_NUMBER() OVER (ORDER BY seq) AS nth FROM (
      SELECT seq, data FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?) AS next) AS sized
  WHERE total <= ? OR nth = 1 ORDER BY seq`

const RANGE = 'SELECT seq, data FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?'

/** Pages of a stream, put together from the streams its history goes back to. */
export class EventReader {
  readonly #db: Database
  readonly #lineages: Lineages

  constructor(db: Database, lineages: Lineages) {
    this.#db = db
    this.#lineages = lineages
  }

  /**
   * What follows `after`, up to the tail `row` has: what is appended meanwhile belongs to the next page. Throws
   * OFFSET_GONE also where the events were trimmed or deleted since the row was read.
   */
  async page(row: StreamRow, after: Offset | null, limit: ReadLimit = {}): Promise<LogPage> {
    const lineage = await this.#lineages.of(row)
    const from = after === null ? row.head : positionIn(row, lineage, after)
    const events = await this.#events(row, lineage, from, limit)
    if (events.length === 0 && from < row.tail) throw gone(row)
    const reached = from + events.length
    return {
      after: formatOffset({ incarnation: row.id, seq: from }),
      offset: formatOffset({ incarnation: row.id, seq: reached }),
      events,
      upToDate: reached === row.tail,
      sealed: row.sealed === 1 && reached === row.tail,
    }
  }

  async #events(row: StreamRow, lineage: readonly Segment[], from: number, limit: ReadLimit): Promise<string[]> {
    const { maxEvents = 500, maxLength = 262_144 } = limit
    const events: string[] = []
    let length = 0
    for (const { id, upTo } of [...lineage, { id: row.id, upTo: row.tail }]) {
      while (from + events.length < upTo && events.length < maxEvents) {
        const seq = from + events.length
        const rows = await this.#next([id, seq, upTo, maxEvents - events.length, maxLength - length])
        // Events that are gone would give those after them a wrong place.
        if (rows[0]?.seq !== seq + 1) return events
        for (const { data } of rows) {
          length += data.length
          if (events.length > 0 && length > maxLength) return events
          events.push(data)
        }
        if (length >= maxLength) return events
      }
    }
    return events
  }

  /** Those of `stream, after, upTo, maxEvents` that fit into a length; at least one, whatever its size. */
  async #next(range: readonly [number, number, number, number, number]): Promise<{ seq: number; data: string }[]> {
    if (this.#db.dialect === 'postgres') return this.#db.read(statement(FITTING_RANGE, range))
    const [row] = await this.#db.read<{ fitting: number }>(statement(FITTING, range))
    return this.#db.read(statement(RANGE, [...range.slice(0, 3), Math.max(1, row?.fitting ?? 0)]))
  }
}

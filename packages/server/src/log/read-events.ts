import { formatOffset, type Offset } from '@holdfast/protocol'
import { type Database, statement } from '../db/database.ts'
import { gone, type Lineages, positionIn, type Segment } from './lineage.ts'
import type { LogPage, ReadLimit } from './stream-log.ts'
import type { StreamRow } from './streams-table.ts'

// Large messages must not be fetched by the hundred only to be left out: few first, more where they turn out small.
const FIRST_FETCH = 64

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
    let size = FIRST_FETCH
    for (const { id, upTo } of [...lineage, { id: row.id, upTo: row.tail }]) {
      while (from + events.length < upTo && events.length < maxEvents) {
        const seq = from + events.length
        const asked = Math.min(size, maxEvents - events.length)
        const rows = await this.#db.read<{ seq: number; data: string }>(statement(RANGE, [id, seq, upTo, asked]))
        // Events that are gone would give those after them a wrong place.
        if (rows[0]?.seq !== seq + 1) return events
        for (const { data } of rows) {
          length += data.length
          if (events.length > 0 && length > maxLength) return events
          events.push(data)
        }
        if (length >= maxLength) return events
        size *= 4
      }
    }
    return events
  }
}

import { isHoldfastError } from '@holdfast/protocol'
import { type Database, statement, write } from '../db/database.ts'
import type { Snapshots } from './snapshots.ts'
import type { AnyStream } from './stream-log.ts'
import type { StreamRow } from './streams-table.ts'

// Events that go with one commit.
const BATCH = 500

/**
 * Trims what a definition does not keep: prefixes only, and only what a stored snapshot of the definition's version
 * covers, so that the state is never lost with its events.
 */
export class Retention {
  readonly #db: Database
  readonly #clock: { now(): number }
  readonly #snapshots: Snapshots

  constructor(db: Database, clock: { now(): number }, snapshots: Snapshots) {
    this.#db = db
    this.#clock = clock
    this.#snapshots = snapshots
  }

  async trim(definition: AnyStream, row: StreamRow): Promise<void> {
    const wanted = await this.#firstKept(definition, row)
    if (wanted > row.head) {
      const { storedSeq } = await this.#snapshots.fold(definition, row, true)
      await this.#moveHead(definition, row, Math.min(wanted, storedSeq))
    }
    await this.#dropEvents(row.id)
  }

  /** How many events from the start are not to be kept; the newest always is. */
  async #firstKept({ retain }: AnyStream, row: StreamRow): Promise<number> {
    if (!retain || row.tail - row.head <= 1) return row.head
    const { events = Number.POSITIVE_INFINITY, ageMs, bytes } = retain
    let head = Math.max(row.head, row.tail - events)
    if (ageMs !== undefined) head = Math.max(head, await this.#byAge(row, this.#clock.now() - ageMs))
    if (bytes !== undefined) head = Math.max(head, await this.#byBytes(row, bytes))
    return Math.min(head, row.tail - 1)
  }

  /**
   * One after the other, up to the first that is young enough: clients may write any timestamp, and an old one takes
   * nothing along that stands before it. What was inherited from a source is not looked at.
   */
  async #byAge(row: StreamRow, oldest: number): Promise<number> {
    let after = row.head
    for (let size = 1; ; size = Math.min(BATCH, size * 8)) {
      const events = await this.#db.read<{ seq: number; data: string }>(
        statement(OLDEST, [row.id, after, row.tail, size]),
      )
      if (events.length === 0) return row.tail
      for (const { seq, data } of events) {
        if (timeOf(data) >= oldest) return seq - 1
        after = seq
      }
      await new Promise(setImmediate)
    }
  }

  async #byBytes(row: StreamRow, limit: number): Promise<number> {
    let head = row.head
    let kept = row.bytes
    while (kept > limit) {
      const sizes = await this.#db.read<{ seq: number; size: number }>(
        statement(
          `SELECT seq, octet_length(data) AS size FROM events WHERE stream_id = ? AND seq > ? ORDER BY seq LIMIT ${BATCH}`,
          [row.id, head],
        ),
      )
      if (sizes.length === 0) break
      for (const { seq, size } of sizes) {
        if (kept <= limit) break
        kept -= size
        head = seq
      }
      await new Promise(setImmediate)
    }
    return head
  }

  async #moveHead({ version }: AnyStream, row: StreamRow, head: number): Promise<void> {
    for (let from = row.head; from < head; ) {
      const to = Math.min(head, from + BATCH)
      try {
        await this.#db.commit([
          write(statement(MOVE_HEAD, [row.id, from, to, to, row.id, from, row.id, version, to], MOVED)),
        ])
      } catch (error) {
        // Another process trims the same, or the stream was deleted.
        if (isHoldfastError(error, 'CONFLICT')) return
        throw error
      }
      from = to
    }
  }

  /**
   * Forks still read what their source no longer shows, as far as they go back to it; it goes once they have gone. One
   * that is made from here on begins at this head, or a later one.
   */
  async #dropEvents(id: number): Promise<void> {
    const [row] = await this.#db.read<{ head: number; forked: number }>(statement(DROPPABLE, [id, id]))
    if (!row) return
    const span = [id, row.forked, row.head]
    while ((await this.#db.read(statement(`${DROPPED} LIMIT 1`, span))).length > 0) {
      await this.#db.commit([write(statement(DROP, [id, ...span]))])
    }
  }
}

const OLDEST = 'SELECT seq, data FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?'

const MOVED = { rows: 1, otherwise: 'CONFLICT' } as const

const MOVE_HEAD = `
  UPDATE streams SET
    bytes = bytes - (
      SELECT COALESCE(SUM(octet_length(data)), 0) FROM events WHERE stream_id = ? AND seq > ? AND seq <= ?),
    head = ?
  WHERE id = ? AND head = ? AND deleted = 0
    AND EXISTS (SELECT 1 FROM stream_snapshots WHERE stream_id = ? AND version = ? AND seq >= ?)`

const DROPPABLE = `
  SELECT head, COALESCE((
    SELECT MAX(l.up_to) FROM stream_lineage l JOIN streams fork ON fork.id = l.stream_id WHERE l.source_id = ?), 0) AS forked
  FROM streams WHERE id = ?`

const DROPPED = 'SELECT seq FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq'

const DROP = `DELETE FROM events WHERE stream_id = ? AND seq IN (${DROPPED} LIMIT ${BATCH})`

function timeOf(text: string): number {
  const { timestamp } = JSON.parse(text)
  return Date.parse(timestamp)
}

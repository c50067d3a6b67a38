import { isHoldfastError } from '@holdfast/protocol'
import { type Database, statement, write } from '../db/database.ts'
import type { Snapshots } from './snapshots.ts'
import type { AnyStream } from './stream-log.ts'
import { FORKS_OF, type StreamRow } from './streams-table.ts'

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

  /** By halves: the timestamps of a stream grow. What it inherited from a source is not its own to look at. */
  async #byAge(row: StreamRow, oldest: number): Promise<number> {
    let [low, high] = [row.head, row.tail]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [event] = await this.#db.read<{ data: string }>(
        statement('SELECT data FROM events WHERE stream_id = ? AND seq = ?', [row.id, middle + 1]),
      )
      if (event && timeOf(event.data) >= oldest) high = middle
      else low = middle + 1
    }
    return low
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

  /** Forks still read what their source no longer shows; it goes once they have gone. */
  async #dropEvents(id: number): Promise<void> {
    while ((await this.#db.read(statement(DROPPABLE, [id, id]))).length > 0) {
      await this.#db.commit([write(statement(DROP, [id, id]))])
    }
  }
}

const MOVED = { rows: 1, otherwise: 'CONFLICT' } as const

const MOVE_HEAD = `
  UPDATE streams SET
    bytes = bytes - (
      SELECT COALESCE(SUM(octet_length(data)), 0) FROM events WHERE stream_id = ? AND seq > ? AND seq <= ?),
    head = ?
  WHERE id = ? AND head = ? AND deleted = 0
    AND EXISTS (SELECT 1 FROM stream_snapshots WHERE stream_id = ? AND version = ? AND seq >= ?)`

const BEFORE_HEAD = 'e.stream_id = s.id AND e.seq <= s.head'

const DROPPABLE = `
  SELECT 1 AS one FROM streams s, events e WHERE s.id = ? AND ${BEFORE_HEAD} AND NOT EXISTS (${FORKS_OF}) LIMIT 1`

const DROP = `
  DELETE FROM events WHERE stream_id = ? AND seq IN (
    SELECT e.seq FROM streams s, events e WHERE s.id = ? AND ${BEFORE_HEAD} ORDER BY e.seq LIMIT ${BATCH})`

function timeOf(text: string): number {
  const { timestamp } = JSON.parse(text)
  return Date.parse(timestamp)
}

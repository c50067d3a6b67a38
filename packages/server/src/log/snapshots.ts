import { formatOffset, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, statement, write } from '../db/database.ts'
import type { EventReader } from './read-events.ts'
import { type Folded, SnapshotCache } from './snapshot-cache.ts'
import type { AnyStream, StreamState } from './stream-log.ts'
import type { StreamRow } from './streams-table.ts'

// A join folds no more than about this many events.
const SNAPSHOT_EVERY = 256
// UTF-8 bytes of JSON. A state beyond this is not for a client to load in one piece, and is not stored either.
const STATE_MAX_BYTES = 65_536
const CACHE_BYTES = 33_554_432
// So long folding may hold up whatever else this process has to do.
const SLICE_MS = 4

/** States folded from events, with snapshots on the way so that nobody folds from the start. */
export class Snapshots {
  readonly #db: Database
  readonly #reader: EventReader
  readonly #cache = new SnapshotCache(CACHE_BYTES)
  readonly #folding = new Map<string, Promise<Folded>>()

  constructor(db: Database, reader: EventReader) {
    this.#db = db
    this.#reader = reader
  }

  /** Throws STATE_TOO_LARGE, and NO_FOLD where the history needed is no longer kept. */
  async state(definition: AnyStream, row: StreamRow): Promise<StreamState<unknown>> {
    const { state, seq, bytes } = await this.fold(definition, row)
    if (bytes > STATE_MAX_BYTES) {
      throw new HoldfastError('STATE_TOO_LARGE', `The state of "${row.name}" is larger than ${STATE_MAX_BYTES} bytes.`)
    }
    const offset = formatOffset({ incarnation: row.id, seq })
    return { state, offset, version: definition.version, sealed: row.sealed === 1 }
  }

  /**
   * Folds up to the row's tail, or further where others have been, and stores a snapshot where the stream has passed
   * another 256 events since the last, or, with `store`, in any case. One after the other for a stream: of many that
   * join at once the first folds, and the others find what it folded.
   */
  async fold(definition: AnyStream, row: StreamRow, store = false): Promise<Folded> {
    const key = `${row.id}/${definition.version}`
    const fold = () => this.#fold(definition, row, store)
    const folding = this.#folding.get(key)?.then(fold, fold) ?? fold()
    this.#folding.set(key, folding)
    try {
      return await folding
    } finally {
      if (this.#folding.get(key) === folding) this.#folding.delete(key)
    }
  }

  async #fold(definition: AnyStream, row: StreamRow, store: boolean): Promise<Folded> {
    const { version } = definition
    const known = this.#cache.get(row.id, version)
    // Another process has trimmed beyond it: there is a stored one then.
    const from = known && known.seq >= row.head ? known : await this.#stored(definition, row)
    if (from.seq >= row.tail && from.bytes > 0 && !isDue(from, store)) return from
    const { state, seq } = await this.#advance(definition, row, from)
    const text = JSON.stringify(state)
    const folded = { state, seq, storedSeq: from.storedSeq, bytes: Buffer.byteLength(text) }
    if (isDue(folded, store) && (await this.#keep(row, version, seq, text))) folded.storedSeq = seq
    this.#cache.set(row.id, version, folded)
    return folded
  }

  /** In slices, however many events there are: the process has others to serve. */
  async #advance(definition: AnyStream, row: StreamRow, from: Folded): Promise<{ state: unknown; seq: number }> {
    let { state, seq } = from
    let slice = performance.now()
    while (seq < row.tail) {
      const page = await this.#reader.page(row, formatOffset({ incarnation: row.id, seq }))
      for (const text of page.events) {
        state = definition.apply(state, JSON.parse(text))
        if (performance.now() - slice < SLICE_MS) continue
        await new Promise(setImmediate)
        slice = performance.now()
      }
      seq += page.events.length
    }
    return { state, seq }
  }

  /** The snapshot of this version, or one of an earlier version brought up to it, or the beginning. */
  async #stored({ version, migrate, initial }: AnyStream, row: StreamRow): Promise<Folded> {
    const rows = await this.#db.read<{ version: number; seq: number; state: string }>(
      statement(
        `SELECT version, seq, state FROM stream_snapshots
         WHERE stream_id = ? AND version <= ? AND seq >= ? ORDER BY version DESC`,
        [row.id, version, row.head],
      ),
    )
    const usable = rows.find((found) => found.version === version || migrate !== null)
    if (!usable && row.head > 0) throw lost(row)
    if (!usable) return { state: initial, seq: 0, storedSeq: 0, bytes: 0 }
    const state = JSON.parse(usable.state)
    const { seq } = usable
    if (usable.version === version) return { state, seq, storedSeq: seq, bytes: Buffer.byteLength(usable.state) }
    return { state: migrate?.(state, usable.version), seq, storedSeq: 0, bytes: 0 }
  }

  async #keep(row: StreamRow, version: number, seq: number, text: string): Promise<boolean> {
    try {
      await this.#db.commit([write(statement(KEEP_SNAPSHOT, [version, seq, text, row.id]))])
      return true
    } catch (error) {
      // A store that takes no writes (a full disk) still tells what it has; the next look tries again.
      if (isHoldfastError(error)) return false
      throw error
    }
  }
}

function isDue({ seq, storedSeq, bytes }: Folded, store: boolean): boolean {
  return bytes <= STATE_MAX_BYTES && (store ? seq > storedSeq : snapshotIsDue(storedSeq, seq))
}

/** Whether one is to be stored between these two places. */
export function snapshotIsDue(after: number, tail: number): boolean {
  return Math.floor(after / SNAPSHOT_EVERY) !== Math.floor(tail / SNAPSHOT_EVERY)
}

function lost(row: StreamRow): HoldfastError {
  return new HoldfastError('NO_FOLD', `The events that the state of "${row.name}" begins with are no longer kept.`)
}

// Two joins of a long stream may both fold it: the one that got further is kept. None is kept for a stream that was
// deleted meanwhile.
const KEEP_SNAPSHOT = `
  INSERT INTO stream_snapshots (stream_id, version, seq, state)
  SELECT id, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT) FROM streams WHERE id = ?
  ON CONFLICT (stream_id, version) DO UPDATE SET seq = excluded.seq, state = excluded.state
  WHERE stream_snapshots.seq < excluded.seq`

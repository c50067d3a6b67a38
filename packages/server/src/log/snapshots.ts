import { formatOffset, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, statement, write } from '../db/database.ts'
import type { EventReader } from './read-events.ts'
import { SnapshotCache } from './snapshot-cache.ts'
import type { AnyStream, StreamState } from './stream-log.ts'
import type { StreamRow } from './streams-table.ts'

/** A snapshot is stored once this many events were folded without one: a join never folds more than about this. */
export const SNAPSHOT_EVERY = 256
// UTF-8 bytes of JSON. A state beyond this is not for a client to load in one piece.
const STATE_MAX_BYTES = 65_536
// So long folding may hold up whatever else this process has to do.
const SLICE_MS = 4

interface Folded {
  state: unknown
  seq: number
  storedSeq: number
}

/** States folded from events, with snapshots on the way so that nobody folds from the start. */
export class Snapshots {
  readonly #db: Database
  readonly #reader: EventReader
  readonly #cache = new SnapshotCache(1000)

  constructor(db: Database, reader: EventReader) {
    this.#db = db
    this.#reader = reader
  }

  /** Throws STATE_TOO_LARGE, and NO_FOLD where the history needed is no longer kept. */
  async state(definition: AnyStream, row: StreamRow): Promise<StreamState<unknown>> {
    const { version } = definition
    const { state, seq } = await this.fold(definition, row)
    if (isTooLarge(JSON.stringify(state))) {
      throw new HoldfastError('STATE_TOO_LARGE', `The state of "${row.name}" is larger than ${STATE_MAX_BYTES} bytes.`)
    }
    return { state, offset: formatOffset({ incarnation: row.id, seq }), version, sealed: row.sealed === 1 }
  }

  /** Folds up to the row's tail and stores a snapshot where many events were folded without one. */
  async fold(definition: AnyStream, row: StreamRow): Promise<Folded> {
    const { version } = definition
    const from = this.#cache.get(row.id, version) ?? (await this.#stored(definition, row.id))
    if (from.seq < row.head) {
      throw new HoldfastError('NO_FOLD', `The events "${row.name}" began with are no longer kept.`)
    }
    let { state, seq } = from
    let slice = performance.now()
    while (seq < row.tail) {
      const page = await this.#reader.page(row, formatOffset({ incarnation: row.id, seq }))
      for (const text of page.events) {
        state = definition.apply(state, JSON.parse(text))
        if (performance.now() - slice > SLICE_MS) {
          await new Promise(setImmediate)
          slice = performance.now()
        }
      }
      if (page.events.length === 0)
        throw new HoldfastError('NO_FOLD', `"${row.name}" was trimmed or deleted meanwhile.`)
      seq += page.events.length
    }
    const storedSeq = await this.#keep(row.id, version, { state, seq, storedSeq: from.storedSeq })
    const folded = { state, seq, storedSeq }
    this.#cache.set(row.id, version, folded)
    return folded
  }

  /** The newest snapshot of this version, or one of an earlier version brought up to it. */
  async #stored(definition: AnyStream, incarnation: number): Promise<Folded> {
    const { version, migrate, initial } = definition
    const rows = await this.#db.read<{ version: number; seq: number; state: string }>(
      statement('SELECT version, seq, state FROM stream_snapshots WHERE stream_id = ? ORDER BY version DESC', [
        incarnation,
      ]),
    )
    const own = rows.find((row) => row.version === version)
    if (own) return { state: JSON.parse(own.state), seq: own.seq, storedSeq: own.seq }
    const earlier = migrate ? rows.find((row) => row.version < version) : undefined
    if (!earlier || !migrate) return { state: initial, seq: 0, storedSeq: 0 }
    return { state: migrate(JSON.parse(earlier.state), earlier.version), seq: earlier.seq, storedSeq: 0 }
  }

  async #keep(incarnation: number, version: number, { state, seq, storedSeq }: Folded): Promise<number> {
    if (seq - storedSeq < SNAPSHOT_EVERY) return storedSeq
    const text = JSON.stringify(state)
    if (isTooLarge(text)) return storedSeq
    try {
      await this.#db.commit([write(statement(KEEP_SNAPSHOT, [incarnation, version, seq, text]))])
      return seq
    } catch (error) {
      // A store that takes no writes (a full disk) still tells what it has; the next look tries again.
      if (isHoldfastError(error)) return storedSeq
      throw error
    }
  }
}

function isTooLarge(text: string): boolean {
  return Buffer.byteLength(text) > STATE_MAX_BYTES
}

// Two joins of a long stream may both fold it: the one that got further is kept.
const KEEP_SNAPSHOT = `
  INSERT INTO stream_snapshots (stream_id, version, seq, state) VALUES (?, ?, ?, ?)
  ON CONFLICT (stream_id, version) DO UPDATE SET seq = excluded.seq, state = excluded.state
  WHERE stream_snapshots.seq < excluded.seq`

import { HoldfastError, type Offset, parseOffset } from '@holdfast/protocol'
import { type Database, type Statement, statement } from '../db/database.ts'
import type { StreamRow } from './streams-table.ts'

/** A stretch of a history: the events up to `upTo` that no segment before it holds are kept under `id`. */
export interface Segment {
  id: number
  upTo: number
}

/** Forks on forks on forks: beyond this another is refused, or a chain of them would grow with its square. */
export const MAX_DEPTH = 256
const CACHED = 1000

/** Which streams hold the events of a fork. A lineage never changes once it is there, so it is remembered. */
export class Lineages {
  readonly #db: Database
  readonly #cache = new Map<number, readonly Segment[]>()

  constructor(db: Database) {
    this.#db = db
  }

  /** The sources of a stream, the oldest first, without the stream itself. Empty for one that is no fork. */
  async of({ id, source_id }: Pick<StreamRow, 'id' | 'source_id'>): Promise<readonly Segment[]> {
    if (source_id === null) return []
    const cached = this.#cache.get(id)
    if (cached) return cached
    const rows = await this.#db.read<{ source_id: number; up_to: number }>(
      // A source is always older than what was forked from it, so the order of the ids is that of the history.
      statement('SELECT source_id, up_to FROM stream_lineage WHERE stream_id = ? ORDER BY source_id', [id]),
    )
    const lineage = rows.map((row) => ({ id: row.source_id, upTo: row.up_to }))
    if (this.#cache.size >= CACHED) this.#cache.clear()
    this.#cache.set(id, lineage)
    return lineage
  }
}

/** Writes the lineage of the new stream `name`, forked from `source` after its event `upTo`. */
export function keepLineage(name: string, source: number, upTo: number): Statement[] {
  return [
    statement(
      `INSERT INTO stream_lineage (stream_id, source_id, up_to)
       SELECT s.id, l.source_id, CASE WHEN l.up_to < ? THEN l.up_to ELSE ? END
       FROM streams s, stream_lineage l WHERE s.name = ? AND l.stream_id = ?`,
      [upTo, upTo, name, source],
    ),
    statement(
      `INSERT INTO stream_lineage (stream_id, source_id, up_to)
       SELECT id, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM streams WHERE name = ?`,
      [source, upTo, name],
    ),
  ]
}

/**
 * How many events stand before `offset` in this stream's history. Throws INVALID_OFFSET for what is none, and
 * OFFSET_GONE for a place in another history, before what is kept, or beyond the tail.
 */
export function positionIn(row: StreamRow, lineage: readonly Segment[], offset: Offset): number {
  const position = parseOffset(offset)
  if (!position) throw new HoldfastError('INVALID_OFFSET', `"${offset.slice(0, 80)}" is not an offset.`)
  const { incarnation, seq } = position
  const last = incarnation === row.id ? row.tail : (lineage.find(({ id }) => id === incarnation)?.upTo ?? -1)
  if (seq > last) {
    throw new HoldfastError('OFFSET_GONE', `The stream "${row.name}" has another history; read it from its start.`)
  }
  if (seq < row.head) throw gone(row)
  return seq
}

export function gone({ name }: StreamRow): HoldfastError {
  return new HoldfastError('OFFSET_GONE', `The stream "${name}" no longer keeps that far; read it from its start.`)
}

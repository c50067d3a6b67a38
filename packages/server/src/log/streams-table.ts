import { formatOffset, HoldfastError, type Offset } from '@holdfast/protocol'
import { type Database, statement } from '../db/database.ts'
import type { LastUse } from './last-use.ts'
import type { StreamInfo } from './stream-log.ts'

/** A stream as the table has it. */
export interface StreamRow {
  id: number
  name: string
  tail: number
  head: number
  bytes: number
  sealed: number
  deleted: number
  content_type: string
  media_type: string
  ttl: number | null
  expires_at: number | null
  last_seq: string | null
  closed_producer: string | null
  closed_epoch: number | null
  closed_seq: number | null
  source_id: number | null
  source_name: string | null
  source_seq: number | null
  source_sub: number | null
  inherits_expiry: number
}

/** Looks streams up, and says of each whether it is there for whoever asks. */
export class StreamsTable {
  readonly #db: Database
  readonly #lastUse: LastUse

  constructor(db: Database, lastUse: LastUse) {
    this.#db = db
    this.#lastUse = lastUse
  }

  /** The row, whatever has become of the stream. */
  async row(name: string): Promise<StreamRow | null> {
    const [row] = await this.#db.read<StreamRow>(statement('SELECT * FROM streams WHERE name = ?', [name]))
    return row ?? null
  }

  /** Where those of these streams stand that are there. The names travel as one parameter, however many there are. */
  tails(names: readonly string[]): Promise<Pick<StreamRow, 'id' | 'name' | 'tail' | 'sealed'>[]> {
    return this.#db.read(statement(TAILS[this.#db.dialect], [JSON.stringify(names)]))
  }

  async rowById(incarnation: number): Promise<StreamRow | null> {
    const [row] = await this.#db.read<StreamRow>(statement('SELECT * FROM streams WHERE id = ?', [incarnation]))
    return row ?? null
  }

  /** `null` where there is none or it has expired. Throws STREAM_GONE for one that is kept for its forks alone. */
  async live(name: string): Promise<StreamRow | null> {
    const row = await this.row(name)
    if (!row) return null
    const expired = row.deleted === 0 && this.#lastUse.isExpired(row)
    if (row.deleted === 1 || (expired && (await this.hasForks(row.id)))) throw streamGone(name)
    return expired ? null : row
  }

  /** The same, and throws NOT_FOUND where there is none. */
  async existing(name: string): Promise<StreamRow> {
    const row = await this.live(name)
    if (!row) throw notFound(name)
    return row
  }

  async hasForks(incarnation: number): Promise<boolean> {
    const forks = await this.#db.read(statement(`SELECT 1 AS one WHERE EXISTS (${FORKS_OF})`, [incarnation]))
    return forks.length > 0
  }
}

const TAILS = {
  sqlite: `SELECT id, name, tail, sealed FROM streams WHERE deleted = 0 AND name IN (SELECT value FROM json_each(?))`,
  postgres: `SELECT id, name, tail, sealed FROM streams
    WHERE deleted = 0 AND name = ANY (ARRAY(SELECT json_array_elements_text(CAST(? AS json))))`,
} as const

/** The streams whose history goes back to one, itself given as a parameter; those on their way out do not count. */
export const FORKS_OF =
  'SELECT 1 FROM stream_lineage l JOIN streams fork ON fork.id = l.stream_id WHERE l.source_id = ?'

export function infoOf(row: StreamRow): StreamInfo {
  return {
    name: row.name,
    incarnation: row.id,
    head: formatOffset({ incarnation: row.id, seq: row.head }),
    tail: tailOf(row),
    sealed: row.sealed === 1,
    contentType: row.content_type,
    ttl: row.ttl,
    expiresAt: row.ttl === null ? row.expires_at : null,
  }
}

export function tailOf(row: Pick<StreamRow, 'id' | 'tail'>): Offset {
  return formatOffset({ incarnation: row.id, seq: row.tail })
}

/** A media type without its parameters, in lower case: what two types are compared by. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';')
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

export const JSON_TYPE = 'application/json'

export function notFound(name: string): HoldfastError {
  return new HoldfastError('NOT_FOUND', `There is no stream "${name.slice(0, 200)}".`)
}

export function streamGone(name: string): HoldfastError {
  return new HoldfastError('STREAM_GONE', `The stream "${name.slice(0, 200)}" was deleted.`)
}

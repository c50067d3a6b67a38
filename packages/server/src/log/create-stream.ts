import { formatOffset, HoldfastError, isHoldfastError, type Offset, parseOffset } from '@holdfast/protocol'
import { type Database, type SqlValue, statement } from '../db/database.ts'
import { bytesOf, insertEvents } from './event-statements.ts'
import type { LastUse } from './last-use.ts'
import { keepLineage, type Lineages, MAX_DEPTH, positionIn } from './lineage.ts'
import type { EventReader } from './read-events.ts'
import type { StreamRemover } from './remove-stream.ts'
import type { StreamConfig } from './stream-log.ts'
import { JSON_TYPE, mediaTypeOf, type StreamRow, type StreamsTable } from './streams-table.ts'

// A name that is made and deleted at once by others: looked at anew, so often.
const ATTEMPTS = 5
/** The start of any stream, in the manner of servers whose offsets name no history. */
const ZERO = '0000000000000000_0000000000000000'

interface Parts {
  db: Database
  clock: { now(): number }
  streams: StreamsTable
  lineages: Lineages
  reader: EventReader
  remover: StreamRemover
  lastUse: LastUse
}

/** Where a fork leaves its source, and what it copies of the message that is cut there. */
interface Divergence {
  source: StreamRow
  /** As asked for, to be compared with later. */
  anchor: number
  upTo: number
  prefix: string[]
}

/** Makes streams, or makes sure that they are as asked for. */
export class StreamCreator {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async ensure(name: string, config: StreamConfig): Promise<{ row: StreamRow; created: boolean }> {
    checkConfig(config)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const known = await this.#known(name)
      if (known) {
        if (await this.#matches(known, config)) return { row: known, created: false }
        throw new HoldfastError('STREAM_EXISTS', `The stream "${name.slice(0, 200)}" exists, and not like that.`)
      }
      const fork = config.fork ? await this.#diverge(config.fork, config.contentType) : null
      const made = await this.#make(name, config, fork)
      if (made) return { row: made, created: true }
    }
    throw new HoldfastError('UNAVAILABLE', `The stream "${name.slice(0, 200)}" is too busy.`)
  }

  /** An expired stream is taken away first, so that its name is free. */
  async #known(name: string): Promise<StreamRow | null> {
    const { streams, lastUse, remover } = this.#parts
    const row = await streams.row(name)
    if (!row) return null
    const expired = row.deleted === 0 && lastUse.isExpired(row)
    if (expired && (await remover.expire(row)) !== 'kept') return null
    if (row.deleted === 1 || expired) {
      throw new HoldfastError('STREAM_EXISTS', `The name "${name.slice(0, 200)}" is held by forks of what it was.`)
    }
    return row
  }

  async #diverge(fork: NonNullable<StreamConfig['fork']>, contentType: string | undefined): Promise<Divergence> {
    const { streams, lineages, reader } = this.#parts
    const source = await streams.existing(fork.source).catch((error) => {
      if (!isHoldfastError(error, 'STREAM_GONE')) throw error
      throw new HoldfastError('STREAM_EXISTS', `The stream "${fork.source.slice(0, 200)}" was deleted.`)
    })
    if (contentType !== undefined && mediaTypeOf(contentType) !== source.media_type) {
      throw new HoldfastError('CONTENT_TYPE_MISMATCH', `The source is of the type "${source.content_type}".`)
    }
    const lineage = await lineages.of(source)
    if (lineage.length >= MAX_DEPTH) throw invalidFork('It is a fork of too many forks.')
    const anchor = fork.offset === undefined ? source.tail : anchorIn(source, lineage, fork.offset)
    const sub = fork.subOffset ?? 0
    if (sub === 0) return { source, anchor, upTo: anchor, prefix: [] }
    if (source.media_type === JSON_TYPE) {
      if (anchor + sub > source.tail) throw invalidFork('It is beyond the end of the source.')
      return { source, anchor, upTo: anchor + sub, prefix: [] }
    }
    const page = await reader.page(source, seqOffset(source, anchor), { maxEvents: 1 })
    const bytes = Buffer.from(page.events[0] ?? '', 'base64')
    if (sub > bytes.length) throw invalidFork('It is beyond the message that follows the offset.')
    if (sub === bytes.length) return { source, anchor, upTo: anchor + 1, prefix: [] }
    return { source, anchor, upTo: anchor, prefix: [bytes.subarray(0, sub).toString('base64')] }
  }

  /** `null` where the name was taken, or the source deleted or trimmed beyond the place, in the meantime. */
  async #make(name: string, config: StreamConfig, fork: Divergence | null): Promise<StreamRow | null> {
    const { db, streams, lastUse } = this.#parts
    const events = [...(fork?.prefix ?? []), ...(config.messages ?? [])]
    const statements = [
      // Its row is held until this commit: whoever deletes or trims the source comes before, or sees the fork.
      ...(fork ? [statement(HOLD_SOURCE, [fork.source.id, fork.anchor], TAKEN)] : []),
      statement(MAKE, this.#columns(name, config, fork, events), TAKEN),
      ...(fork ? keepLineage(name, fork.source.id, fork.upTo) : []),
      ...(events.length > 0 ? [insertEvents(db.dialect, name, events)] : []),
    ]
    const appended = { stream: name, statement: fork ? 1 : 0, events, sealed: config.sealed ?? false }
    try {
      await db.commit([events.length > 0 ? { statements, appended } : { statements, locks: name }])
    } catch (error) {
      if (isHoldfastError(error, 'STREAM_EXISTS')) return null
      throw error
    }
    const row = await streams.row(name)
    if (row) lastUse.touch(row.id, row.name, row.ttl)
    return row
  }

  #columns(name: string, config: StreamConfig, fork: Divergence | null, events: readonly string[]): SqlValue[] {
    const contentType = config.contentType ?? fork?.source.content_type ?? JSON_TYPE
    const asked = config.ttl !== undefined || config.expiresAt !== undefined
    const inherits = !asked && fork !== null && fork.source.expires_at !== null
    const ttl = inherits ? fork.source.ttl : (config.ttl ?? null)
    const hard = inherits ? fork.source.expires_at : (config.expiresAt ?? null)
    return [
      name,
      (fork?.upTo ?? 0) + events.length,
      fork?.source.id ?? null,
      bytesOf(events),
      config.sealed ? 1 : 0,
      contentType,
      mediaTypeOf(contentType),
      ttl,
      ttl === null ? hard : this.#parts.clock.now() + ttl * 1000,
      fork?.source.id ?? null,
      fork?.source.name ?? null,
      fork?.anchor ?? null,
      fork ? (config.fork?.subOffset ?? 0) : null,
      inherits ? 1 : 0,
    ]
  }

  async #matches(row: StreamRow, config: StreamConfig): Promise<boolean> {
    const asked = config.ttl !== undefined || config.expiresAt !== undefined
    const hard = row.ttl === null ? row.expires_at : null
    const sameEnd = asked
      ? (config.ttl ?? null) === row.ttl && (config.expiresAt ?? null) === hard
      : row.expires_at === null || row.inherits_expiry === 1
    const type = config.contentType ?? (config.fork ? row.content_type : JSON_TYPE)
    return (
      sameEnd &&
      (config.sealed ?? false) === (row.sealed === 1) &&
      mediaTypeOf(type) === row.media_type &&
      (await this.#sameFork(row, config.fork))
    )
  }

  async #sameFork(row: StreamRow, fork: StreamConfig['fork']): Promise<boolean> {
    if (!fork) return row.source_id === null
    if (row.source_name !== fork.source || row.source_sub !== (fork.subOffset ?? 0)) return false
    // Without an offset the source's tail of then was meant, wherever it is by now.
    if (fork.offset === undefined) return true
    if (fork.offset === ZERO) return row.source_seq === 0
    const position = parseOffset(fork.offset)
    const lineage = await this.#parts.lineages.of(row)
    return position?.seq === row.source_seq && lineage.some(({ id }) => id === position?.incarnation)
  }
}

const TAKEN = { rows: 1, otherwise: 'STREAM_EXISTS' } as const

const HOLD_SOURCE = 'UPDATE streams SET tail = tail WHERE id = ? AND deleted = 0 AND head <= ?'

// What the source no longer keeps the fork never had. Asked here, where the source is held.
const MAKE = `
  INSERT INTO streams (name, tail, head, bytes, sealed, content_type, media_type, ttl, expires_at,
    source_id, source_name, source_seq, source_sub, inherits_expiry)
  VALUES (?, ?, COALESCE((SELECT head FROM streams WHERE id = ?), 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (name) DO NOTHING
  RETURNING id AS incarnation, tail`

function checkConfig({ ttl, expiresAt, fork }: StreamConfig): void {
  if (ttl !== undefined && expiresAt !== undefined) {
    throw new HoldfastError('INVALID_INPUT', 'A stream has a TTL or a moment it ends at, not both.')
  }
  checkRange(ttl, MAX_TIME_MS / 1000)
  checkRange(expiresAt, MAX_TIME_MS)
  checkRange(fork?.subOffset, Number.MAX_SAFE_INTEGER)
  if (fork?.subOffset && fork.offset === undefined) throw invalidFork('A sub-offset needs an offset to start at.')
}

// As far as a date reaches in JavaScript (ECMA-262, "Time Values"); a TTL on top of now stays below 2^53 as well.
const MAX_TIME_MS = 8_640_000_000_000_000

function checkRange(value: number | undefined, max: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0 && value <= max)) return
  throw new HoldfastError('INVALID_INPUT', `${value} is out of range.`)
}

function anchorIn(source: StreamRow, lineage: Parameters<typeof positionIn>[1], offset: Offset): number {
  try {
    return positionIn(source, lineage, offset === ZERO ? seqOffset(source, 0) : offset)
  } catch (error) {
    if (isHoldfastError(error)) throw invalidFork(error.message)
    throw error
  }
}

function seqOffset({ id }: StreamRow, seq: number): Offset {
  return formatOffset({ incarnation: id, seq })
}

function invalidFork(detail: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `That is no place to fork at. ${detail}`)
}

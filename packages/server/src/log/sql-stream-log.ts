import {
  type Clock,
  type EventBase,
  formatOffset,
  HoldfastError,
  isHoldfastError,
  type Offset,
  parseOffset,
} from '@holdfast/protocol'
import { type Database, type Dialect, type Statement, statement, type Write, write } from '../db/database.ts'
import { SnapshotCache } from './snapshot-cache.ts'
import type {
  AnyStream,
  InputOf,
  LogPage,
  ReadLimit,
  StateOf,
  StreamInfo,
  StreamLog,
  StreamState,
} from './stream-log.ts'

interface StreamRow {
  id: number
  name: string
  tail: number
  sealed: number
}

// A snapshot is stored once this many events were folded without one: a join never folds more than about this.
const SNAPSHOT_EVERY = 256
// A state beyond this is folded, never stored: a snapshot that big would block its readers longer than folding does.
const SNAPSHOT_MAX_LENGTH = 65_536

/**
 * The log in SQL, on whatever `Database` it is given. An append is two statements: the first moves the tail (and
 * thereby locks the stream's row, which orders the appends of a stream without a global lock), the second stores
 * the events below the new tail.
 */
export class SqlStreamLog implements StreamLog {
  readonly #db: Database
  readonly #clock: Clock
  readonly #insertMany: string
  readonly #cache = new SnapshotCache(1000)

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#insertMany = insertMany(db.dialect)
  }

  create(stream: string): Write {
    return write(statement('INSERT INTO streams (name, tail) VALUES (?, 0) ON CONFLICT (name) DO NOTHING', [stream]))
  }

  append(stream: string, texts: readonly string[], options: { seal?: boolean } = {}): Write {
    if (texts.length === 0) throw new HoldfastError('INVALID_INPUT', 'An append needs at least one event.')
    const sealed = options.seal ?? false
    return {
      statements: [moveTail(stream, texts.length, sealed), this.#insert(stream, texts)],
      appended: { stream, statement: 0, events: texts, sealed },
    }
  }

  appendEvents<Definition extends AnyStream>(
    definition: Definition,
    params: Parameters<Definition['name']>[0],
    events: readonly InputOf<Definition>[],
  ): Write {
    const parsed: EventBase[] = events.map((event) => definition.parse(event, this.#clock.now()))
    const seal = parsed.some(({ type }) => definition.isTerminal(type))
    const texts = parsed.map((event) => JSON.stringify(event))
    return this.append(definition.name(params), texts, { seal })
  }

  async info(stream: string): Promise<StreamInfo | null> {
    return this.#find(statement('SELECT id, name, tail, sealed FROM streams WHERE name = ?', [stream]))
  }

  async findByOffset(offset: Offset): Promise<StreamInfo | null> {
    const position = parseOffset(offset)
    if (!position) throw new HoldfastError('INVALID_OFFSET', `"${offset.slice(0, 80)}" is not an offset.`)
    return this.#find(statement('SELECT id, name, tail, sealed FROM streams WHERE id = ?', [position.incarnation]))
  }

  async read(stream: string, after: Offset | null, limit: ReadLimit = {}): Promise<LogPage> {
    const info = await this.#existing(stream)
    const from = after === null ? 0 : positionIn(info, after)
    const tail = seqOf(info.tail)
    const maxEvents = limit.maxEvents ?? 500
    const maxLength = limit.maxLength ?? 262_144
    // Only up to the tail just read: what is appended in between belongs to the next page, with its own tail.
    const rows = await this.#db.read<{ data: string }>(
      statement('SELECT data FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?', [
        info.incarnation,
        from,
        tail,
        maxEvents,
      ]),
    )
    const events: string[] = []
    let length = 0
    for (const { data } of rows) {
      length += data.length
      if (events.length > 0 && length > maxLength) break
      events.push(data)
    }
    const reached = from + events.length
    return {
      after: formatOffset({ incarnation: info.incarnation, seq: from }),
      offset: formatOffset({ incarnation: info.incarnation, seq: reached }),
      events,
      upToDate: reached === tail,
      sealed: info.sealed && reached === tail,
    }
  }

  async state<Definition extends AnyStream>(
    definition: Definition,
    stream: string,
  ): Promise<StreamState<StateOf<Definition>>> {
    const info = await this.#existing(stream)
    const { incarnation } = info
    const { version } = definition
    const from = this.#cache.get(incarnation, version) ?? (await this.#stored(definition, incarnation))
    let { state, seq } = from
    for (;;) {
      const page = await this.read(stream, formatOffset({ incarnation, seq }))
      for (const text of page.events) state = definition.apply(state, JSON.parse(text))
      seq += page.events.length
      if (!page.upToDate) continue
      const storedSeq = await this.#keep(incarnation, version, { state, seq, storedSeq: from.storedSeq })
      this.#cache.set(incarnation, version, { state, seq, storedSeq })
      return { state: state as StateOf<Definition>, offset: page.offset, version, sealed: page.sealed }
    }
  }

  #insert(stream: string, texts: readonly string[]): Statement {
    if (texts.length === 1) return statement(INSERT_ONE, [texts[0] ?? '', stream])
    return statement(this.#insertMany, [texts.length, JSON.stringify(texts), stream])
  }

  async #find(lookup: Statement): Promise<StreamInfo | null> {
    const [row] = await this.#db.read<StreamRow>(lookup)
    if (!row) return null
    const tail = formatOffset({ incarnation: row.id, seq: row.tail })
    return { name: row.name, incarnation: row.id, tail, sealed: row.sealed === 1 }
  }

  async #existing(stream: string): Promise<StreamInfo> {
    const info = await this.info(stream)
    if (!info) throw new HoldfastError('NOT_FOUND', `There is no stream "${stream.slice(0, 200)}".`)
    return info
  }

  async #stored(definition: AnyStream, incarnation: number) {
    const [row] = await this.#db.read<{ seq: number; state: string }>(
      statement('SELECT seq, state FROM stream_snapshots WHERE stream_id = ? AND version = ?', [
        incarnation,
        definition.version,
      ]),
    )
    if (!row) return { state: definition.initial, seq: 0, storedSeq: 0 }
    return { state: JSON.parse(row.state), seq: row.seq, storedSeq: row.seq }
  }

  async #keep(
    incarnation: number,
    version: number,
    { state, seq, storedSeq }: { state: unknown; seq: number; storedSeq: number },
  ): Promise<number> {
    if (seq - storedSeq < SNAPSHOT_EVERY) return storedSeq
    const text = JSON.stringify(state)
    if (text.length > SNAPSHOT_MAX_LENGTH) return storedSeq
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

const MOVE_TAIL = `
  INSERT INTO streams (name, tail, sealed) VALUES (?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET tail = streams.tail + excluded.tail, sealed = excluded.sealed
  WHERE streams.sealed = 0
  RETURNING id AS incarnation, tail`

const INSERT_ONE = 'INSERT INTO events (stream_id, seq, data) SELECT id, tail, ? FROM streams WHERE name = ?'

// Two joins of a long stream may both fold it: the one that got further is kept.
const KEEP_SNAPSHOT = `
  INSERT INTO stream_snapshots (stream_id, version, seq, state) VALUES (?, ?, ?, ?)
  ON CONFLICT (stream_id, version) DO UPDATE SET seq = excluded.seq, state = excluded.state
  WHERE stream_snapshots.seq < excluded.seq`

function moveTail(stream: string, count: number, seal: boolean): Statement {
  const expect = { rows: 1, otherwise: 'STREAM_SEALED', detail: `The stream "${stream}" has ended.` } as const
  return statement(MOVE_TAIL, [stream, count, seal ? 1 : 0], expect)
}

function insertMany(dialect: Dialect): string {
  // The texts travel as one JSON array of strings: any number of events is one parameter, and each comes out exact.
  return dialect === 'sqlite'
    ? `INSERT INTO events (stream_id, seq, data)
       SELECT s.id, s.tail - ? + 1 + e.key, e.value FROM streams s, json_each(?) e WHERE s.name = ?`
    : `INSERT INTO events (stream_id, seq, data)
       SELECT s.id, s.tail - CAST(? AS BIGINT) + e.ordinality, e.value
       FROM streams s, json_array_elements_text(CAST(? AS JSON)) WITH ORDINALITY e WHERE s.name = ?`
}

function positionIn(info: StreamInfo, offset: Offset): number {
  const position = parseOffset(offset)
  if (!position) throw new HoldfastError('INVALID_OFFSET', `"${offset.slice(0, 80)}" is not an offset.`)
  if (position.incarnation !== info.incarnation || position.seq > seqOf(info.tail)) {
    throw new HoldfastError('OFFSET_GONE', `The stream "${info.name}" has another history; read it from its start.`)
  }
  return position.seq
}

function seqOf(offset: Offset): number {
  return parseOffset(offset)?.seq ?? 0
}

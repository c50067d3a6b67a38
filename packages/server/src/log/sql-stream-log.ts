import {
  type Clock,
  type EventBase,
  HoldfastError,
  isHoldfastError,
  type Offset,
  parseOffset,
} from '@holdfast/protocol'
import { type Database, type Statement, statement, type Write, write } from '../db/database.ts'
import { Appender } from './append.ts'
import { putStatement } from './append-element.ts'
import { StreamCreator } from './create-stream.ts'
import { bytesOf, insertEvents } from './event-statements.ts'
import { GarbageCollector } from './garbage.ts'
import { Housekeeping } from './housekeeping.ts'
import { LastUse } from './last-use.ts'
import { Lineages } from './lineage.ts'
import { EventReader } from './read-events.ts'
import { StreamRemover } from './remove-stream.ts'
import { Retention } from './retention.ts'
import { Snapshots } from './snapshots.ts'
import { Snapshotter } from './snapshotter.ts'
import type {
  AnyStream,
  AppendOutcome,
  AppendRequest,
  InputOf,
  LogPage,
  ReadLimit,
  StateOf,
  StreamConfig,
  StreamInfo,
  StreamLog,
  StreamState,
} from './stream-log.ts'
import { StreamRegistry } from './stream-registry.ts'
import { infoOf, notFound, type StreamRow, StreamsTable, tailOf } from './streams-table.ts'

export interface StreamLogOptions {
  /** Whether somebody reads the stream live; one with a TTL does not expire then. Default: nobody does. */
  hasReaders?: (stream: string) => boolean
  /** The defined streams: those with snapshots and retention. Default none. */
  registry?: StreamRegistry
  /** Other processes use the store as well. Default: none does. */
  shared?: boolean
  /** Something failed that nobody waits for. Default: nobody is told. */
  onError?: (error: unknown) => void
}

/**
 * The log in SQL, on whatever `Database` it is given. An append is two statements: the first moves the tail (and
 * thereby locks the stream's row, which orders the appends of a stream without a global lock), the second stores
 * the events below the new tail.
 *
 * `open` begins what happens without anybody asking (expiry, retention, snapshots); everything else works without.
 */
export class SqlStreamLog implements StreamLog {
  readonly #db: Database
  readonly #clock: Clock
  readonly #lastUse: LastUse
  readonly #streams: StreamsTable
  readonly #reader: EventReader
  readonly #snapshots: Snapshots
  readonly #appender: Appender
  readonly #remover: StreamRemover
  readonly #creator: StreamCreator
  readonly #snapshotter: Snapshotter
  readonly #housekeeping: Housekeeping
  #stopListening: () => void = () => {}

  constructor(db: Database, clock: Clock, options: StreamLogOptions = {}) {
    const { hasReaders = () => false, registry = new StreamRegistry([]), shared = false, onError = () => {} } = options
    const lineages = new Lineages(db)
    const lastUse = new LastUse({ clock, hasReaders, shared })
    const streams = new StreamsTable(db, lastUse)
    const reader = new EventReader(db, lineages)
    const remover = new StreamRemover(db)
    const snapshots = new Snapshots(db, reader)
    const retention = new Retention(db, clock, snapshots)
    const snapshotter = new Snapshotter({ streams, registry, snapshots, retention, onError })
    const garbage = new GarbageCollector(db)
    this.#db = db
    this.#clock = clock
    this.#lastUse = lastUse
    this.#streams = streams
    this.#reader = reader
    this.#remover = remover
    this.#snapshots = snapshots
    this.#snapshotter = snapshotter
    this.#appender = new Appender({ db, clock, streams, lastUse })
    this.#creator = new StreamCreator({ db, clock, streams, lineages, reader, remover, lastUse })
    const parts = { db, clock, lastUse, remover, garbage, snapshotter, registry, hasReaders, shared, onError }
    this.#housekeeping = new Housekeeping(parts)
  }

  /** The tables are there. Call once. */
  async open(): Promise<void> {
    this.#stopListening = this.#db.onCommitted((committed) => this.#snapshotter.heard(committed))
    await this.#housekeeping.open()
  }

  /** Writes down what was only noted. Call before the database is closed; harmless when repeated. */
  async close(): Promise<void> {
    this.#stopListening()
    await this.#snapshotter.close()
    await this.#housekeeping.close()
  }

  create(stream: string): Write {
    return { ...write(statement(CREATE, [stream])), locks: stream }
  }

  append(stream: string, texts: readonly string[], options: { seal?: boolean } = {}): Write {
    if (texts.length === 0) throw new HoldfastError('INVALID_INPUT', 'An append needs at least one event.')
    const seal = options.seal ?? false
    const at = this.#clock.now()
    const hasEnded = { rows: 1, otherwise: 'STREAM_SEALED', detail: `The stream "${stream}" has ended.` } as const
    const statements =
      this.#db.dialect === 'postgres'
        ? [putStatement({ stream, texts, seal, at }, hasEnded)]
        : [moveTail(stream, texts, seal, at, hasEnded), insertEvents('sqlite', stream, texts)]
    return { statements, appended: { stream, statement: 0, events: texts, sealed: seal } }
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

  async ensure(stream: string, config: StreamConfig): Promise<{ info: StreamInfo; created: boolean }> {
    const { row, created } = await this.#creator.ensure(stream, config)
    return { info: infoOf(row), created }
  }

  appendFrom(stream: string, request: AppendRequest): Promise<AppendOutcome> {
    return this.#appender.append(stream, request)
  }

  async remove(stream: string): Promise<void> {
    const row = await this.#streams.existing(stream)
    if ((await this.#remover.remove(row)) === null) throw notFound(stream)
  }

  touch({ incarnation, name, ttl }: StreamInfo): void {
    this.#lastUse.touch(incarnation, name, ttl)
  }

  async info(stream: string): Promise<StreamInfo | null> {
    const row = await this.#streams.live(stream)
    return row && infoOf(row)
  }

  async tails(streams: readonly string[]): Promise<Map<string, { tail: Offset; sealed: boolean }>> {
    const rows = await this.#streams.tails(streams)
    return new Map(rows.map((row) => [row.name, { tail: tailOf(row), sealed: row.sealed === 1 }]))
  }

  async findByOffset(offset: Offset): Promise<StreamInfo | null> {
    const position = parseOffset(offset)
    if (!position) throw new HoldfastError('INVALID_OFFSET', `"${offset.slice(0, 80)}" is not an offset.`)
    const row = await this.#streams.rowById(position.incarnation)
    if (!row || row.deleted === 1 || this.#lastUse.isExpired(row)) return null
    return infoOf(row)
  }

  async read(stream: string, after: Offset | null, limit: ReadLimit = {}): Promise<LogPage> {
    return this.#fresh(stream, (row) => this.#reader.page(row, after, limit))
  }

  async state<Definition extends AnyStream>(
    definition: Definition,
    stream: string,
  ): Promise<StreamState<StateOf<Definition>>> {
    const state = await this.#fresh(stream, (row) => this.#snapshots.state(definition, row))
    return state as StreamState<StateOf<Definition>>
  }

  /** A look at a stream that is trimmed or made anew between two of its reads is taken again. */
  async #fresh<T>(stream: string, look: (row: StreamRow) => Promise<T>): Promise<T> {
    const row = await this.#streams.existing(stream)
    try {
      return await look(row)
    } catch (error) {
      if (!isHoldfastError(error, 'OFFSET_GONE')) throw error
      const now = await this.#streams.existing(stream)
      if (now.id === row.id && now.head === row.head) throw error
      return look(now)
    }
  }
}

const CREATE = 'INSERT INTO streams (name, tail) VALUES (?, 0) ON CONFLICT (name) DO NOTHING'

// An append is a use. One whose moment has come but that still stands there takes nothing any more.
const MOVE_TAIL = `
  INSERT INTO streams (name, tail, bytes, sealed) VALUES (?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET
    tail = streams.tail + excluded.tail, bytes = streams.bytes + excluded.bytes, sealed = excluded.sealed,
    expires_at = CASE WHEN streams.ttl IS NULL THEN streams.expires_at ELSE ? + streams.ttl * 1000 END
  WHERE streams.sealed = 0 AND streams.deleted = 0
    AND (streams.expires_at IS NULL OR streams.ttl IS NOT NULL OR streams.expires_at > ?)
  RETURNING id AS incarnation, tail`

function moveTail(
  stream: string,
  texts: readonly string[],
  seal: boolean,
  now: number,
  expect: Statement['expect'],
): Statement {
  return statement(MOVE_TAIL, [stream, texts.length, bytesOf(texts), seal ? 1 : 0, now, now], expect)
}

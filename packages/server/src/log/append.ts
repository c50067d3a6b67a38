import { formatOffset, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, type SqlValue, type Statement, statement, type Write } from '../db/database.ts'
import { putStatement } from './append-element.ts'
import { bytesOf, insertEvents } from './event-statements.ts'
import type { LastUse } from './last-use.ts'
import type { AppendOutcome, AppendRequest, Producer } from './stream-log.ts'
import { mediaTypeOf, type StreamRow, type StreamsTable, tailOf } from './streams-table.ts'

// A refusal whose reason is gone when it is looked for (an append that was overtaken) is judged anew, so often.
const ATTEMPTS = 5

export interface AppenderOptions {
  db: Database
  clock: { now(): number }
  streams: StreamsTable
  lastUse: LastUse
}

/**
 * Appends from outside. The commit judges: each condition is an expectation of one of its statements, so there is
 * no gap between looking and writing. Only where it refuses is the state read, to say why.
 */
export class Appender {
  readonly #db: Database
  readonly #clock: { now(): number }
  readonly #streams: StreamsTable
  readonly #lastUse: LastUse
  /** The last append of each producer and stream that is still being made. */
  readonly #underway = new Map<string, Promise<void>>()

  constructor({ db, clock, streams, lastUse }: AppenderOptions) {
    this.#db = db
    this.#clock = clock
    this.#streams = streams
    this.#lastUse = lastUse
  }

  async append(stream: string, request: AppendRequest): Promise<AppendOutcome> {
    checkRequest(request)
    const { producer } = request
    if (!producer) return this.#judge(stream, request)
    const key = `${producer.id}\0${stream}`
    const before = this.#underway.get(key)
    const outcome = this.#judgeAfter(before, stream, request)
    const settled = outcome.then(
      () => {},
      () => {},
    )
    this.#underway.set(key, settled)
    try {
      return await outcome
    } finally {
      if (this.#underway.get(key) === settled) this.#underway.delete(key)
    }
  }

  /** One that overtook those of its producer that were asked for before it looks like a gap, until they are there. */
  async #judgeAfter(before: Promise<void> | undefined, stream: string, request: AppendRequest): Promise<AppendOutcome> {
    const outcome = await this.#judgeKnown(stream, request)
    if (outcome.type !== 'producer_gap' || !before) return outcome
    await before
    return this.#judgeKnown(stream, request)
  }

  /** A producer's append whose outcome is unknown is made again: where it had been made, that is a repetition. */
  async #judgeKnown(stream: string, request: AppendRequest): Promise<AppendOutcome> {
    try {
      return await this.#judge(stream, request)
    } catch (unknown) {
      if (!isHoldfastError(unknown, 'OUTCOME_UNKNOWN')) throw unknown
      const outcome = await this.#judge(stream, request).catch((error) => {
        // That nothing was written would be said of the repetition alone.
        throw isHoldfastError(error, 'UNAVAILABLE') || isHoldfastError(error, 'STORAGE_FULL') ? unknown : error
      })
      // A newer epoch leaves no trace of what the older one wrote.
      if (outcome.type === 'producer_fenced') throw unknown
      return outcome.type === 'sealed' ? this.#beforeEnd(stream, request, outcome) : outcome
    }
  }

  /** The stream has ended: behind the append, if its producer is that far, and otherwise before it could be made. */
  async #beforeEnd(stream: string, { producer }: AppendRequest, sealed: AppendOutcome): Promise<AppendOutcome> {
    const row = await this.#streams.existing(stream)
    const state = producer ? await this.#producer(row.id, producer.id) : null
    const isThere = producer && state && judgeProducer(producer, state) === 'duplicate'
    return isThere ? { type: 'duplicate', tail: tailOf(row), sealed: true, seq: state.seq } : sealed
  }

  async #judge(stream: string, request: AppendRequest): Promise<AppendOutcome> {
    let known: StreamRow | null = null
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const outcome = await this.#attempt(stream, request, known)
      if (outcome) return outcome
      const row = await this.#streams.existing(stream)
      const before = known
      known = this.#lastUse.isWrittenOff(row) ? row : null
      // That it has ended by what is written is all that spoke against it so far, perhaps.
      if (known && !before) continue
      const reason = await this.#reason(row, request)
      if (reason) return reason
    }
    throw new HoldfastError('UNAVAILABLE', `The stream "${stream.slice(0, 200)}" is too busy.`)
  }

  /** `null` where the commit refused. `known`: a stream that has been used since what is written of its end. */
  async #attempt(stream: string, request: AppendRequest, known: StreamRow | null): Promise<AppendOutcome | null> {
    try {
      const write = appendWrite(this.#db.dialect, stream, request, { now: this.#clock.now(), known })
      const [rows] = await this.#db.commit([write])
      const row = rows?.[0]?.[0]
      const tail = formatOffset({ incarnation: Number(row?.incarnation), seq: Number(row?.tail) })
      return { type: 'appended', tail, sealed: request.seal ?? false }
    } catch (error) {
      if (isHoldfastError(error, 'STREAM_SEALED') || isHoldfastError(error, 'PRODUCER_FENCED')) return null
      throw error
    }
  }

  /** Why a commit refused, in the order a client can act on; `null` where nothing speaks against it any more. */
  async #reason(row: StreamRow, request: AppendRequest): Promise<AppendOutcome | null> {
    const { producer, messages, contentType, streamSeq } = request
    const state = producer ? await this.#producer(row.id, producer.id) : null
    const tail = tailOf(row)
    if (producer && row.sealed === 1 && closedBy(row, producer)) {
      return { type: 'duplicate', tail, sealed: true, seq: state?.seq ?? producer.seq }
    }
    if (producer && state && producer.epoch < state.epoch) return { type: 'producer_fenced', epoch: state.epoch }
    if (row.sealed === 1) {
      if (messages.length === 0) return { type: 'duplicate', tail, sealed: true }
      return { type: 'sealed', tail }
    }
    if (messages.length > 0 && mediaTypeOf(contentType ?? '') !== row.media_type) {
      return { type: 'content_type_mismatch', contentType: row.content_type }
    }
    const refused = producer ? judgeProducer(producer, state) : null
    if (refused === 'duplicate') return { type: 'duplicate', tail, sealed: false, seq: state?.seq ?? 0 }
    if (refused) return refused
    if (streamSeq !== undefined && row.last_seq !== null && !isGreater(streamSeq, row.last_seq)) {
      return { type: 'sequence_conflict', last: row.last_seq }
    }
    return null
  }

  async #producer(incarnation: number, id: string): Promise<{ epoch: number; seq: number } | null> {
    const [state] = await this.#db.read<{ epoch: number; seq: number }>(
      statement('SELECT epoch, seq FROM stream_producers WHERE stream_id = ? AND producer = ?', [incarnation, id]),
    )
    return state ?? null
  }
}

function checkRequest({ messages, contentType, seal, producer, streamSeq }: AppendRequest): void {
  if (messages.length === 0 && !seal) throw new HoldfastError('INVALID_INPUT', 'An append needs at least one message.')
  if (messages.length > 0 && contentType === undefined) {
    throw new HoldfastError('INVALID_INPUT', 'An append of messages needs their media type.')
  }
  if (producer?.id === '' || !isStorable(producer?.id) || !isStorable(streamSeq)) {
    throw new HoldfastError('INVALID_INPUT', 'A producer has a name, and no name holds U+0000 or half a character.')
  }
}

/**
 * The moment of the use, which goes with the events, in one commit: whoever takes the stream away as expired comes
 * before, or sees that it is used.
 */
interface Use {
  now: number
  /** Whatever is written of its end does not count for this stream. */
  known: StreamRow | null
}

function appendWrite(dialect: Database['dialect'], stream: string, request: AppendRequest, use: Use): Write {
  const { messages, producer, seal = false } = request
  const appended = { stream, statement: 0, events: messages, sealed: seal }
  if (dialect === 'postgres') return { statements: [put(stream, request, use)], appended }
  const statements = [moveTail(stream, request, use)]
  if (messages.length > 0) statements.push(insertEvents(dialect, stream, messages))
  if (producer) statements.push(advanceProducer(stream, producer))
  return { statements, appended }
}

function put(stream: string, request: AppendRequest, { now, known }: Use): Statement {
  const { messages, contentType, producer, streamSeq, seal = false } = request
  const element = {
    ...{ stream, texts: messages, seal, now },
    ...(messages.length > 0 ? { media_type: mediaTypeOf(contentType ?? '') } : {}),
    ...(known ? { known_id: known.id } : {}),
    ...(streamSeq === undefined ? {} : { last_seq: streamSeq }),
    ...(producer ? { producer: producer.id, epoch: producer.epoch, seq: producer.seq } : {}),
  }
  return putStatement(element, REFUSED)
}

const REFUSED = { rows: 1, otherwise: 'STREAM_SEALED' } as const

const USED = 'CASE WHEN ttl IS NULL THEN expires_at ELSE ? + ttl * 1000 END'

// The most frequent append by far: no producer, no order, not the last. A prepared text of its own.
const MOVE_TAIL = `
  UPDATE streams SET tail = tail + ?, bytes = bytes + ?, expires_at = ${USED}
  WHERE name = ? AND sealed = 0 AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?) AND media_type = ?
  RETURNING id AS incarnation, tail`

function moveTail(stream: string, request: AppendRequest, { now, known }: Use): Statement {
  const { messages, contentType, producer, streamSeq, seal } = request
  const moved = [messages.length, bytesOf(messages), now]
  const type = messages.length > 0 ? [mediaTypeOf(contentType ?? '')] : []
  if (!seal && streamSeq === undefined && !known) return statement(MOVE_TAIL, [...moved, stream, now, ...type], REFUSED)
  const seq = streamSeq === undefined ? [] : [streamSeq]
  const closing: SqlValue[] = seal && producer ? [producer.id, producer.epoch, producer.seq] : []
  const sql = `
    UPDATE streams SET tail = tail + ?, bytes = bytes + ?, expires_at = ${USED}
      ${seal ? ', sealed = 1' : ''}${seq.length ? ', last_seq = ?' : ''}
      ${closing.length ? ', closed_producer = ?, closed_epoch = ?, closed_seq = ?' : ''}
    WHERE name = ? AND sealed = 0 AND deleted = 0 AND ${known ? 'id = ?' : '(expires_at IS NULL OR expires_at > ?)'}
      ${type.length ? 'AND media_type = ?' : ''} ${seq.length ? 'AND (last_seq IS NULL OR last_seq < ?)' : ''}
    RETURNING id AS incarnation, tail`
  const where = [stream, known ? known.id : now, ...type, ...seq]
  return statement(sql, [...moved, ...seq, ...closing, ...where], REFUSED)
}

const FENCED = { rows: 1, otherwise: 'PRODUCER_FENCED' } as const

// The first of an epoch makes the producer known or takes over from an older epoch; any other continues.
const BEGIN_EPOCH = `
  INSERT INTO stream_producers (stream_id, producer, epoch, seq)
  SELECT id, CAST(? AS TEXT), CAST(? AS BIGINT), 0 FROM streams WHERE name = ?
  ON CONFLICT (stream_id, producer) DO UPDATE SET epoch = excluded.epoch, seq = 0
  WHERE stream_producers.epoch < excluded.epoch`
const CONTINUE_EPOCH = `
  UPDATE stream_producers SET seq = ?
  WHERE stream_id = (SELECT id FROM streams WHERE name = ?) AND producer = ? AND epoch = ? AND seq = ?`

function advanceProducer(stream: string, { id, epoch, seq }: Producer): Statement {
  return seq === 0
    ? statement(BEGIN_EPOCH, [id, epoch, stream], FENCED)
    : statement(CONTINUE_EPOCH, [seq, stream, id, epoch, seq - 1], FENCED)
}

/** Source: Durable Streams PROTOCOL.md, 5.2.1, "Validation Logic". An unknown producer begins at 0, in any epoch. */
function judgeProducer(
  { epoch, seq }: Producer,
  state: { epoch: number; seq: number } | null,
): AppendOutcome | 'duplicate' | null {
  if (!state) return seq === 0 ? null : { type: 'producer_gap', expected: 0, received: seq }
  if (epoch > state.epoch) return seq === 0 ? null : { type: 'producer_epoch_start' }
  if (seq <= state.seq) return 'duplicate'
  return seq === state.seq + 1 ? null : { type: 'producer_gap', expected: state.seq + 1, received: seq }
}

/** PostgreSQL keeps no U+0000, and no store keeps lone surrogates apart: producers would be taken for one another. */
function isStorable(text = ''): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function closedBy(row: StreamRow, { id, epoch, seq }: Producer): boolean {
  return row.closed_producer === id && row.closed_epoch === epoch && row.closed_seq === seq
}

/** By the bytes of their UTF-8, as the stores compare; UTF-16 would order some characters otherwise. */
function isGreater(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0
}

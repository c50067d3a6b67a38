import type { EventInput, Offset, StreamDefinition } from '@holdfast/protocol'
import type { Write } from '../db/database.ts'

/** Where a stream stands, and what it was made as. */
export interface StreamInfo {
  name: string
  incarnation: number
  /** Position before the first event that is kept; what was before it is gone (retention). */
  head: Offset
  /** Position after the last event. */
  tail: Offset
  /** It has ended: nothing is appended any more. */
  sealed: boolean
  /** Media type as given at creation. `application/json` where the server itself made the stream. */
  contentType: string
  /** Seconds it lives on after its last use; `null` for no such limit. */
  ttl: number | null
  /** When it ends for good, in milliseconds since 1970; `null` for never. */
  expiresAt: number | null
}

/** What a stream is made as. Everything but `messages` is compared where it exists already. */
export interface StreamConfig {
  /** Default `application/json`, or the source's where it is a fork. */
  contentType?: string
  ttl?: number
  expiresAt?: number
  /** Made complete: nothing is ever appended to it. */
  sealed?: boolean
  /** First content, in stored form (see `AppendRequest.messages`). */
  messages?: readonly string[]
  /** Continues the history of another stream up to a place. */
  fork?: {
    source: string
    /** Absent: the source's tail. */
    offset?: Offset
    /** How far past `offset`: messages of a JSON stream, bytes of any other. Needs `offset`. */
    subOffset?: number
  }
}

/** Who appends, so that a repetition is recognised. Source: Durable Streams PROTOCOL.md, 5.2.1. */
export interface Producer {
  id: string
  epoch: number
  seq: number
}

/** An append from outside, to a stream that exists. */
export interface AppendRequest {
  /**
   * In stored form: JSON texts for a JSON stream, base64 for every other, one a message. Empty only with `seal`.
   */
  messages: readonly string[]
  /** Must be the stream's (the parameters do not count). Absent where there are no messages. */
  contentType?: string
  producer?: Producer
  /** Must be greater, byte by byte, than that of every append before. One order for the whole stream. */
  streamSeq?: string
  /** Ends the stream with this append. */
  seal?: boolean
}

/** What became of an append from outside. A refusal changed nothing, the producer's state included. */
export type AppendOutcome =
  /** On disk. */
  | { type: 'appended'; tail: Offset; sealed: boolean }
  /** Had been appended before. `seq` is the producer's highest; absent for a stream that was sealed already. */
  | { type: 'duplicate'; tail: Offset; sealed: boolean; seq?: number }
  | { type: 'sealed'; tail: Offset }
  | { type: 'content_type_mismatch'; contentType: string }
  /** `epoch` is the one that counts now. */
  | { type: 'producer_fenced'; epoch: number }
  | { type: 'producer_gap'; expected: number; received: number }
  /** A new epoch begins at 0. */
  | { type: 'producer_epoch_start' }
  | { type: 'sequence_conflict'; last: string }

/** A stretch of a stream, as read at one moment. */
export interface LogPage {
  /** Position before the first of `events`. */
  after: Offset
  /** Position after the last of `events`; equal to `after` where there are none. */
  offset: Offset
  /** The stored texts, as they were written; base64 where the stream's type is not JSON. */
  events: string[]
  /** Whether `offset` was the tail. */
  upToDate: boolean
  /** Whether the stream has ended and `offset` is its end. */
  sealed: boolean
}

export interface ReadLimit {
  /** Default 500. */
  maxEvents?: number
  /** UTF-16 code units of event text, at least one event whatever its size. Default 262,144. */
  maxLength?: number
}

/** A folded state and the position it is true for. */
export interface StreamState<State> {
  state: State
  offset: Offset
  version: number
  sealed: boolean
}

/** Any definition, for code that takes them all. */
// biome-ignore lint/suspicious/noExplicitAny: `fold` stands in both positions of variance; only `any` takes every state.
export type AnyStream = StreamDefinition<any, any, any>

/** The event type of a definition, as its writer gives it. */
export type InputOf<Definition> =
  Definition extends StreamDefinition<infer _P, infer Events, infer _S> ? EventInput<Events> : never

/** The state type of a definition. */
export type StateOf<Definition> = Definition extends StreamDefinition<infer _P, infer _E, infer State> ? State : never

/**
 * The durable, ordered events of every stream. Appending is a write that joins any commit; reading costs what is
 * read, however long the stream is.
 */
export interface StreamLog {
  /** A write that makes the stream, empty, so that readers have a position before its first event. */
  create(stream: string): Write
  /**
   * A write that appends `texts` to the stream, creating it when it is new. The commit fails with STREAM_SEALED
   * where it has ended. With `seal` the stream ends with these events.
   */
  append(stream: string, texts: readonly string[], options?: { seal?: boolean }): Write
  /** The same for a defined stream: checks the events (INVALID_INPUT), seals on a terminal one. */
  appendEvents<Definition extends AnyStream>(
    definition: Definition,
    params: Parameters<Definition['name']>[0],
    events: readonly InputOf<Definition>[],
  ): Write
  /**
   * Makes the stream, or makes sure that it is like that (idempotent). Throws STREAM_EXISTS where it is otherwise or
   * where a deleted stream of that name still serves forks, and, of a fork's source, NOT_FOUND, STREAM_EXISTS
   * (deleted), CONTENT_TYPE_MISMATCH, INVALID_INPUT (a place it does not have).
   */
  ensure(stream: string, config: StreamConfig): Promise<{ info: StreamInfo; created: boolean }>
  /**
   * Appends from outside, to a stream that exists; data and producer state in one commit. Appends of one stream are
   * judged one after the other, and one that is refused or fails takes no neighbour with it. Throws NOT_FOUND,
   * STREAM_GONE, and what `Database.commit` throws (STORAGE_FULL, UNAVAILABLE).
   */
  appendFrom(stream: string, request: AppendRequest): Promise<AppendOutcome>
  /**
   * Deletes the stream; its readers are told NOT_FOUND. While forks stand on it their part of it is kept and the name
   * stays taken (STREAM_GONE to whoever asks). Throws NOT_FOUND, STREAM_GONE.
   */
  remove(stream: string): Promise<void>
  /** Notes that a stream with a TTL was used. Costs no write: last uses are kept in memory and flushed now and then. */
  touch(info: StreamInfo): void
  /**
   * Where the stream stands; `null` where there is none or it has expired. Throws STREAM_GONE for one deleted under
   * its forks.
   */
  info(stream: string): Promise<StreamInfo | null>
  /** Where these streams stand, as far as they are there. Costs one look-up each, in one read; at most 1,000. */
  tails(streams: readonly string[]): Promise<Map<string, { tail: Offset; sealed: boolean }>>
  /** The stream an offset's incarnation belongs to; `null` for an incarnation never given out. */
  findByOffset(offset: Offset): Promise<StreamInfo | null>
  /**
   * Events after a position, or from the first kept one with `null`. Offsets of the histories this one continues
   * (forks) are as good as its own. Throws NOT_FOUND where there is no such stream, INVALID_OFFSET for a text that is
   * no offset, OFFSET_GONE for one of another history, of what is no longer kept, or beyond the tail: an unknown
   * position is never answered with silence.
   */
  read(stream: string, after: Offset | null, limit?: ReadLimit): Promise<LogPage>
  /**
   * The state folded from all events so far. Costs the events since the last stored snapshot, of which there are at
   * most a few hundred. Throws NOT_FOUND where there is no such stream, STATE_TOO_LARGE beyond 64 KB of JSON, NO_FOLD
   * where the history needed is no longer kept and the definition cannot migrate what is.
   */
  state<Definition extends AnyStream>(definition: Definition, stream: string): Promise<StreamState<StateOf<Definition>>>
}

import type { EventInput, Offset, StreamDefinition } from '@holdfast/protocol'
import type { Write } from '../db/database.ts'

/** Where a stream stands. */
export interface StreamInfo {
  name: string
  incarnation: number
  /** Position after the last event. */
  tail: Offset
  /** It has ended: nothing is appended any more. */
  sealed: boolean
}

/** A stretch of a stream, as read at one moment. */
export interface LogPage {
  /** Position before the first of `events`. */
  after: Offset
  /** Position after the last of `events`; equal to `after` where there are none. */
  offset: Offset
  /** The stored texts, as they were written. */
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
  /** Where the stream stands; `null` where there is none. */
  info(stream: string): Promise<StreamInfo | null>
  /** The stream an offset's incarnation belongs to; `null` for an incarnation never given out. */
  findByOffset(offset: Offset): Promise<StreamInfo | null>
  /**
   * Events after a position, or from the start with `null`. Throws NOT_FOUND where there is no such stream,
   * INVALID_OFFSET for a text that is no offset, OFFSET_GONE for one of another history or beyond the tail: an
   * unknown position is never answered with silence.
   */
  read(stream: string, after: Offset | null, limit?: ReadLimit): Promise<LogPage>
  /**
   * The state folded from all events so far. Costs the events since the last stored snapshot, of which there are at
   * most a few hundred. Throws NOT_FOUND where there is no such stream.
   */
  state<Definition extends AnyStream>(definition: Definition, stream: string): Promise<StreamState<StateOf<Definition>>>
}

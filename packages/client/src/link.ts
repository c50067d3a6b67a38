import type { Offset, StreamFrame } from '@holdfast/protocol'
import type { LinkConnection } from './connection-policy.ts'
import type { RequestError } from './request.ts'

/** Who holds the connection: this tab for itself, this tab for all, or another one. */
export type Role = 'alone' | 'leader' | 'follower'

/** How a client is connected; a new object for every change. */
export interface LinkStatus {
  connection: LinkConnection
  /** Why the connection is not what it should be. */
  error: RequestError | null
  role: Role
}

/** A reader of one stream. It keeps its position and says when something is missing (`Link.align`). */
export interface StreamReader {
  /** How far it has taken the stream in; `null` until it has begun. */
  readonly position: Offset | null
  /** Something of the stream: it may know it already, or miss what comes before. */
  receive(frame: Extract<StreamFrame, { type: 'events' | 'up_to_date' | 'sealed' }>): void
  /** Its position is no more (OFFSET_GONE): it is to begin anew. */
  reset(error: RequestError): void
  /** The stream cannot be read. Nothing more is received. */
  fail(error: RequestError): void
  /** Asks for the state, where each stream has to be asked about again and again. */
  poll?(signal: AbortSignal): Promise<void>
}

/** Events to be appended, with what makes a repetition harmless. */
export interface Append {
  stream: string
  events: unknown[]
  producer: { id: string; epoch: number; seq: number }
  /** Ends the stream with them. */
  seal?: boolean | undefined
}

export interface Appended {
  /** The stream's tail. */
  offset: Offset
}

/** The way to the server that all streams of a client share. */
export interface Link {
  readonly status: LinkStatus
  onStatus(listener: () => void): () => void
  /** Reads a stream from the reader's position on, once it has one; returns the way to stop. */
  open(stream: string, reader: StreamReader): () => void
  /** The reader's position is before what comes, or it has one now: what is missing is sent again. */
  align(stream: string, position: Offset): void
  /** Resolves when they are on disk. Throws RequestError; one with `retry` may be sent again as it is. */
  append(append: Append): Promise<Appended>
  /** Tries to connect now. */
  reconnect(): void
  close(): void
}

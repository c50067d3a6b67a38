import type { Problem } from './errors.ts'
import type { Offset } from './offset.ts'

/**
 * What the server says of one stream, on `/v1/ws` and on a stream's own URL alike. A reader keeps one position per
 * stream, the `offset` of the last frame it took in:
 *
 * - `after` equals the position: take the events, the position becomes `offset`.
 * - `offset` is at or before the position: the frame is known already, drop it.
 * - anything else: something is missing, read the log from the position.
 *
 * The first frame comes at once, also when there is nothing to read yet, so that a reader has a position from then on.
 * PROTOCOL.md has every frame with its rules.
 */
export type StreamFrame =
  /** `after` is the position before the first of `events`, `offset` the one after the last. */
  | { type: 'events'; stream: string; after: Offset; offset: Offset; events: unknown[] }
  /** The reader has everything there is; what follows is live. */
  | { type: 'up_to_date'; stream: string; after: Offset; offset: Offset }
  /** The stream has ended here. On a stream's own URL close code 4500 follows. */
  | { type: 'sealed'; stream: string; after: Offset; offset: Offset }
  | { type: 'error'; stream?: string; ref?: Ref; error: Problem }

/** A client's own mark on a request, given back with its answer. */
export type Ref = string | number

/** Where a subscription begins. `state`: with the folded state, and from there on. */
export type SubscribeFrom = Offset | '-1' | 'now' | 'state'

/** What a client says on `/v1/ws`. */
export type ClientFrame =
  | { type: 'subscribe'; stream: string; from?: SubscribeFrom; conflate?: boolean }
  | { type: 'unsubscribe'; stream: string }
  | {
      type: 'append'
      ref: Ref
      stream: string
      /** JSON values for a JSON stream, base64 texts for any other. */
      events: unknown[]
      producer?: { id: string; epoch: number; seq: number }
      /** Ends the stream with these events. */
      seal?: boolean
    }
  | { type: 'authenticate'; ref?: Ref; token: string }
  | { type: 'ping'; ref?: Ref }

/** What the server says on `/v1/ws`, besides the frames of streams. */
export type ServerFrame =
  | StreamFrame
  /** The first frame of a connection. */
  | {
      type: 'welcome'
      protocol: 1
      time: string
      heartbeatMs: number
      /** Who the other end is, and what they may do. */
      principal: string
      scope: string[]
      /** When their token expires, and the connection with it; absent where it does not. */
      expiresAt?: string
      limits: ConnectionLimits
    }
  /** The subscription stands, at `offset`; with its state where `from` was `state`. */
  | {
      type: 'subscribed'
      stream: string
      offset: Offset
      contentType: string
      sealed: boolean
      state?: unknown
      version?: number
    }
  /**
   * The position asked for is no more (410). The subscription stands all the same, at `offset`: where the stream has a
   * fold, `state` is the state there; where it has none, reading starts at the first event that is kept.
   */
  | { type: 'reset'; stream: string; offset: Offset; error: Problem; state?: unknown; version?: number }
  | { type: 'unsubscribed'; stream: string }
  /** On disk. `duplicate`: had been before. */
  | { type: 'appended'; ref: Ref; stream: string; offset: Offset; duplicate?: true; sealed?: true }
  | { type: 'authenticated'; ref?: Ref; expiresAt: string | null }
  | { type: 'pong'; ref?: Ref; time: string }
  | { type: 'heartbeat'; time: string }
  /** The server goes; close code 4000 follows. Come back after this many milliseconds. */
  | { type: 'drain'; retryAfterMs: number }

export interface ConnectionLimits {
  subscriptions: number
  /** Bytes of one frame from the client. */
  frameBytes: number
  /** Events of one append. */
  appendEvents: number
}

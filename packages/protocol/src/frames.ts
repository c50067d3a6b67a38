import type { Problem } from './errors.ts'
import type { Offset } from './offset.ts'

/**
 * What a WebSocket on a stream's URL (`/v1/stream/<name>`) sends. A reader keeps one position, the `offset` of the
 * last frame it took in:
 *
 * - `after` equals the position: take the events, the position becomes `offset`.
 * - `offset` is at or before the position: the frame is known already, drop it.
 * - anything else: something is missing, read the log from the position.
 *
 * The first frame comes at once, also when there is nothing to read yet, so that a reader has a position from then on.
 */
export type StreamFrame =
  /** `after` is the position before the first of `events`, `offset` the one after the last. */
  | { type: 'events'; after: Offset; offset: Offset; events: unknown[] }
  /** The reader has everything there is; what follows is live. */
  | { type: 'up_to_date'; after: Offset; offset: Offset }
  /** The stream has ended here; close code 4500 follows. */
  | { type: 'sealed'; after: Offset; offset: Offset }
  | { type: 'error'; error: Problem }

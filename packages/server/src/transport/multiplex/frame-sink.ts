import type { ServerFrame } from '@holdfast/protocol'
import type { Encoding } from '../../hub/delivery.ts'

/** Where the frames of many streams go: a WebSocket, a response that goes on, one answer. */
export interface FrameSink {
  /** Whether nothing more should be read on its behalf. Whoever made it says when that is no longer so. */
  readonly isFull: boolean
  /** Whether nothing more will be written. */
  readonly isOver: boolean
  /** How much text a page that is read for it holds, in code units; about. Absent: as much as the log gives. */
  readonly pageLength?: number
  /**
   * How it writes deliveries of a stream of that content type. One constant object for all sinks of a kind, so that a
   * delivery is encoded once for all of them. A delivery without events is never encoded.
   */
  encodingOf(contentType: string): Encoding<Buffer>
  /** A delivery in that encoding. Harmless once it is over. */
  write(delivery: Buffer): void
  /** Any other frame. Harmless once it is over. */
  say(frame: ServerFrame): void
}

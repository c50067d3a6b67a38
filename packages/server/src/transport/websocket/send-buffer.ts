import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Gathered, Turn } from '../../hub/turn.ts'

export interface SendBufferOptions {
  socket: WebSocket
  /** The stream below `socket`. */
  raw: Duplex
  turn: Turn
  /** Bytes from which on it is full. */
  limit: number
  /** It was full, and the system has taken everything. */
  onDrain: () => void
}

// Up to here frames are copied into one buffer, which most readers of a turn share; beyond, copying costs more than
// handing the system several pieces.
const JOIN_MAX = 65_536

/**
 * What waits for one peer. Frames of one turn are gathered and written at once, beside the `ws` library: its own
 * control frames go to the same stream, whole, and nothing is compressed or queued there, so the order holds.
 */
export class SendBuffer implements Gathered {
  readonly #socket: WebSocket
  readonly #raw: Duplex
  readonly #turn: Turn
  readonly #limit: number
  readonly #onDrain: () => void
  #frames: Buffer[] = []
  #gathered = 0
  #written = 0

  constructor({ socket, raw, turn, limit, onDrain }: SendBufferOptions) {
    this.#socket = socket
    this.#raw = raw
    this.#turn = turn
    // Only from its own mark on does a stream say when it has drained.
    this.#limit = Math.max(limit, raw.writableHighWaterMark)
    this.#onDrain = onDrain
    raw.on('drain', onDrain)
  }

  /** Bytes that the system has not taken yet. */
  get bytes(): number {
    return this.#gathered + this.#raw.writableLength
  }

  /** Bytes that the system has taken since the beginning. */
  get taken(): number {
    return this.#written - this.#raw.writableLength
  }

  get isFull(): boolean {
    return this.bytes >= this.#limit
  }

  /** Whole frames, for the end of the turn. */
  write(frames: Buffer): void {
    this.#gathered += frames.length
    if (this.#frames.push(frames) === 1) this.#turn.write(this)
  }

  flush(): void {
    const frames = this.#frames
    if (frames.length === 0) return
    const bytes = this.#gathered
    const wasFull = this.isFull
    this.#frames = []
    this.#gathered = 0
    // After its close frame a WebSocket says nothing. Source: RFC 6455, 5.5.1.
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#written += bytes
    if (frames.length === 1) this.#raw.write(frames[0])
    else if (bytes <= JOIN_MAX) this.#raw.write(join(frames))
    else {
      this.#raw.cork()
      for (const frame of frames) this.#raw.write(frame)
      this.#raw.uncork()
    }
    // What the system takes whole at once, however much it is, is not followed by a `drain`.
    if (wasFull && !this.#raw.writableNeedDrain) this.#onDrain()
  }
}

let lastFrames: readonly Buffer[] = []
let lastJoined: Buffer = Buffer.alloc(0)

/** Connections that read the same streams gather the same frames: those are put together once. */
function join(frames: readonly Buffer[]): Buffer {
  const same = frames.length === lastFrames.length && frames.every((frame, index) => frame === lastFrames[index])
  if (same) return lastJoined
  lastFrames = frames
  lastJoined = Buffer.concat(frames)
  return lastJoined
}

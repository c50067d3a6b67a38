import type { Duplex } from 'node:stream'
import { CLOSE, type Clock, type HoldfastError, type Ref, type ServerFrame } from '@holdfast/protocol'
import type { WebSocket } from 'ws'
import type { Turn } from '../../hub/turn.ts'
import type { FrameSink } from '../multiplex/frame-sink.ts'
import { encodeFrame, frameEncodingOf, type SocketEncoding } from './encodings.ts'
import type { Beating, Heartbeats } from './heartbeats.ts'
import { SendBuffer } from './send-buffer.ts'
import { PING } from './text-frame.ts'

/** What a WebSocket is used for. */
export interface PeerUse {
  /**
   * A message, `null` where it was binary. The promise, if there is one, stands for the work it gave; it never
   * rejects. `weight`: bytes that work may hold, where that is more than the message.
   */
  message(text: string | null): { done: Promise<void>; weight: number } | undefined
  /** There is room in the buffer again. */
  room(): void
  /** Bytes to be sent with each ping. */
  heartbeat?(): Buffer
  /** The connection is about to be over: nothing more is said but goodbye. */
  stop(): void
  /** It is over. The last call. */
  closed(): void
}

export interface PeerOptions {
  socket: WebSocket
  /** The stream below `socket`. */
  raw: Duplex
  clock: Clock
  turn: Turn
  heartbeats: Heartbeats
  /** Bytes held for the peer; and bytes of its messages that are worked on at a time. */
  limit: number
}

/** A close code and its reason. */
export interface Goodbye {
  code: number
  reason: string
}

// How long a peer may take to answer a goodbye, and how long a slow one may go without taking anything more of what
// comes before it.
const CLOSE_PATIENCE_MS = 2_000
const DRAIN_PATIENCE_MS = 30_000
const ERRORS_IN_A_ROW = 100

/** The `weight` of work that all later messages wait for. */
export const ALL_ATTENTION = 2 ** 40

// Of every peer that is not paused, so that thousands of idle ones share it. Never written to.
const NOTHING: (string | null)[] = []

/**
 * One WebSocket, whatever it is used for: gathers what goes out, pings, notices a peer that is gone, holds back what a
 * peer says while it does not listen, and says goodbye.
 */
export class Peer implements Beating, FrameSink {
  readonly #socket: WebSocket
  readonly #clock: Clock
  readonly #out: SendBuffer
  readonly #use: PeerUse
  readonly #limit: number
  readonly #heartbeats: Heartbeats
  readonly #place: number
  #held: (string | null)[] = NOTHING
  #isPaused = false
  #working = 0
  #errors = 0
  #answered = true
  #waitingAtBeat = 0
  #takenAtBeat = 0
  #isOver = false
  /** The goodbye to say once the peer has taken everything. */
  #goodbye: Goodbye | null = null
  #cancelPatience: (() => void) | null = null

  constructor({ socket, raw, clock, turn, heartbeats, limit }: PeerOptions, use: PeerUse) {
    this.#socket = socket
    this.#clock = clock
    this.#use = use
    this.#limit = limit
    this.#out = new SendBuffer({ socket, raw, turn, limit, onDrain: () => this.#onDrain() })
    this.#heartbeats = heartbeats
    this.#place = heartbeats.add(this)
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(isBinary ? null : data.toString()))
    socket.on('pong', () => {
      this.#answered = true
    })
    socket.on('close', () => {
      this.#end()
      use.closed()
    })
    // `close` follows; without a listener an error of the peer would end the process.
    socket.on('error', ignore)
  }

  /** Bytes held for it. */
  get buffered(): number {
    return this.#out.bytes
  }

  /** Whether nothing more should be read on its behalf. */
  get isFull(): boolean {
    return this.#out.isFull
  }

  /** Whether nothing is said any more but goodbye. */
  get isOver(): boolean {
    return this.#isOver
  }

  write(frames: Buffer): void {
    if (!this.#isOver) this.#out.write(frames)
  }

  encodingOf(contentType: string): SocketEncoding {
    return frameEncodingOf(contentType)
  }

  say(frame: ServerFrame): void {
    this.write(encodeFrame(frame))
  }

  error(error: HoldfastError, about: { stream?: string; ref?: Ref } = {}): void {
    this.say({ type: 'error', ...about, error: error.toProblem() })
  }

  /** The message could not be understood. Too many of those in a row, and it ends. */
  refuse(error: HoldfastError, about: { stream?: string; ref?: Ref } = {}): void {
    this.error(error, about)
    this.#errors += 1
    if (this.#errors > ERRORS_IN_A_ROW) this.close(CLOSE.TOO_MANY_ERRORS)
  }

  /** The message was understood. */
  accept(): void {
    this.#errors = 0
  }

  /** Says goodbye now and, where the peer does not answer, hangs up. */
  close({ code, reason }: Goodbye): void {
    this.#out.flush()
    this.#end()
    this.#goodbye = null
    this.#socket.close(code, reason)
    this.#cancelPatience = this.#clock.after(CLOSE_PATIENCE_MS, () => this.#socket.terminate())
    // The answer to the goodbye has to be read.
    this.#socket.resume()
  }

  /** Says goodbye once the peer has taken what was sent, however slowly, as long as it goes on taking. */
  closeWhenTaken(goodbye: Goodbye): void {
    this.#out.flush()
    if (this.#out.bytes === 0) {
      this.close(goodbye)
    } else {
      this.#end()
      this.#goodbye = goodbye
      this.#watchTaking(this.#out.taken)
    }
  }

  /** Asks whether it is still there, and cuts off whoever did not say so since the last time. */
  beat(): void {
    const { bytes, taken } = this.#out
    // The ping of a slow peer waits behind its data: that it takes some of that is an answer too.
    const tookSome = this.#waitingAtBeat > 0 && taken > this.#takenAtBeat
    if (!this.#answered && !tookSome) {
      this.close(CLOSE.TOO_SLOW)
      return
    }
    this.#answered = false
    this.#waitingAtBeat = bytes
    this.#takenAtBeat = taken
    const heartbeat = this.#use.heartbeat?.()
    if (heartbeat) this.#out.write(heartbeat)
    this.#out.write(PING)
  }

  #watchTaking(before: number): void {
    this.#cancelPatience = this.#clock.after(DRAIN_PATIENCE_MS, () => {
      if (this.#out.taken > before) this.#watchTaking(this.#out.taken)
      else this.#socket.terminate()
    })
  }

  #onDrain(): void {
    if (this.#goodbye) {
      this.close(this.#goodbye)
    } else if (!this.#isOver) {
      this.#use.room()
      this.#relieve()
    }
  }

  #onMessage(text: string | null): void {
    if (this.#isOver) return
    // Held back is what had arrived before the pause: no more than the system hands over at a time.
    if (this.#isPaused) this.#held.push(text)
    else this.#take(text)
  }

  #take(text: string | null): void {
    const work = this.#use.message(text)
    if (work) {
      const weight = Math.max(work.weight, text?.length ?? 0)
      this.#working += weight
      void work.done.then(() => {
        this.#working -= weight
        this.#relieve()
      })
    }
    if (this.#isUnderPressure()) this.#pause()
  }

  #isUnderPressure(): boolean {
    return this.#out.isFull || this.#working >= this.#limit
  }

  #pause(): void {
    if (this.#isPaused || this.#isOver) return
    this.#isPaused = true
    this.#held = []
    this.#socket.pause()
  }

  /** Takes up what was held back, and reads on once nothing is. */
  #relieve(): void {
    if (!this.#isPaused || this.#isOver) return
    while (this.#held.length > 0 && !this.#isUnderPressure()) this.#take(this.#held.shift() ?? null)
    if (this.#held.length > 0 || this.#isUnderPressure() || this.#isOver) return
    this.#isPaused = false
    this.#held = NOTHING
    this.#socket.resume()
  }

  /** Nothing more is said but goodbye, and nothing listened to. */
  #end(): void {
    this.#cancelPatience?.()
    this.#cancelPatience = null
    if (this.#isOver) return
    this.#isOver = true
    this.#held = NOTHING
    this.#heartbeats.remove(this, this.#place)
    this.#use.stop()
  }
}

function ignore(): void {}

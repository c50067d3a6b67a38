import { CLOSE, type Clock, HoldfastError, type Offset, type StreamFrame } from '@holdfast/protocol'
import type { WebSocket } from 'ws'
import type { Delivery, Encoding } from '../hub/delivery.ts'
import type { Hub, Subscriber, Subscription } from '../hub/hub.ts'

/** A place in a stream. */
type Mark = Pick<Delivery, 'stream' | 'offset'>

/** How a stream is written on a socket: the messages of a delivery, and what is said at the marks, if anything. */
export interface SocketEncoding extends Encoding<Buffer[]> {
  upToDate?: (at: Mark) => Buffer
  sealed?: (at: Mark) => Buffer
}

const frame = (value: StreamFrame) => Buffer.from(JSON.stringify(value))

/** The frames of protocol/frames.ts: several events in one message. */
export const frameEncoding: SocketEncoding = {
  encode: ({ stream, after, offset, events }) => {
    if (events.length === 0) return []
    const head = `{"type":"events","stream":"${stream}","after":"${after}","offset":"${offset}"`
    return [Buffer.from(`${head},"events":[${events.join(',')}]}`)]
  },
  upToDate: ({ stream, offset }) => frame({ type: 'up_to_date', stream, after: offset, offset }),
  sealed: ({ stream, offset }) => frame({ type: 'sealed', stream, after: offset, offset }),
}

export interface SocketSessionOptions {
  hub: Hub
  clock: Clock
  stream: string
  from: Offset | null
  encoding: SocketEncoding
}

// Beyond this many bytes waiting in the socket the reader is slow: its subscription pauses at its position, so the
// server holds no more than this for it, and goes on from the log once half of that has drained.
const BUFFER_MAX = 1_048_576
const PING_EVERY_MS = 25_000
// How long a peer may take to answer a goodbye, and how long a slow one may go without taking anything more.
const CLOSE_PATIENCE_MS = 2_000
const DRAIN_PATIENCE_MS = 30_000

/**
 * One WebSocket that reads one stream: delivers, pauses while the peer is slow, pings so that a half-open connection
 * is noticed, and ends with a close code that says whether to come back.
 */
export class SocketSession implements Subscriber {
  readonly #socket: WebSocket
  readonly #options: SocketSessionOptions
  readonly #subscription: Subscription
  #saidUpToDate = false
  #answered = true
  #bufferedAtPing = 0
  /** The goodbye to say once the peer has taken everything. */
  #goodbye: { code: number; reason: string } | null = null
  #cancelTimer: () => void

  constructor(socket: WebSocket, options: SocketSessionOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('close', () => this.#stop())
    // `close` follows; without a listener an error of the peer would end the process.
    socket.on('error', () => {})
    socket.on('pong', () => {
      this.#answered = true
    })
    socket.on('message', () => this.#refuseMessage())
    this.#cancelTimer = options.clock.after(PING_EVERY_MS, () => this.#ping())
    this.#subscription = options.hub.subscribe(options.stream, options.from, this)
  }

  get buffered(): number {
    return this.#socket.bufferedAmount
  }

  deliver(delivery: Delivery, upToDate: boolean): boolean {
    const { encoding } = this.#options
    for (const message of delivery.encoded(encoding)) this.#send(message)
    if (upToDate && !this.#saidUpToDate && !delivery.sealed) {
      this.#saidUpToDate = true
      const mark = encoding.upToDate?.(delivery)
      if (mark) this.#send(mark)
    }
    if (delivery.sealed && encoding.sealed) this.#send(encoding.sealed(delivery))
    return this.#socket.bufferedAmount < BUFFER_MAX
  }

  complete(): void {
    this.#closeWhenTaken(CLOSE.COMPLETED)
  }

  fail(error: HoldfastError): void {
    this.#send(frame({ type: 'error', stream: this.#options.stream, error: error.toProblem() }))
    if (error.code === 'OFFSET_GONE') this.#closeWhenTaken(CLOSE.OFFSET_GONE)
    else if (error.code === 'NOT_FOUND') this.#closeWhenTaken(CLOSE.NOT_FOUND)
    else this.#closeWhenTaken(CLOSE.UNAVAILABLE)
  }

  /** Says goodbye now and, where the peer does not answer, hangs up. */
  close({ code, reason }: { code: number; reason: string }): void {
    this.#stop()
    this.#goodbye = null
    this.#socket.close(code, reason)
    const cancel = this.#options.clock.after(CLOSE_PATIENCE_MS, () => this.#socket.terminate())
    this.#socket.once('close', cancel)
  }

  /** Says goodbye once the peer has taken what was sent, however slowly, as long as it goes on taking. */
  #closeWhenTaken(goodbye: { code: number; reason: string }): void {
    this.#stop()
    this.#goodbye = goodbye
    this.#onTaken()
    if (this.#goodbye) this.#watchTaking(this.#socket.bufferedAmount)
  }

  #watchTaking(before: number): void {
    this.#cancelTimer = this.#options.clock.after(DRAIN_PATIENCE_MS, () => {
      if (this.#socket.bufferedAmount < before) this.#watchTaking(this.#socket.bufferedAmount)
      else this.#socket.terminate()
    })
  }

  #onTaken(): void {
    const { bufferedAmount } = this.#socket
    if (this.#goodbye && bufferedAmount === 0) this.close(this.#goodbye)
    else if (bufferedAmount < BUFFER_MAX / 2) this.#subscription.resume()
  }

  #send(message: Buffer): void {
    this.#socket.send(message, { binary: false }, () => this.#onTaken())
  }

  #refuseMessage(): void {
    // A peer that talks and does not listen is not answered without end.
    if (this.#socket.bufferedAmount >= BUFFER_MAX) return
    const error = new HoldfastError('INVALID_INPUT', 'This connection only reads.')
    this.#send(frame({ type: 'error', error: error.toProblem() }))
  }

  #ping(): void {
    const { bufferedAmount } = this.#socket
    // The ping of a slow peer waits behind its data: that it takes some of that is an answer too.
    if (!this.#answered && bufferedAmount >= this.#bufferedAtPing) {
      this.#socket.terminate()
      return
    }
    this.#answered = false
    this.#bufferedAtPing = bufferedAmount
    this.#socket.ping(undefined, undefined, () => this.#onTaken())
    this.#cancelTimer = this.#options.clock.after(PING_EVERY_MS, () => this.#ping())
  }

  #stop(): void {
    this.#cancelTimer()
    this.#subscription.close()
  }
}

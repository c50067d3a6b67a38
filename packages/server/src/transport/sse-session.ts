import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock, HoldfastError, Offset } from '@holdfast/protocol'
import type { Delivery } from '../hub/delivery.ts'
import { knownOf, type OnFault } from '../hub/faults.ts'
import type { Hub, Subscriber, Subscription } from '../hub/hub.ts'
import type { SseForm } from './content/media-type.ts'
import { collides, cursorAfter } from './http/cursor.ts'
import type { SseEncoder } from './http/sse-encoding.ts'
import type { LiveResponse } from './sessions.ts'

const KEEP_ALIVE_MS = 15_000
const END_PATIENCE_MS = 30_000
const MIN_ROTATION_MS = 1_000
// How long an EventSource waits before it comes back; whoever loses a server does not come back with all the others.
// Source: WHATWG HTML, 9.2.3.
const RETRY_MS = 1_000
const RETRY_JITTER_MS = 2_000
// After a rotation nothing is wrong, and waiting would only hold events up.
const ROTATED_RETRY_MS = 20

export interface SseSessionOptions {
  hub: Hub
  onFault: OnFault
  clock: Clock
  random: () => number
  encoder: SseEncoder
  stream: string
  form: SseForm
  from: Offset | null
  /** The reader's own cursor, as it came. */
  cursor: unknown
  /** About how long one response lasts, in milliseconds; a tenth more or less by chance, at least a second. */
  rotationMs: number
}

/**
 * One response that reads one stream until the stream ends, the peer goes away, or its time is up. The last is no
 * fault: responses that end now and then let caches between join readers, and the reader comes back at once.
 */
export class SseSession implements Subscriber, LiveResponse {
  readonly #response: ServerResponse
  readonly #options: SseSessionOptions
  #subscription: Subscription | null = null
  #cancelKeepAlive = () => {}
  #cancelEnd = () => {}
  #ended = false
  /** What it is told for as long as the time's own cursor is not beyond it; `null` for most. */
  readonly #ownCursor: string | null

  constructor(response: ServerResponse, options: SseSessionOptions) {
    this.#response = response
    this.#options = options
    const { cursor, clock, random } = options
    this.#ownCursor = collides(cursor, clock.now()) ? cursorAfter(cursor, clock.now(), random) : null
  }

  /** Writes the head and begins to read. */
  open(headers: OutgoingHttpHeaders): void {
    const { hub, clock, random, stream, from, rotationMs } = this.#options
    this.#response.on('close', () => this.#stop())
    this.#response.on('drain', () => this.#subscription?.resume())
    this.#response.writeHead(200, headers)
    this.#response.write(`retry: ${Math.floor(RETRY_MS + RETRY_JITTER_MS * random())}\n\n`)
    const lasts = Math.max(MIN_ROTATION_MS, rotationMs * (0.9 + 0.2 * random()))
    this.#cancelEnd = clock.after(lasts, () => this.#rotate())
    this.#waitToKeepAlive()
    this.#subscription = hub.subscribe(stream, from, this)
  }

  get buffered(): number {
    return this.#response.writableLength
  }

  deliver(delivery: Delivery, upToDate: boolean): boolean {
    const { encoder, form, clock } = this.#options
    const own = this.#ownCursor !== null && collides(this.#ownCursor, clock.now()) ? this.#ownCursor : null
    return this.#response.write(encoder.encode(form, delivery, upToDate, own))
  }

  complete(): void {
    this.#end('')
  }

  fail(error: HoldfastError): void {
    const { stream, onFault } = this.#options
    const known = knownOf(error, stream, onFault)
    this.#end(`event: error\ndata: ${JSON.stringify(known.toProblem())}\n\n`)
  }

  close(): void {
    this.#subscription?.close()
    this.#end('')
  }

  refuse(error: HoldfastError): void {
    this.#subscription?.close()
    this.fail(error)
  }

  #rotate(): void {
    this.#subscription?.close()
    this.#end(`retry: ${ROTATED_RETRY_MS}\n\n`)
  }

  /** The last there is to say. Whoever does not take it in within a while is cut off. */
  #end(text: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelKeepAlive()
    this.#cancelEnd()
    this.#cancelEnd = this.#options.clock.after(END_PATIENCE_MS, () => this.#response.destroy())
    this.#response.end(text)
  }

  #waitToKeepAlive(): void {
    this.#cancelKeepAlive = this.#options.clock.after(KEEP_ALIVE_MS, () => {
      this.#response.write(': still here\n\n')
      this.#waitToKeepAlive()
    })
  }

  #stop(): void {
    this.#ended = true
    this.#cancelKeepAlive()
    this.#cancelEnd()
    this.#subscription?.close()
  }
}

import type { ServerResponse } from 'node:http'
import type { Clock, HoldfastError, Offset } from '@holdfast/protocol'
import type { Delivery, Encoding } from '../hub/delivery.ts'
import type { Hub, Subscriber, Subscription } from '../hub/hub.ts'

/**
 * Server-sent events as Durable Streams writes them: every `data` event (a JSON array of messages) is followed by a
 * `control` event with the next offset, in one write. `id:` stands after the data, so that a plain EventSource comes
 * back with `Last-Event-ID`; the control event has it too, for a reader that has seen no data yet. Source: Durable Streams PROTOCOL.md, SSE; WHATWG HTML, section 9.2.
 */
const dataEncoding: Encoding<string> = {
  encode: ({ events, offset }) =>
    events.length === 0 ? '' : `event: data\ndata: [${events.join(',')}]\nid: ${offset}\n\n`,
}

const KEEP_ALIVE_MS = 15_000
const END_PATIENCE_MS = 30_000

export interface SseSessionOptions {
  hub: Hub
  clock: Clock
  stream: string
  from: Offset | null
}

/** One response that reads one stream until it ends or the peer goes away. */
export class SseSession implements Subscriber {
  readonly #response: ServerResponse
  readonly #clock: Clock
  readonly #subscription: Subscription
  #cancelTimer: () => void

  constructor(response: ServerResponse, { hub, clock, stream, from }: SseSessionOptions) {
    this.#response = response
    this.#clock = clock
    response.on('close', () => this.#stop())
    response.on('drain', () => this.#subscription.resume())
    this.#cancelTimer = clock.after(KEEP_ALIVE_MS, () => this.#keepAlive())
    this.#subscription = hub.subscribe(stream, from, this)
  }

  get buffered(): number {
    return this.#response.writableLength
  }

  deliver(delivery: Delivery, upToDate: boolean): boolean {
    const control = {
      streamNextOffset: delivery.offset,
      ...(delivery.sealed ? { streamClosed: true } : upToDate ? { upToDate: true } : {}),
    }
    const text = delivery.encoded(dataEncoding)
    return this.#response.write(`${text}event: control\ndata: ${JSON.stringify(control)}\nid: ${delivery.offset}\n\n`)
  }

  complete(): void {
    this.#end('')
  }

  fail(error: HoldfastError): void {
    this.#end(`event: error\ndata: ${JSON.stringify(error.toProblem())}\n\n`)
  }

  /** Ends the response; the peer comes back by itself with its last offset. */
  close(): void {
    this.#subscription.close()
    this.#end('')
  }

  /** The last there is to say. Whoever does not take it in within a while is cut off. */
  #end(text: string): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#clock.after(END_PATIENCE_MS, () => this.#response.destroy())
    this.#response.end(text)
  }

  #keepAlive(): void {
    this.#response.write(': still here\n\n')
    this.#cancelTimer = this.#clock.after(KEEP_ALIVE_MS, () => this.#keepAlive())
  }

  #stop(): void {
    this.#cancelTimer()
    this.#subscription.close()
  }
}

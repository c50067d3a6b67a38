import WebSocket from 'ws'
import { CLOSE } from '../../packages/protocol/src/index.ts'
import type { ServerUnderTest } from './server-under-test.ts'

/** One event as it stands on the wire. */
export interface WireEvent {
  type: string
  timestamp: string
  offset: string
  [field: string]: unknown
}

/** Reads an ingestion's events over WebSocket, keeps them, and can be cut and resumed as a flaky network would. */
export class Watcher {
  readonly events: WireEvent[] = []
  /** Event to arrival in milliseconds; only of events written while this watcher was connected. */
  readonly latencies: number[] = []
  cuts = 0
  readonly #server: Pick<ServerUnderTest, 'url' | 'headers'>
  readonly #url: string
  readonly #done = Promise.withResolvers<void>()
  #socket: WebSocket | null = null
  #connectedAt = Number.POSITIVE_INFINITY
  #cutAfter: number

  /** `cutAfter`: cut the connection without a word once this many events have come, then resume. 0 = never. */
  constructor(server: Pick<ServerUnderTest, 'url' | 'headers'>, url: string, cutAfter = 0) {
    this.#server = server
    this.#url = url
    this.#cutAfter = cutAfter
    this.#connect()
  }

  /** Settles when the server has said that the stream is complete; rejects on any other unasked end. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** Gives up: `done` rejects with the error. */
  fail(error: Error): void {
    this.#done.reject(error)
    this.#socket?.terminate()
  }

  #connect(): void {
    const url = new URL(this.#url, this.#server.url.replace('http', 'ws'))
    const last = this.events.at(-1)
    if (last) url.searchParams.set('offset', last.offset)
    const socket = new WebSocket(url, { headers: this.#server.headers })
    this.#socket = socket
    this.#connectedAt = Number.POSITIVE_INFINITY
    socket.on('open', () => {
      this.#connectedAt = Date.now()
    })
    socket.on('message', (data) => {
      if (socket === this.#socket) this.#receive(String(data))
    })
    socket.on('error', (error) => {
      if (socket === this.#socket) this.#done.reject(error)
    })
    socket.on('close', (code, reason) => {
      if (socket !== this.#socket) return
      if (code === CLOSE.COMPLETED.code) this.#done.resolve()
      else this.#done.reject(new Error(`closed with ${code} ${reason}`))
    })
  }

  #receive(text: string): void {
    const arrived = Date.now()
    const event = JSON.parse(text) as WireEvent
    this.events.push(event)
    const written = Date.parse(event.timestamp)
    if (written > this.#connectedAt) this.latencies.push(arrived - written)
    if (this.#cutAfter > 0 && this.events.length === this.#cutAfter) this.#cut()
  }

  #cut(): void {
    const socket = this.#socket
    this.cuts += 1
    this.#cutAfter = 0
    this.#socket = null
    socket?.terminate()
    this.#connect()
  }
}

/** The value below which `share` of the values lie; 0 for none. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
}

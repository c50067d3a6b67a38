import { type Offset, type ServerFrame, shouldReconnect } from '@holdfast/protocol'
import { CONNECT_TIMEOUT_MS, type Failure } from '../connection-policy.ts'
import { RequestError } from '../request.ts'
import type { WebSocketLike } from '../world.ts'
import { Liveness } from './liveness.ts'
import type { Transport, TransportHost } from './transport.ts'

/** How long an answer to a question may take before the connection counts as lost, ms. */
const CHECK_MS = 5_000

/** Many streams on one WebSocket, `/v1/ws`. Source: PROTOCOL.md, W1 to W24. */
export class WebSocketTransport implements Transport {
  readonly name = 'websocket'
  readonly #host: TransportHost
  readonly #socket: WebSocketLike | null
  readonly #liveness: Liveness
  /** Streams that were left, by how many goodbyes are still to come: what they say until then is not asked for. */
  readonly #leaving = new Map<string, number>()
  #cancelTimer: (() => void) | null
  #isOpen = false
  #isReady = false
  #isOver = false
  #error: RequestError | undefined
  #retryAfterMs: number | undefined

  constructor(host: TransportHost, token?: string) {
    const { world } = host
    this.#host = host
    this.#liveness = new Liveness(world.clock, () => this.#end('silent'))
    this.#cancelTimer = world.clock.after(CONNECT_TIMEOUT_MS, () => this.#end(this.#isOpen ? 'silent' : 'unopened'))
    this.#socket = world.openSocket(`${world.baseUrl.replace(/^http/, 'ws')}/v1/ws`, token)
    if (this.#socket === null) {
      // Told later: whoever made this does not have it yet.
      this.#cancelTimer()
      this.#cancelTimer = world.clock.after(0, () => this.#end('silent'))
      return
    }
    this.#listen(this.#socket)
  }

  subscribe(stream: string, from: Offset): void {
    this.send({ type: 'subscribe', stream, from })
  }

  unsubscribe(stream: string): void {
    if (!this.send({ type: 'unsubscribe', stream })) return
    this.#leaving.set(stream, (this.#leaving.get(stream) ?? 0) + 1)
  }

  send(frame: object): boolean {
    if (this.#isReady && !this.#isOver) this.#socket?.send(JSON.stringify(frame))
    return this.#isReady && !this.#isOver
  }

  authenticate(token: string): void {
    this.send({ type: 'authenticate', token })
  }

  check(): void {
    if (!this.send({ type: 'ping' }) || this.#cancelTimer) return
    this.#cancelTimer = this.#host.world.clock.after(CHECK_MS, () => this.#end('lost'))
  }

  close(): void {
    this.#isOver = true
    this.#cancelTimer?.()
    this.#liveness.stop()
    const socket = this.#socket
    if (!socket) return
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    // Closing one that is still opening makes it fail; somebody has to listen to that.
    socket.onerror = () => {}
    socket.close(1000)
  }

  #listen(socket: WebSocketLike): void {
    socket.onopen = () => {
      this.#isOpen = true
    }
    socket.onmessage = ({ data }) => {
      this.#liveness.heard()
      if (this.#isReady) this.#stopTimer()
      const frame = typeof data === 'string' ? parseFrame(data) : null
      if (frame) this.#receive(frame)
    }
    socket.onclose = ({ code }) => this.#onClose(code)
    // A failure is always followed by a close, which says what to do.
    socket.onerror = () => {}
  }

  #receive(frame: ServerFrame): void {
    if (frame.type === 'welcome') {
      this.#stopTimer()
      this.#isReady = true
      this.#liveness.start(frame.heartbeatMs)
      for (const { stream, from } of this.#host.wanted()) this.subscribe(stream, from)
      this.#host.opened(frame)
      return
    }
    if (frame.type === 'drain') this.#retryAfterMs = frame.retryAfterMs
    const isOfStream = 'stream' in frame && frame.stream !== undefined
    if (frame.type === 'error' && !isOfStream && frame.ref === undefined) {
      this.#error = RequestError.fromProblem(frame.error)
    }
    const leaving = isOfStream && !('ref' in frame) ? (this.#leaving.get(frame.stream as string) ?? 0) : 0
    if (leaving === 0) this.#host.frame(frame)
    else if (frame.type === 'unsubscribed') this.#leave(frame.stream, leaving - 1)
  }

  #leave(stream: string, left: number): void {
    if (left === 0) this.#leaving.delete(stream)
    else this.#leaving.set(stream, left)
  }

  #onClose(code: number): void {
    if (!this.#isReady) this.#end('unopened')
    else if (shouldReconnect(code)) this.#end('lost')
    else this.#refuse(code)
  }

  #refuse(code: number): void {
    if (this.#isOver) return
    this.close()
    // What is wrong was said before the goodbye.
    const fields = { code: 'INTERNAL_ERROR', status: 0, kind: 'unknown', retry: false } as const
    this.#host.refused(this.#error ?? new RequestError(`The server ended the connection (${code}).`, fields))
  }

  #end(how: Failure): void {
    if (this.#isOver) return
    this.close()
    this.#host.failed(how, this.#error, this.#retryAfterMs)
  }

  #stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }
}

/** `null` for what is no frame. */
export function parseFrame(text: string): ServerFrame | null {
  try {
    const value = JSON.parse(text) as ServerFrame | null
    return typeof value?.type === 'string' ? value : null
  } catch {
    return null
  }
}

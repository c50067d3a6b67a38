import { CLOSE, compareOffsets, type EventBase, type Offset, parseOffset, shouldReconnect } from '@holdfast/protocol'
import { CONNECT_TIMEOUT_MS, type Connection, type ConnectionInput, IDLE, nextConnection } from './connection-policy.ts'
import { RequestError } from './request.ts'
import type { Decode, Received } from './wire.ts'
import type { ClientWorld, WebSocketLike } from './world.ts'

export interface StreamConnectionOptions {
  world: ClientWorld
  /** Path of the WebSocket, without `offset`. */
  path: string
  decode: Decode
  /**
   * Where reading begins: asked before the first connection, after a try that never opened (a WebSocket does not tell
   * why it was refused, a request does) and after OFFSET_GONE. `'ended'`: there is nothing to wait for. Throws
   * RequestError; one with `retry: false` ends in `error`.
   */
  locate(signal: AbortSignal): Promise<Offset | 'ended'>
  /** Every event once and in order; returns whether one of them ended the stream. Throws RequestError to give up. */
  onEvents(events: EventBase[], offset: Offset): 'ended' | undefined
  onChange(connection: Connection, error: RequestError | null): void
}

/**
 * Reads one stream over a WebSocket and does not lose its place: keeps the last offset, resumes there after a loss,
 * drops what it has already, stops at the end. What to do when is the policy's (connection-policy.ts).
 */
export class StreamConnection {
  readonly #options: StreamConnectionOptions
  #connection: Connection = IDLE
  #error: RequestError | null = null
  #position: Offset | null = null
  /** What the current try holds open: a request, a socket, a timer. Aborting it drops all of them. */
  #attempt: AbortController | null = null
  #unsubscribe: (() => void) | null = null

  constructor(options: StreamConnectionOptions) {
    this.#options = options
  }

  get connection(): Connection {
    return this.#connection
  }

  /** Begins reading, or tries again now; harmless while connected. */
  connect(): void {
    this.#unsubscribe ??= this.#options.world.connectivity.subscribe(() => this.#onConnectivity())
    this.#input('connect')
  }

  /** Ends reading. The position is kept: `connect` goes on there. */
  disconnect(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = null
    this.#input('disconnect')
  }

  #onConnectivity(): void {
    const { connectivity } = this.#options.world
    if (!connectivity.online()) return
    // Given up for want of a network, and now there is one; an answer of the server's is not asked for again.
    if (this.#connection.state === 'error' && this.#error?.retry !== false) this.#input('connect')
    else this.#input('due')
  }

  #input(input: ConnectionInput, error?: RequestError): void {
    const { clock, random } = this.#options.world
    const before = this.#connection
    const after = nextConnection(before, input, clock.now(), random)
    if (after === before) return
    this.#connection = after
    if (after.state === 'connected') this.#error = null
    else if (error) this.#error = error
    if (isTrying(after) && !isTrying(before)) void this.#try()
    else if (after.retryAt !== null) this.#wait(after.retryAt - clock.now())
    else if (!isTrying(after) && after.state !== 'connected') this.#drop()
    this.#options.onChange(after, this.#error)
  }

  #drop(): void {
    this.#attempt?.abort()
    this.#attempt = null
  }

  #begin(): AbortSignal {
    this.#drop()
    this.#attempt = new AbortController()
    return this.#attempt.signal
  }

  #wait(ms: number): void {
    const signal = this.#begin()
    const cancel = this.#options.world.clock.after(ms, () => this.#input('due'))
    signal.addEventListener('abort', cancel)
  }

  async #try(): Promise<void> {
    const signal = this.#begin()
    const cancel = this.#options.world.clock.after(CONNECT_TIMEOUT_MS, () => this.#lose())
    signal.addEventListener('abort', cancel)
    try {
      const start = this.#position ?? (await this.#options.locate(signal))
      if (signal.aborted) return
      if (start === 'ended') this.#input('ended')
      else this.#open(start, signal, cancel)
    } catch (error) {
      if (signal.aborted) return
      const known = error instanceof RequestError ? error : RequestError.unreachable(error)
      this.#input(known.retry ? 'lost' : 'refused', known)
    }
  }

  #lose(error = RequestError.unreachable()): void {
    if (this.#connection.state !== 'connected') this.#position = null
    this.#input('lost', error)
  }

  #open(offset: Offset, signal: AbortSignal, onOpened: () => void): void {
    this.#position = offset
    const socket = this.#options.world.openSocket(this.#url(offset))
    signal.addEventListener('abort', () => release(socket))
    socket.onopen = () => {
      onOpened()
      this.#input('opened')
    }
    socket.onmessage = ({ data }) => {
      this.#input('received')
      if (typeof data === 'string') this.#receive(this.#options.decode(data))
    }
    socket.onclose = ({ code }) => this.#onClose(code)
    // A failure is always followed by a close, which says what to do.
    socket.onerror = () => {}
  }

  #url(offset: Offset): string {
    const { world, path } = this.#options
    const joint = path.includes('?') ? '&' : '?'
    return `${world.baseUrl.replace(/^http/, 'ws')}${path}${joint}offset=${encodeURIComponent(offset)}`
  }

  #onClose(code: number): void {
    if (code === CLOSE.COMPLETED.code) {
      this.#input('ended')
    } else if (code === CLOSE.OFFSET_GONE.code) {
      this.#position = null
      this.#input('lost')
    } else if (shouldReconnect(code)) {
      this.#lose()
    } else if (code === CLOSE.SIGNED_OUT.code) {
      const fields = { code: 'UNAUTHENTICATED', status: 401, kind: 'auth', retry: false } as const
      this.#input('refused', new RequestError('You were signed out everywhere.', fields))
    } else {
      const fields = { code: 'NOT_FOUND', status: 404, kind: 'not_found', retry: false } as const
      this.#input('refused', new RequestError('The stream is gone.', fields))
    }
  }

  #receive(received: Received | null): void {
    switch (received?.kind) {
      case 'error':
        this.#input(received.error.retry ? 'lost' : 'refused', received.error)
        break
      case 'sealed':
        this.#input('ended')
        break
      case 'events':
        this.#take(received)
    }
  }

  #take({ events, after, offset }: Extract<Received, { kind: 'events' }>): void {
    const position = this.#position
    if (position === null) return
    if (isOfOneHistory(position, after ?? offset)) {
      if (compareOffsets(offset, position) <= 0) return
      // Something between is missing: read again from where we are.
      if (after !== null && compareOffsets(after, position) > 0) {
        this.#input('lost')
        return
      }
    }
    this.#position = offset
    try {
      if (this.#options.onEvents(events, offset) === 'ended') this.#input('ended')
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      this.#input('refused', error)
    }
  }
}

/**
 * Whether two positions can be compared. Asked for by an offset of the history it continues, a fork answers with its
 * own name for that place, from the first frame on; what it sends begins there.
 */
function isOfOneHistory(a: Offset, b: Offset): boolean {
  return parseOffset(a)?.incarnation === parseOffset(b)?.incarnation
}

function isTrying({ state, retryAt }: Connection): boolean {
  return state === 'connecting' || (state === 'reconnecting' && retryAt === null)
}

function release(socket: WebSocketLike): void {
  socket.onopen = null
  socket.onmessage = null
  socket.onclose = null
  // Closing a socket that is still opening makes it fail; somebody has to listen to that.
  socket.onerror = () => {}
  socket.close(1000)
}

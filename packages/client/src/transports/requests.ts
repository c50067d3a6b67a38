import type { ServerFrame } from '@holdfast/protocol'
import { sleep } from '@holdfast/protocol'
import type { Failure, TransportName } from '../connection-policy.ts'
import { RequestError, send } from '../request.ts'
import { linesOf } from './lines.ts'
import { Liveness } from './liveness.ts'
import type { Transport, TransportHost, Wanted } from './transport.ts'
import { parseFrame } from './websocket.ts'

/** How long the first word of an endless answer may take, ms: longer, and something gathers it on the way. */
const FIRST_WORD_MS = 10_000
/** How long an answer may take that has nothing to wait for, ms. */
const ANSWER_MS = 20_000
/** How long a long-poll waits for news, s. */
const WAIT_S = 25
/** Between two questions of `poll`, ms. */
export const POLL_MS = 2_000
/** Waits in a row that something cut short, after which no more are made. */
const CUT_WAITS = 2

/**
 * Many streams by ordinary requests, `POST /v1/read`: one endless answer (`sse`), answers that wait for news
 * (`long-poll`), or a question every two seconds (`poll`). Whenever other streams are wanted it asks anew.
 */
export class RequestTransport implements Transport {
  readonly name: Exclude<TransportName, 'websocket'>
  readonly #host: TransportHost
  readonly #liveness: Liveness
  #asking = new AbortController()
  #cancelAsk: (() => void) | null = null
  #isOver = false
  #isOpen = false
  #cutWaits = 0
  #retryAfterMs: number | undefined

  constructor(name: Exclude<TransportName, 'websocket'>, host: TransportHost) {
    this.name = name
    this.#host = host
    this.#liveness = new Liveness(host.world.clock, () => this.#end('silent'))
    this.#askAnew()
  }

  subscribe(): void {
    this.#askAnew()
  }

  unsubscribe(): void {
    this.#askAnew()
  }

  send(): boolean {
    return false
  }

  authenticate(): void {
    this.#askAnew()
  }

  /** The question that is asked now may be one that nobody answers any more. */
  check(): void {
    this.#askAnew()
  }

  close(): void {
    this.#isOver = true
    this.#cancelAsk?.()
    this.#liveness.stop()
    this.#asking.abort()
  }

  /** Once for all that changes at the same time. */
  #askAnew(): void {
    if (this.#isOver || this.#cancelAsk) return
    this.#cancelAsk = this.#host.world.clock.after(0, () => {
      this.#cancelAsk = null
      this.#asking.abort()
      this.#liveness.stop()
      this.#asking = new AbortController()
      void this.#ask(this.#asking.signal)
    })
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      const wanted = this.#host.wanted()
      if (wanted.length === 0) await this.#ping(signal)
      else if (this.name === 'sse') await this.#follow(wanted, signal)
      else await this.#askOn(signal)
    } catch (error) {
      if (!signal.aborted) this.#fail(error instanceof RequestError ? error : RequestError.unreachable(error))
    }
  }

  /** Nothing is wanted yet; whether it would work is asked all the same. */
  async #ping(signal: AbortSignal): Promise<void> {
    await this.#within(ANSWER_MS, signal, (limited) => send(this.#host.world, '/health/live', { signal: limited }))
    if (!signal.aborted) this.#opened(null)
  }

  async #follow(wanted: Wanted[], signal: AbortSignal): Promise<void> {
    const { world } = this.#host
    const cancel = world.clock.after(FIRST_WORD_MS, () => this.#end('silent'))
    signal.addEventListener('abort', cancel)
    const response = await send(world, '/v1/read', { ...question(wanted), signal }, 'text/event-stream')
    for await (const line of linesOf(response, signal)) {
      this.#liveness.heard()
      const frame = line.startsWith('data:') ? parseFrame(line.slice(5)) : null
      if (!frame || signal.aborted) continue
      cancel()
      this.#take(frame)
    }
    if (signal.aborted) return
    // All that was wanted has come to its end, and nobody says more.
    this.#liveness.stop()
    if (this.#host.wanted().length === 0) return
    this.#end(this.#isOpen ? 'lost' : 'unopened')
  }

  async #askOn(signal: AbortSignal): Promise<void> {
    for (;;) {
      // The first answer comes at once: it says whether this works at all.
      const waitS = this.name === 'long-poll' && this.#isOpen ? WAIT_S : 0
      const isBehind = await this.#round(waitS, signal)
      if (signal.aborted || this.#host.wanted().length === 0) return
      if (this.name === 'poll' && !isBehind) await sleep(this.#host.world.clock, POLL_MS, signal)
    }
  }

  /** Whether there is more of a stream than one answer holds. */
  async #round(waitS: number, signal: AbortSignal): Promise<boolean> {
    const wanted = this.#host.wanted()
    const isPoll = this.name === 'poll'
    const own = isPoll ? wanted.filter(({ poll }) => poll) : []
    const others = wanted.filter((one) => !own.includes(one))
    const [frames] = await this.#within(ANSWER_MS + waitS * 1000, signal, (limited) =>
      // All together, so that none fails unheard while another is waited for.
      Promise.all([this.#read(others, waitS, limited), ...own.map(({ poll }) => poll?.(limited))]),
    )
    if (signal.aborted) return false
    this.#cutWaits = 0
    this.#opened(null)
    for (const frame of frames) this.#take(frame)
    // It goes, and answers at once until it is gone.
    if (this.#retryAfterMs !== undefined) this.#end('lost')
    return others.some(({ stream }) => !frames.some((frame) => isAllOf(stream, frame)))
  }

  async #read(wanted: Wanted[], waitS: number, signal: AbortSignal): Promise<ServerFrame[]> {
    if (wanted.length === 0) return []
    const response = await send(this.#host.world, `/v1/read?wait=${waitS}`, { ...question(wanted), signal })
    return ((await response.json()) as { frames: ServerFrame[] }).frames
  }

  /** A RequestError where it takes longer than `ms`. */
  async #within<T>(ms: number, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController()
    const abort = () => limit.abort()
    const cancel = this.#host.world.clock.after(ms, abort)
    signal.addEventListener('abort', abort)
    try {
      return await task(limit.signal)
    } finally {
      cancel()
      signal.removeEventListener('abort', abort)
    }
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'welcome') {
      this.#liveness.start(frame.heartbeatMs)
      this.#opened(frame)
    } else if (frame.type === 'drain') {
      this.#retryAfterMs = frame.retryAfterMs
    } else {
      this.#host.frame(frame)
    }
  }

  #opened(welcome: Extract<ServerFrame, { type: 'welcome' }> | null): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#host.opened(welcome)
  }

  #fail(error: RequestError): void {
    if (error.kind === 'auth') {
      this.close()
      this.#host.refused(error)
    } else if (error.kind === 'limit' && error.retry) {
      // No other way to ask is answered otherwise.
      this.#retryAfterMs ??= error.retryAfter && error.retryAfter * 1000
      this.#end('unreachable', error)
    } else if (this.name === 'long-poll' && this.#isOpen) {
      // Something does not let answers wait: once is chance.
      this.#cutWaits += 1
      if (this.#cutWaits < CUT_WAITS) this.#askAnew()
      else this.#end(error.status === 0 ? 'lost' : 'silent', error)
    } else if (error.status === 0) {
      this.#end(this.#isOpen ? 'lost' : 'unreachable', error)
    } else {
      this.#end('unopened', error)
    }
  }

  #end(how: Failure, error?: RequestError): void {
    if (this.#isOver) return
    this.close()
    this.#host.failed(how, error, this.#retryAfterMs)
  }
}

/** Whether a stream has nothing more to say just now. Source: PROTOCOL.md, R8. */
function isAllOf(stream: string, frame: ServerFrame): boolean {
  const isLast = frame.type === 'up_to_date' || frame.type === 'sealed' || frame.type === 'error'
  return isLast && frame.stream === stream
}

function question(wanted: Wanted[]): { method: string; headers: Record<string, string>; body: string } {
  const subscriptions = wanted.map(({ stream, from }) => ({ stream, from }))
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subscriptions }),
  }
}

import type { IncomingHttpHeaders } from 'node:http'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { HoldfastError, isHoldfastError, sleep } from '@holdfast/protocol'
import type { Agent, request } from 'undici'
import { AddressRefusedError } from './address-check.ts'
import { HostGate } from './host-gate.ts'
import type { ResolvedOptions } from './options.ts'

export interface HttpResponse {
  /** Where the answer came from, redirects followed. */
  url: URL
  headers: IncomingHttpHeaders
  /** As its content encoding says, decoded. */
  body: Readable
}

/** The answer was not 2xx, after every retry. */
export class HttpStatusError extends Error {
  readonly status: number
  readonly headers: IncomingHttpHeaders

  constructor(url: URL, status: number, headers: IncomingHttpHeaders) {
    super(`${url.host} answered ${status}.`)
    this.name = 'HttpStatusError'
    this.status = status
    this.headers = headers
  }
}

/** The request cannot succeed, and asking again would not help. */
export class RequestRefusedError extends Error {
  override readonly name = 'RequestRefusedError'
}

export interface GetOptions {
  signal: AbortSignal
  /** For the whole of it, the waits between retries not counted. */
  timeoutMs: number
  headers?: (url: URL) => Record<string, string>
}

export interface HttpClient {
  /**
   * One GET with everything that belongs to good manners: at most so many at a time per host, redirects followed and
   * checked one by one, `Retry-After` honoured, broken answers asked for again. `consume` reads the body; where that
   * breaks it may be called again, and has to begin anew. Throws HttpStatusError, RequestRefusedError,
   * AddressRefusedError, what `consume` throws, or the last network error.
   */
  get<Value>(url: URL, options: GetOptions, consume: (response: HttpResponse) => Promise<Value>): Promise<Value>
  close(): Promise<void>
}

const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const WORTH_ANOTHER = new Set([408, 425, 429, 500, 502, 503, 504])

export function createHttpClient(options: ResolvedOptions): HttpClient {
  const { limits, clock } = options
  let opened: Promise<Undici> | null = null
  const gate = new HostGate(limits.requestsPerHost, clock)

  async function attempt<Value>(url: URL, get: GetOptions, consume: (response: HttpResponse) => Promise<Value>) {
    const timeout = new AbortController()
    const cancelTimeout = clock.after(get.timeoutMs, () => timeout.abort(new TimeoutError(get.timeoutMs)))
    const signal = AbortSignal.any([get.signal, timeout.signal])
    try {
      opened ??= openUndici(options)
      return await follow(await opened, url, { ...get, signal }, options.userAgent, consume)
    } catch (error) {
      // What undici throws on an abort depends on how far it had come; the signals know why.
      get.signal.throwIfAborted()
      throw timeout.signal.aborted ? timeout.signal.reason : error
    } finally {
      cancelTimeout()
    }
  }

  return {
    async get(url, get, consume) {
      for (let tries = 0; ; tries++) {
        const leave = await gate.enter(url.host, get.signal)
        let wait: number | null
        try {
          return await attempt(url, get, consume)
        } catch (error) {
          if (get.signal.aborted) throw get.signal.reason
          wait = tries < limits.retries ? waitBeforeRetry(error, tries, clock.now()) : null
          if (wait === null || wait > limits.longestWaitMs) throw error
          if (error instanceof HttpStatusError && error.headers['retry-after']) gate.quiet(url.host, wait)
        } finally {
          leave()
        }
        await sleep(clock, wait, get.signal)
      }
    },
    close: async () => (await opened)?.agent.destroy(),
  }
}

class TimeoutError extends Error {
  constructor(ms: number) {
    super(`It took longer than ${Math.round(ms / 100) / 10} seconds.`)
    this.name = 'TimeoutError'
  }
}

/** Milliseconds until it is worth asking again, or `null` where it never is. */
function waitBeforeRetry(error: unknown, tries: number, now: number): number | null {
  const backoff = 1000 * 2 ** tries
  if (error instanceof HttpStatusError) {
    if (!WORTH_ANOTHER.has(error.status)) return null
    return retryAfterMs(error.headers['retry-after'], now) ?? backoff
  }
  return error instanceof Error && 'code' in error && BROKEN_CONNECTION.test(String(error.code)) ? backoff : null
}

// A host whose name is not known, a certificate that is not valid and an answer too large stay what they are.
const BROKEN_CONNECTION = new RegExp(
  '^(?:ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EAI_AGAIN|Z_BUF_ERROR|' +
    'UND_ERR_(?:SOCKET|CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|RES_CONTENT_LENGTH_MISMATCH))$',
)

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined || header.trim() === '') return null
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}

interface Undici {
  agent: Agent
  request: typeof request
}

/** Read when the first download wants it: most servers start without one, and none should wait for it. */
async function openUndici(options: ResolvedOptions): Promise<Undici> {
  const [{ request }, { createGuardedAgent }] = await Promise.all([import('undici'), import('./guarded-agent.ts')])
  return { agent: createGuardedAgent({ ...options, idleMs: options.limits.idleMs }), request }
}

async function follow<Value>(
  { agent, request }: Undici,
  start: URL,
  get: GetOptions,
  userAgent: string,
  consume: (response: HttpResponse) => Promise<Value>,
): Promise<Value> {
  let url = start
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const answer = await request(url, {
      dispatcher: agent,
      signal: get.signal,
      headers: { 'user-agent': userAgent, accept: '*/*', 'accept-encoding': 'gzip', ...get.headers?.(url) },
    })
    const { statusCode, headers, body } = answer
    // An abort destroys the body with an error; where nobody reads it, nobody else would listen.
    body.on('error', () => {})
    try {
      if (statusCode >= 200 && statusCode < 300) {
        return await consume({ url, headers, body: decode(body, headers['content-encoding']) })
      }
      if (!REDIRECTS.has(statusCode)) throw new HttpStatusError(url, statusCode, headers)
      url = redirectTarget(url, headers.location)
    } finally {
      // Read or not, the rest is of no use; an endless one must not go on behind our back.
      body.destroy()
    }
  }
  throw new RequestRefusedError(`It redirects more than ${MAX_REDIRECTS} times.`)
}

function redirectTarget(from: URL, location: string | string[] | undefined): URL {
  const text = Array.isArray(location) ? location[0] : location
  if (text === undefined || !URL.canParse(text, from)) throw new RequestRefusedError('It redirects to nowhere.')
  const target = new URL(text, from)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new RequestRefusedError(`It redirects to ${target.protocol}, which is not fetched.`)
  }
  target.username = ''
  target.password = ''
  return target
}

function decode(body: Readable, encoding: string | string[] | undefined): Readable {
  const name = String(encoding ?? '')
    .trim()
    .toLowerCase()
  if (name === '' || name === 'identity') return body
  const decoder =
    name === 'gzip' || name === 'x-gzip'
      ? createGunzip()
      : name === 'deflate'
        ? createInflate()
        : name === 'br'
          ? createBrotliDecompress()
          : null
  if (!decoder) throw new RequestRefusedError(`It is encoded as ${name.slice(0, 40)}, which is not known.`)
  // The error reaches the reader through the decoder.
  return pipeline(body, decoder, () => {})
}

/** A GET that failed, as the error of a whole source. An abort's reason and our own errors stay as they are. */
export function sourceError(error: unknown, url: URL, signal: AbortSignal, now: number): unknown {
  if (isHoldfastError(error) || (signal.aborted && error === signal.reason)) return error
  if (error instanceof AddressRefusedError) {
    return new HoldfastError('FORBIDDEN', `${error.message} It is not among the networks the server may fetch from.`)
  }
  if (error instanceof HttpStatusError) {
    const { status } = error
    if (status === 404 || status === 410) return new HoldfastError('NOT_FOUND', `${url.href} is not there (${status}).`)
    if (status === 401 || status === 403 || status === 451) {
      return new HoldfastError('FORBIDDEN', `${url.host} does not give out ${url.href} (${status}).`)
    }
    if (status === 429) {
      const ms = retryAfterMs(error.headers['retry-after'], now)
      return new HoldfastError('TOO_MANY_REQUESTS', `${url.host} answers 429, too many requests.`, {
        ...(ms === null ? {} : { retryAfter: Math.ceil(ms / 1000) }),
      })
    }
  }
  return new HoldfastError('SOURCE_UNREACHABLE', `Could not fetch ${url.href}. ${failureText(error)}`, { cause: error })
}

/** What went wrong, in words for a person. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return 'It could not be read.'
  const code = 'code' in error ? String(error.code) : ''
  return NETWORK_WORDS[code] ?? (error.message === '' ? 'The connection failed.' : error.message)
}

const NETWORK_WORDS: Record<string, string> = {
  ENOTFOUND: 'There is no host of that name.',
  EAI_AGAIN: 'Names cannot be resolved at the moment.',
  ECONNREFUSED: 'The host refuses connections.',
  ECONNRESET: 'The host closed the connection.',
  UND_ERR_SOCKET: 'The host closed the connection in the middle.',
  UND_ERR_CONNECT_TIMEOUT: 'The host did not answer in time.',
  UND_ERR_HEADERS_TIMEOUT: 'The host did not answer in time.',
  UND_ERR_BODY_TIMEOUT: 'The host stopped in the middle of its answer.',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'The answer was of another length than it said.',
  UND_ERR_HEADERS_OVERFLOW: 'The head of the answer is too large.',
  Z_DATA_ERROR: 'The answer is not what its encoding says.',
  Z_BUF_ERROR: 'The answer ends in the middle.',
}

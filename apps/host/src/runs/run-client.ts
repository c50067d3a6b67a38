import { type ClientWorld, RequestError, request, retryDelay } from '@holdfast/client'
import { sleep } from '@holdfast/protocol'
import type { CommandReceipt, Paged, QueuesView, RunDetails, RunSummary, StepView } from '@holdfast/protocol/runs'

export interface RunClientOptions {
  world: ClientWorld
  /** Ends the asking. */
  signal: AbortSignal
  /** Told before each wait: which try comes next, and in how many milliseconds. */
  onRetry(attempt: number, ms: number): void
}

/** Parameters of a query; what is undefined is left out. */
export type Query = Record<string, string | undefined>

/** A run to be started. */
export interface RunStart {
  name: string
  input: unknown
  /** A second start with it gives the run of the first. */
  key: string
  version?: number
  queue?: string
  priority?: number
  delaySeconds?: number
}

/** How a command is given: under its id a repetition is the same command, with a revision it is refused where the run has changed. */
export interface Given {
  id: string
  revision?: number
}

export interface LimitChange {
  paused?: boolean
  concurrency?: number | null
}

const PAGE = 100
/** About fifteen seconds: somebody waits at the terminal. */
const RETRIES = 4

/**
 * The server's HTTP interface for runs and queues, as far as the commands need it. What was not answered is asked again:
 * everything that is said to a run has an id, so that saying it twice does it once. Every member throws RequestError, and
 * the signal's reason when it was aborted.
 */
export class RunClient {
  readonly #options: RunClientOptions

  constructor(options: RunClientOptions) {
    this.#options = options
  }

  /** At most so many runs, read page by page. */
  async *list(query: Query, limit: number): AsyncIterable<RunSummary> {
    yield* this.#pages<RunSummary>('/api/runs', query, limit)
  }

  run(id: string): Promise<RunDetails> {
    return this.#send('GET', runPath(id))
  }

  async *steps(id: string, limit: number): AsyncIterable<StepView> {
    yield* this.#pages<StepView>(`${runPath(id)}/steps`, {}, limit)
  }

  start(start: RunStart): Promise<RunDetails> {
    return this.#send('POST', '/api/runs', start)
  }

  /** Durable when it resolves. `path` is what stands after the run's own. */
  command(id: string, path: string, body: object, given: Given): Promise<CommandReceipt> {
    return this.#send('POST', `${runPath(id)}/${path}`, body, headersOf(given))
  }

  /** A new run that tries this one again. */
  async retry(id: string, body: object, given: Given): Promise<RunSummary> {
    return (await this.#send<{ run: RunSummary }>('POST', `${runPath(id)}/retry`, body, headersOf(given))).run
  }

  queues(): Promise<QueuesView> {
    return this.#send('GET', '/api/queue')
  }

  /** What waits in a queue, in its order. */
  async *entries(queue: string, limit: number): AsyncIterable<RunSummary> {
    yield* this.#pages<RunSummary>(`/api/queue/${encodeURIComponent(queue)}/entries`, {}, limit)
  }

  async setLimit(kind: 'queue' | 'provider', name: string, change: LimitChange): Promise<void> {
    const path = kind === 'queue' ? '' : 'providers/'
    await this.#send('POST', `/api/queue/${path}${encodeURIComponent(name)}`, change)
  }

  async *#pages<Item>(path: string, query: Query, limit: number): AsyncIterable<Item> {
    let cursor: string | null = null
    let left = limit
    do {
      const asked = { ...query, limit: String(Math.min(left, PAGE)), ...(cursor === null ? {} : { cursor }) }
      const page: Paged<Item> = await this.#send('GET', `${path}${queryText(asked)}`)
      yield* page.items
      left -= page.items.length
      cursor = page.nextCursor
    } while (cursor !== null && left > 0)
  }

  async #send<T>(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const { world, signal, onRetry } = this.#options
    const init = body
      ? { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body), signal }
      : { method, signal }
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await request<T>(world, path, init)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RequestError) || !error.retry || attempt > RETRIES) throw error
        const ms = retryDelay(attempt, world.random, error.retryAfter)
        onRetry(attempt, ms)
        await sleep(world.clock, ms, signal)
      }
    }
  }
}

function runPath(id: string): string {
  return `/api/runs/${encodeURIComponent(id)}`
}

function headersOf({ id, revision }: Given): Record<string, string> {
  return { 'idempotency-key': id, ...(revision === undefined ? {} : { 'if-match': `"${revision}"` }) }
}

function queryText(query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

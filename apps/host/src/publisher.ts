import { type ClientWorld, MAX_ATTEMPTS, RequestError, retryDelay } from '@holdfast/client'
import { type Offset, sleep } from '@holdfast/protocol'

export interface PublisherOptions {
  world: ClientWorld
  /** Path of the stream. */
  path: string
  /** Names this publisher among all that ever append to the stream. */
  producerId: string
  /** Ends the publishing. */
  signal: AbortSignal
  /** Told before each wait: which try comes next, and in how many milliseconds. */
  onRetry(attempt: number, ms: number): void
}

/**
 * Appends to a stream over HTTP as an idempotent producer: what is sent again after a loss, because nobody knows
 * whether it had arrived, is appended once. Source: Durable Streams PROTOCOL.md, 5.2.1.
 */
export class Publisher {
  readonly #options: PublisherOptions
  #seq = 0

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /**
   * Appends JSON texts, in order and side by side, and makes the stream where there is none; with `seal` the stream
   * ends there. Answers the position after them. Throws RequestError, and the signal's reason when it was aborted.
   */
  async append(texts: readonly string[], { seal = false } = {}): Promise<Offset> {
    const headers = {
      'producer-id': this.#options.producerId,
      'producer-epoch': '0',
      'producer-seq': String(this.#seq),
      ...(seal ? { 'stream-closed': 'true' } : {}),
      ...(texts.length > 0 ? JSON_TYPE : {}),
    }
    const post = () => this.#send('POST', headers, texts.length > 0 ? `[${texts.join(',')}]` : null)
    const offset = await post().catch(async (error) => {
      if (!(error instanceof RequestError) || error.code !== 'NOT_FOUND') throw error
      await this.#send('PUT', JSON_TYPE, null)
      return post()
    })
    this.#seq += 1
    return offset
  }

  /** Tries until it is answered, as long as another try can help. */
  async #send(method: string, headers: Record<string, string>, body: string | null): Promise<Offset> {
    const { world, signal, onRetry } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(method, headers, body)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RequestError) || !error.retry || attempt > MAX_ATTEMPTS) throw error
        const ms = error.retryAfter === undefined ? retryDelay(attempt, world.random) : error.retryAfter * 1000
        onRetry(attempt, ms)
        await sleep(world.clock, ms, signal)
      }
    }
  }

  async #once(method: string, headers: Record<string, string>, body: string | null): Promise<Offset> {
    const { world, path, signal } = this.#options
    const answer = await world.fetch(world.baseUrl + path, { method, headers, body, signal }).catch((error) => {
      throw RequestError.unreachable(error)
    })
    const text = await answer.text().catch((error) => {
      throw RequestError.unreachable(error)
    })
    if (!answer.ok) throw RequestError.fromBody(answer.status, text)
    return answer.headers.get('stream-next-offset') ?? ''
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

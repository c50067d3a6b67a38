import { Redis, type RedisOptions } from 'ioredis'
import type { LineSession, SessionHandlers } from './line-broker.ts'

export interface RedisSessionOptions extends SessionHandlers {
  url: string
}

// A client of ours lives as long as its connection: whoever keeps the line makes another. So nothing is queued, sent
// again or subscribed to again behind our back.
const ONCE = {
  lazyConnect: true,
  retryStrategy: null,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  // The other side of a line that is given up need not answer the goodbye; what was asked is rejected then.
  disconnectTimeout: 50,
} satisfies RedisOptions

// Redis answers each channel by itself; many in one command would hold up everybody else's commands.
const CHANNELS_AT_ONCE = 1_000

/** Two connections to Redis: one that publishes, and one that listens. */
export class RedisSession implements LineSession {
  readonly #publisher: Redis
  readonly #subscriber: Redis

  private constructor(publisher: Redis, subscriber: Redis) {
    this.#publisher = publisher
    this.#subscriber = subscriber
  }

  static async open({ url, onMessage, lost, signal }: RedisSessionOptions): Promise<RedisSession> {
    const publisher = new Redis(url, { ...ONCE, connectionName: 'holdfast-publisher' })
    const subscriber = new Redis(url, { ...ONCE, connectionName: 'holdfast-subscriber' })
    const session = new RedisSession(publisher, subscriber)
    signal.addEventListener('abort', () => session.destroy(), { once: true })
    for (const redis of [publisher, subscriber]) {
      redis.on('error', lost)
      redis.on('end', () => lost(new Error('the connection to Redis ended')))
    }
    subscriber.on('message', onMessage)
    await Promise.all([publisher.connect(), subscriber.connect()])
    return session
  }

  async listen(on: readonly string[], off: readonly string[]): Promise<void> {
    for (const channels of chunks(on)) await this.#subscriber.subscribe(...channels)
    for (const channels of chunks(off)) await this.#subscriber.unsubscribe(...channels)
  }

  /** Resolves once Redis has passed all of them on. */
  async publish(messages: readonly (readonly [channel: string, message: string])[]): Promise<void> {
    const pipeline = this.#publisher.pipeline()
    for (const [channel, message] of messages) pipeline.publish(channel, message)
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
  }

  async probe(): Promise<void> {
    await Promise.all([this.#publisher.ping(), this.#subscriber.ping()])
  }

  /** Whatever was published has been passed on by the time it was answered: there is nothing to wait for. */
  async end(): Promise<void> {
    this.destroy()
  }

  destroy(): void {
    this.#publisher.disconnect()
    this.#subscriber.disconnect()
  }
}

function chunks(channels: readonly string[]): string[][] {
  const count = Math.ceil(channels.length / CHANNELS_AT_ONCE)
  return Array.from({ length: count }, (_, index) =>
    channels.slice(index * CHANNELS_AT_ONCE, (index + 1) * CHANNELS_AT_ONCE),
  )
}

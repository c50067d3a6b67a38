import type { Broker } from './broker.ts'
import { type Heard, LineBroker, type LineBrokerOptions, type SessionHandlers, type Wire } from './line-broker.ts'
import type { Parcel } from './outgoing.ts'
import { commandHeard, commandMessage, signalHeard, signalMessage } from './redis-messages.ts'
import { RedisSession } from './redis-session.ts'

export interface RedisBrokerOptions extends LineBrokerOptions {
  url: string
  /** Before the name of every channel; what else uses this Redis has another. Default `holdfast:`. */
  prefix?: string
}

/**
 * Word between nodes by PUBLISH and SUBSCRIBE of a Redis they share: a channel for each stream, `<prefix>s:<stream>`,
 * and `<prefix>commands`. Small events travel along, so whoever may publish there is believed. Nothing is kept in
 * Redis: it may be emptied, restarted or lost at any time.
 */
export function openRedisBroker(options: RedisBrokerOptions): Broker {
  return new LineBroker(new RedisWire(options), options)
}

class RedisWire implements Wire<RedisSession> {
  readonly commandsChannel: string
  /** Events up to here travel along, so that the other nodes need not read them; more is cheaper to read once. */
  readonly textPerStream = 16_384
  readonly #options: RedisBrokerOptions
  readonly #streamPrefix: string

  constructor(options: RedisBrokerOptions) {
    const { prefix = 'holdfast:' } = options
    this.#options = options
    this.#streamPrefix = `${prefix}s:`
    this.commandsChannel = `${prefix}commands`
  }

  channelOf(stream: string): string {
    return this.#streamPrefix + stream
  }

  spillOf(): string {
    return this.#streamPrefix
  }

  open(handlers: SessionHandlers): Promise<RedisSession> {
    return RedisSession.open({ url: this.#options.url, ...handlers })
  }

  send(session: RedisSession, { signals, spilled, commands }: Parcel): Promise<unknown> {
    const { nodeId } = this.#options
    const words = signals.map((signal) => [this.channelOf(signal.stream), signalMessage(nodeId, signal)] as const)
    const orders = [...commands, ...spilled.map(() => null)]
    return session.publish([
      ...words,
      ...orders.map((order) => [this.commandsChannel, commandMessage(nodeId, order)] as const),
    ])
  }

  read(channel: string, message: string): Heard {
    const { nodeId } = this.#options
    if (channel === this.commandsChannel) {
      const command = commandHeard(nodeId, message)
      if (command === 'own' || command === 'look') return { type: command }
      return command === null ? { type: 'nonsense' } : { type: 'command', command }
    }
    const stream = channel.slice(this.#streamPrefix.length)
    const signal = signalHeard(nodeId, stream, message)
    if (signal === 'own') return { type: 'own' }
    return signal === null ? { type: 'nonsense' } : { type: 'signals', signals: [signal], all: false }
  }
}

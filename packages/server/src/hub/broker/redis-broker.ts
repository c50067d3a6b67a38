import { type Clock, systemClock } from '@holdfast/protocol'
import type { Committed } from '../../db/database.ts'
import type { Broker, BrokerListener, Command } from './broker.ts'
import { ChannelSubscriptions } from './channel-subscriptions.ts'
import { KeptLine } from './kept-line.ts'
import { Outgoing, type Parcel } from './outgoing.ts'
import { commandHeard, commandMessage, signalHeard, signalMessage } from './redis-messages.ts'
import { RedisSession } from './redis-session.ts'

export interface RedisBrokerOptions {
  url: string
  /** Before the name of every channel; what else uses this Redis has another. Default `holdfast:`. */
  prefix?: string
  /** This node's own, among all that use the prefix. */
  nodeId: string
  /** Of a line that was lost, and of word that could not be sent or was not understood. */
  onError: (error: Error) => void
  clock?: Clock
  /** Evenly spread from 0 to below 1. Default `Math.random`. */
  random?: () => number
}

// Events up to here travel along, so that the other nodes need not read them; more is cheaper to read once.
const TEXT_PER_STREAM = 16_384
const GOODBYE_MS = 1_000

/**
 * Word between nodes by PUBLISH and SUBSCRIBE of a Redis they share: a channel for each stream, `<prefix>s:<stream>`,
 * and `<prefix>commands`. Small events travel along, so whoever may publish there is believed. Nothing is kept in
 * Redis: it may be emptied, restarted or lost at any time.
 */
export function openRedisBroker(options: RedisBrokerOptions): Broker {
  return new RedisBroker(options)
}

class RedisBroker implements Broker {
  readonly #options: RedisBrokerOptions
  readonly #clock: Clock
  readonly #streamPrefix: string
  readonly #commandsChannel: string
  readonly #line: KeptLine<RedisSession>
  readonly #subscriptions: ChannelSubscriptions
  readonly #outgoing: Outgoing
  #listener: BrokerListener | null = null
  #closed: Promise<void> | null = null

  constructor(options: RedisBrokerOptions) {
    this.#options = options
    const { prefix = 'holdfast:', onError, clock = systemClock, random = Math.random } = options
    this.#clock = clock
    this.#streamPrefix = `${prefix}s:`
    this.#commandsChannel = `${prefix}commands`
    this.#line = new KeptLine<RedisSession>({
      open: (lost, signal) => this.#open(lost, signal),
      probe: (session) => session.probe(),
      drop: (session) => session.destroy(),
      onUp: () => this.#up(),
      onDown: () => this.#subscriptions.suspend(),
      onError,
      clock,
      random,
    })
    this.#subscriptions = new ChannelSubscriptions({
      always: [this.#commandsChannel],
      channelOf: (stream) => this.#streamPrefix + stream,
      onActive: (streams) => this.#listener?.resumed(streams),
      onFailed: (error) => this.#lose(error),
    })
    this.#outgoing = new Outgoing({
      textPerStream: TEXT_PER_STREAM,
      spillOf: () => this.#streamPrefix,
      send: () => this.#sender(),
      onError,
    })
  }

  get connected(): boolean {
    return this.#line.session !== null
  }

  listen(listener: BrokerListener): void {
    this.#listener = listener
    this.#line.open()
  }

  publish(committed: readonly Committed[]): void {
    this.#outgoing.publish(committed)
  }

  subscribe(stream: string): void {
    this.#subscriptions.add(stream)
  }

  unsubscribe(stream: string): void {
    this.#subscriptions.remove(stream)
  }

  send(command: Command): void {
    this.#outgoing.command(command)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#listener = null
    const session = this.#line.close()
    const cancel = this.#clock.after(GOODBYE_MS, () => session?.destroy())
    await this.#outgoing.close(session && ((parcel) => this.#publish(session, parcel)))
    cancel()
    this.#subscriptions.suspend()
    session?.destroy()
  }

  async #open(lost: (error: Error) => void, signal: AbortSignal): Promise<RedisSession> {
    const { url } = this.#options
    const onMessage = (channel: string, message: string) => this.#hear(channel, message)
    const session = await RedisSession.open({ url, onMessage, lost, signal })
    await this.#subscriptions.resume((on, off) => session.listen(on, off))
    return session
  }

  #up(): void {
    this.#listener?.resumed(null)
    this.#outgoing.resume()
  }

  #lose(error: Error): void {
    const { session } = this.#line
    if (session) this.#line.lose(session, error)
  }

  #sender(): ((parcel: Parcel) => Promise<void>) | null {
    const { session } = this.#line
    return session && ((parcel) => this.#publish(session, parcel))
  }

  #publish(session: RedisSession, { signals, spilled, commands }: Parcel): Promise<void> {
    const { nodeId } = this.#options
    const messages = signals.map(
      (signal) => [this.#streamPrefix + signal.stream, signalMessage(nodeId, signal)] as const,
    )
    const orders = [...commands, ...spilled.map(() => null)]
    return session.publish([
      ...messages,
      ...orders.map((order) => [this.#commandsChannel, commandMessage(nodeId, order)] as const),
    ])
  }

  #hear(channel: string, message: string): void {
    const { nodeId, onError } = this.#options
    if (channel === this.#commandsChannel) {
      const command = commandHeard(nodeId, message)
      if (command === null) onError(new Error(`not a command: ${message.slice(0, 200)}`))
      else if (command === 'look') this.#listener?.resumed(null)
      else if (command !== 'own') this.#listener?.command(command)
      return
    }
    const stream = channel.slice(this.#streamPrefix.length)
    if (!this.#subscriptions.has(stream)) return
    const signal = signalHeard(nodeId, stream, message)
    if (signal === null) onError(new Error(`not word of a stream: ${message.slice(0, 200)}`))
    else if (signal !== 'own') this.#listener?.moved([signal])
  }
}

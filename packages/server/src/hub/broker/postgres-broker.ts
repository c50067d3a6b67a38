import { type Clock, systemClock } from '@holdfast/protocol'
import type { Committed } from '../../db/database.ts'
import type { Broker, BrokerListener, Command } from './broker.ts'
import { ChannelSubscriptions } from './channel-subscriptions.ts'
import { KeptLine } from './kept-line.ts'
import { Outgoing, type Parcel } from './outgoing.ts'
import {
  COMMANDS_CHANNEL,
  channelOf,
  commandHeard,
  commandNotification,
  signalNotifications,
  signalsHeard,
} from './postgres-notifications.ts'
import { PostgresSession } from './postgres-session.ts'

export interface PostgresBrokerOptions {
  connectionString: string
  /** This node's own, among all that use the database. */
  nodeId: string
  /** Of a line that was lost, and of word that could not be sent or was not understood. */
  onError: (error: Error) => void
  clock?: Clock
  /** Evenly spread from 0 to below 1. Default `Math.random`. */
  random?: () => number
}

const GOODBYE_MS = 1_000

/**
 * Word between nodes by NOTIFY of the database they share, over one connection of its own: LISTEN for the channels of
 * the streams read here, and one query for all that there is to tell while the last one was under way. Signals come
 * without events. Other programs speak on the same channels, through the log's SQL functions.
 */
export function openPostgresBroker(options: PostgresBrokerOptions): Broker {
  return new PostgresBroker(options)
}

class PostgresBroker implements Broker {
  readonly #options: PostgresBrokerOptions
  readonly #clock: Clock
  readonly #line: KeptLine<PostgresSession>
  readonly #subscriptions: ChannelSubscriptions
  readonly #outgoing: Outgoing
  #listener: BrokerListener | null = null
  #closed: Promise<void> | null = null

  constructor(options: PostgresBrokerOptions) {
    this.#options = options
    const { onError, clock = systemClock, random = Math.random } = options
    this.#clock = clock
    this.#line = new KeptLine<PostgresSession>({
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
      always: [COMMANDS_CHANNEL],
      channelOf,
      onActive: (streams) => this.#listener?.resumed(streams),
      onFailed: (error) => this.#lose(error),
    })
    this.#outgoing = new Outgoing({ textPerStream: 0, spillOf: channelOf, send: this.#sender, onError })
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
    const send = session && ((parcel: Parcel) => this.#notify(session, parcel))
    await this.#outgoing.close(send)
    this.#subscriptions.suspend()
    await session?.end().catch(() => {})
    cancel()
  }

  async #open(lost: (error: Error) => void, signal: AbortSignal): Promise<PostgresSession> {
    const { connectionString } = this.#options
    const onNotification = (channel: string, payload: string) => this.#hear(channel, payload)
    const session = await PostgresSession.open({ connectionString, onNotification, lost, signal })
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

  readonly #sender = (): ((parcel: Parcel) => Promise<unknown>) | null => {
    const { session } = this.#line
    return session && ((parcel) => this.#notify(session, parcel))
  }

  #notify(session: PostgresSession, { signals, spilled, commands }: Parcel): Promise<unknown> {
    const { nodeId, onError } = this.#options
    const notifications = signalNotifications(nodeId, signals, spilled)
    for (const command of commands) {
      const notification = commandNotification(nodeId, command)
      if (notification) notifications.push(notification)
      else onError(new Error(`a command ${command.type} is too long to be sent`))
    }
    return session.notify(notifications)
  }

  #hear(channel: string, payload: string): void {
    const { nodeId, onError } = this.#options
    if (channel === COMMANDS_CHANNEL) {
      const command = commandHeard(nodeId, payload)
      if (command === null) onError(new Error(`not a command: ${payload.slice(0, 200)}`))
      else if (command !== 'own') this.#listener?.command(command)
      return
    }
    const heard = signalsHeard(nodeId, payload)
    if (!heard) {
      onError(new Error(`not word of streams: ${payload.slice(0, 200)}`))
      return
    }
    const wanted = heard.signals.filter(({ stream }) => this.#subscriptions.has(stream))
    if (wanted.length > 0) this.#listener?.moved(wanted)
    const concerned = heard.all ? this.#subscriptions.streamsOf(channel) : []
    if (concerned.length > 0) this.#listener?.resumed(concerned)
  }
}

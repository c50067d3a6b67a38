import { type Clock, systemClock } from '@holdfast/protocol'
import type { Committed } from '../../db/database.ts'
import type { Broker, BrokerListener, Command } from './broker.ts'
import { ChannelSubscriptions } from './channel-subscriptions.ts'
import { KeptLine } from './kept-line.ts'
import { Outgoing, type Parcel, type SendParcel } from './outgoing.ts'

/** What a broker on a line is told besides where the line leads. */
export interface LineBrokerOptions {
  /** This node's own, among all that use the same channels. */
  nodeId: string
  /** Of a line that was lost, and of word that could not be sent or was not understood. */
  onError: (error: Error) => void
  clock?: Clock
  /** Evenly spread from 0 to below 1. Default `Math.random`. */
  random?: () => number
}

/** A line that is up. */
export interface LineSession {
  listen(on: readonly string[], off: readonly string[]): Promise<unknown>
  /** Resolves as soon as the other side has answered anything. */
  probe(): Promise<unknown>
  /** Says goodbye once everything asked is answered. */
  end(): Promise<void>
  /** At once; what is asked is rejected. */
  destroy(): void
}

export interface SessionHandlers {
  onMessage: (channel: string, message: string) => void
  lost: (error: Error) => void
  signal: AbortSignal
}

/** What was heard, in the broker's words; `all`: the streams of that channel have to be looked at. */
export type Heard =
  | { type: 'signals'; signals: readonly Committed[]; all: boolean }
  | { type: 'command'; command: Command }
  | { type: 'look' }
  | { type: 'own' }
  | { type: 'nonsense' }

/** How word is written and read where it travels. */
export interface Wire<Session extends LineSession> {
  readonly commandsChannel: string
  channelOf(stream: string): string
  /** As for `Outgoing`. */
  readonly textPerStream: number
  spillOf(stream: string): string
  open(handlers: SessionHandlers): Promise<Session>
  send(session: Session, parcel: Parcel): Promise<unknown>
  read(channel: string, message: string): Heard
}

const GOODBYE_MS = 1_000

/** A broker whose word travels over one line that is kept up: PostgreSQL's notifications, Redis' channels. */
export class LineBroker<Session extends LineSession> implements Broker {
  readonly #wire: Wire<Session>
  readonly #onError: (error: Error) => void
  readonly #clock: Clock
  readonly #line: KeptLine<Session>
  readonly #subscriptions: ChannelSubscriptions
  readonly #outgoing: Outgoing
  #listener: BrokerListener | null = null
  #closed: Promise<void> | null = null

  constructor(wire: Wire<Session>, { onError, clock = systemClock, random = Math.random }: LineBrokerOptions) {
    this.#wire = wire
    this.#onError = onError
    this.#clock = clock
    this.#line = new KeptLine<Session>({
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
      always: [wire.commandsChannel],
      channelOf: (stream) => wire.channelOf(stream),
      onActive: (streams) => this.#listener?.resumed(streams),
      onFailed: (error) => this.#lose(error),
    })
    this.#outgoing = new Outgoing({
      textPerStream: wire.textPerStream,
      spillOf: (stream) => wire.spillOf(stream),
      send: () => this.#senderOn(this.#line.session),
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
    await this.#outgoing.close(this.#senderOn(session))
    this.#subscriptions.suspend()
    await session?.end().catch(() => {})
    cancel()
  }

  async #open(lost: (error: Error) => void, signal: AbortSignal): Promise<Session> {
    const onMessage = (channel: string, message: string) => this.#hear(channel, message)
    const session = await this.#wire.open({ onMessage, lost, signal })
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

  #senderOn(session: Session | null): SendParcel | null {
    return session && ((parcel) => this.#wire.send(session, parcel))
  }

  #hear(channel: string, message: string): void {
    const heard = this.#wire.read(channel, message)
    if (heard.type === 'command') this.#listener?.command(heard.command)
    else if (heard.type === 'look') this.#listener?.resumed(null)
    else if (heard.type === 'nonsense') this.#onError(new Error(`not word of a node: ${message.slice(0, 200)}`))
    else if (heard.type === 'signals') this.#moved(channel, heard)
  }

  #moved(channel: string, { signals, all }: Extract<Heard, { type: 'signals' }>): void {
    const wanted = signals.filter(({ stream }) => this.#subscriptions.has(stream))
    if (wanted.length > 0) this.#listener?.moved(wanted)
    const concerned = all ? this.#subscriptions.streamsOf(channel) : []
    if (concerned.length > 0) this.#listener?.resumed(concerned)
  }
}

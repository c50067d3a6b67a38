import type { Committed } from '../../db/database.ts'
import type { Broker, BrokerListener, Command } from './broker.ts'
import { Outgoing, type Parcel } from './outgoing.ts'

/** Joins nodes that live in one process. */
export interface InProcessBus {
  /** One more node. */
  open(): Broker
  /** Carries nothing until it is restored, as if the line of every node were cut. */
  cut(): void
  restore(): void
}

/** Word between nodes of one process: several servers in one test, or a single one that others may join. */
export function createInProcessBus(): InProcessBus {
  const bus = new Bus()
  return {
    open: () => new InProcessBroker(bus),
    cut: () => bus.cut(),
    restore: () => bus.restore(),
  }
}

class Bus {
  readonly nodes = new Set<InProcessBroker>()
  isUp = true

  cut(): void {
    this.isUp = false
  }

  restore(): void {
    this.isUp = true
    for (const node of this.nodes) node.restored()
  }

  carry(from: InProcessBroker, parcel: Parcel): void {
    for (const node of this.nodes) if (node !== from) node.hear(parcel)
  }
}

// As much as a stream's readers are given at a time.
const TEXT_PER_STREAM = 65_536

class InProcessBroker implements Broker {
  readonly #bus: Bus
  readonly #streams = new Set<string>()
  readonly #outgoing: Outgoing
  /** Subscribed to in this turn. */
  #fresh: string[] = []
  #listener: BrokerListener | null = null
  #closed: Promise<void> | null = null

  constructor(bus: Bus) {
    this.#bus = bus
    this.#outgoing = new Outgoing({
      textPerStream: TEXT_PER_STREAM,
      spillOf: () => '',
      send: () => (this.connected ? this.#carry : null),
      onError: () => {},
    })
  }

  get connected(): boolean {
    return this.#listener !== null && this.#bus.isUp
  }

  listen(listener: BrokerListener): void {
    if (this.#closed) return
    this.#listener = listener
    this.#bus.nodes.add(this)
    setImmediate(() => this.restored())
  }

  publish(committed: readonly Committed[]): void {
    this.#outgoing.publish(committed)
  }

  subscribe(stream: string): void {
    if (this.#streams.has(stream)) return
    this.#streams.add(stream)
    if (this.#fresh.push(stream) === 1) setImmediate(() => this.#tellFresh())
  }

  unsubscribe(stream: string): void {
    this.#streams.delete(stream)
  }

  send(command: Command): void {
    this.#outgoing.command(command)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  restored(): void {
    if (!this.connected) return
    this.#listener?.resumed(null)
    this.#outgoing.resume()
  }

  hear({ signals, spilled, commands }: Parcel): void {
    const wanted = signals.filter(({ stream }) => this.#streams.has(stream))
    if (wanted.length > 0) this.#listener?.moved(wanted)
    if (spilled.length > 0) this.#listener?.resumed(null)
    for (const command of commands) this.#listener?.command(command)
  }

  async #close(): Promise<void> {
    const wasUp = this.connected
    this.#listener = null
    this.#bus.nodes.delete(this)
    await this.#outgoing.close(wasUp ? this.#carry : null)
  }

  readonly #carry = async (parcel: Parcel): Promise<void> => this.#bus.carry(this, parcel)

  #tellFresh(): void {
    const fresh = this.#fresh.filter((stream) => this.#streams.has(stream))
    this.#fresh = []
    if (this.connected && fresh.length > 0) this.#listener?.resumed(fresh)
  }
}

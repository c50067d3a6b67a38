import type { Clock, Offset } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'
import type { Broker, Command } from './broker/broker.ts'
import type { Hub } from './hub.ts'

/** Where streams stand, as the log has it; those that are not there are left out. */
export type Tails = (streams: readonly string[]) => Promise<ReadonlyMap<string, { tail: Offset; sealed: boolean }>>

export interface RelayOptions {
  hub: Hub
  broker: Broker
  tails: Tails
  clock: Clock
  /** Evenly spread from 0 to below 1. */
  random: () => number
  /** A command of another node. */
  onCommand: (command: Command) => void
  onError: (error: unknown) => void
}

// However many signals are lost, nobody waits longer for an event.
const CHECK_MS = 3_000
// Streams in one look; a node with more of them looks several times.
const LOOK = 500

/**
 * Joins this node's hub to the others: what is committed here is told to them, what they tell goes to the hub, and
 * signals are asked for only of streams that are read here. A signal may get lost, so where the streams with readers
 * stand is looked up every few seconds, and whenever one of them has just been subscribed to or the line was down.
 */
export class Relay {
  readonly #options: RelayOptions
  #unsure = new Set<string>()
  #looking: Promise<void> | null = null
  #cancel: () => void = () => {}
  #closed = false

  constructor(options: RelayOptions) {
    this.#options = options
    const { hub, broker, onCommand } = options
    hub.onTopics({
      opened: (stream) => broker.subscribe(stream),
      closed: (stream) => broker.unsubscribe(stream),
    })
    broker.listen({
      moved: (signals) => hub.receive(signals),
      command: onCommand,
      resumed: (streams) => this.#look(streams ?? hub.streams()),
    })
    this.#schedule()
  }

  /** Word of commits of this node. */
  publish(committed: readonly Committed[]): void {
    this.#options.broker.publish(committed)
  }

  /** Whether the line to the other nodes is up. */
  get connected(): boolean {
    return this.#options.broker.connected
  }

  /** To every other node. */
  send(command: Command): void {
    this.#options.broker.send(command)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    this.#unsure.clear()
    await this.#looking
    await this.#options.broker.close()
  }

  #schedule(): void {
    const { clock, random, hub } = this.#options
    // Nodes that began together do not go on looking together.
    const wait = CHECK_MS * (0.75 + random() / 2)
    this.#cancel = clock.after(
      wait,
      () => {
        this.#look(hub.streams())
        this.#schedule()
      },
      { keepAlive: false },
    )
  }

  #look(streams: Iterable<string>): void {
    for (const stream of streams) this.#unsure.add(stream)
    if (this.#unsure.size === 0 || this.#closed) return
    this.#looking ??= this.#compare()
  }

  async #compare(): Promise<void> {
    const { hub, tails, onError } = this.#options
    try {
      while (this.#unsure.size > 0) {
        const streams = [...this.#unsure].slice(0, LOOK)
        for (const stream of streams) this.#unsure.delete(stream)
        const found = await tails(streams)
        for (const stream of streams) hub.compare(stream, found.get(stream) ?? null)
      }
    } catch (error) {
      // The next look comes by itself.
      this.#unsure.clear()
      onError(error)
    }
    // In the same breath as the last look at what is unsure: what comes next is looked up anew.
    this.#looking = null
  }
}

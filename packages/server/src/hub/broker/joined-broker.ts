import type { Committed } from '../../db/database.ts'
import type { Broker, BrokerListener, Command } from './broker.ts'

/**
 * Two brokers as one. What this node tells goes over `preferred`, and over `other` while that is down; what is heard
 * comes over both. So nodes that use Redis also hear the programs that append by SQL, and for as long as Redis is
 * away they use the database.
 */
export function joinBrokers(preferred: Broker, other: Broker): Broker {
  return new JoinedBroker(preferred, other)
}

class JoinedBroker implements Broker {
  readonly #preferred: Broker
  readonly #other: Broker
  /** Who has not said yet that a stream is active there; streams of which nobody is waited for are left out. */
  readonly #awaited = new Map<string, Set<Broker>>()

  constructor(preferred: Broker, other: Broker) {
    this.#preferred = preferred
    this.#other = other
  }

  get connected(): boolean {
    return this.#preferred.connected && this.#other.connected
  }

  publish(committed: readonly Committed[]): void {
    this.#way.publish(committed)
  }

  send(command: Command): void {
    this.#way.send(command)
  }

  subscribe(stream: string): void {
    this.#awaited.set(stream, new Set([this.#preferred, this.#other]))
    this.#preferred.subscribe(stream)
    this.#other.subscribe(stream)
  }

  unsubscribe(stream: string): void {
    this.#awaited.delete(stream)
    this.#preferred.unsubscribe(stream)
    this.#other.unsubscribe(stream)
  }

  listen(listener: BrokerListener): void {
    for (const broker of [this.#preferred, this.#other]) {
      broker.listen({
        moved: (signals) => listener.moved(signals),
        command: (command) => listener.command(command),
        resumed: (streams) => {
          const active = this.#nobodyAwaited(broker, streams ?? this.#awaited.keys())
          if (streams === null) listener.resumed(null)
          else if (active.length > 0) listener.resumed(active)
        },
      })
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#preferred.close(), this.#other.close()])
  }

  get #way(): Broker {
    return this.#preferred.connected ? this.#preferred : this.#other
  }

  /**
   * Those of the streams, which are active at `broker`, that nobody else is waited for. Whoever is down is not: when
   * its line comes back it says so of all streams.
   */
  #nobodyAwaited(broker: Broker, streams: Iterable<string>): string[] {
    const active: string[] = []
    for (const stream of [...streams]) {
      const awaited = this.#awaited.get(stream)
      awaited?.delete(broker)
      if (awaited && [...awaited].some(({ connected }) => connected)) continue
      this.#awaited.delete(stream)
      active.push(stream)
    }
    return active
  }
}

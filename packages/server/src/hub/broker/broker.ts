import type { Committed } from '../../db/database.ts'

/**
 * An order to every node: whoever it concerns carries it out, the others pass it over. JSON, under 4 KB. It may be
 * lost, late or doubled, so what it orders is durable before it is sent, and whoever can be concerned looks at that
 * every few seconds all the same.
 */
export type Command =
  /** Runs may be due. */
  | { type: 'runs_due' }
  /** That run was told something (cancel, pause, a signal) or waits for something that may have come; its rows say so. */
  | { type: 'run_told'; run: string }
  /** That provider has a place free, or was set otherwise. */
  | { type: 'provider_freed'; provider: string }
  /** What that principal signed in with before now counts no more. */
  | { type: 'session_revoke'; principal: string }
  /** Every live connection of that principal is to end. */
  | { type: 'session_kick'; principal: string }

/** What a node hears of the others. None of the calls may throw. */
export interface BrokerListener {
  /**
   * Streams moved elsewhere. `events` are there where they were small enough to travel; otherwise `after` equals
   * `tail`. Never of what this node published itself.
   */
  moved(signals: readonly Committed[]): void
  command(command: Command): void
  /**
   * From now on nothing of these streams is missed, but of what came before something may have been: they have just
   * been subscribed to, or the line was down in between. `null`: all that are subscribed to.
   */
  resumed(streams: readonly string[] | null): void
}

/**
 * Carries word between nodes: that streams moved, and commands. It promises nothing: a signal may be lost, late or
 * doubled, and costs a read of the log. No call waits or throws; while the line is down what is published is dropped,
 * and the line comes back by itself.
 */
export interface Broker {
  /** Word of commits of this node, after they are on disk. Several in one turn travel together. */
  publish(committed: readonly Committed[]): void
  /** Somebody on this node reads the stream: its signals are wanted. `resumed` tells when they come. */
  subscribe(stream: string): void
  /** Nobody here reads it any more. */
  unsubscribe(stream: string): void
  /** To every other node. */
  send(command: Command): void
  /** Call once, before anything else. */
  listen(listener: BrokerListener): void
  /** Whether the line is up; what health shows. */
  readonly connected: boolean
  /** Sends what waits, as far as the line is up, and lets go. May be called twice. */
  close(): Promise<void>
}

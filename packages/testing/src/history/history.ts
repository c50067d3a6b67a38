import type { Offset, SubscribeFrom } from '@holdfast/protocol'
import type { LineEnd } from './cutting-proxy.ts'

/**
 * - `ok`: acknowledged. - `fail`: refused; nothing of it may ever be seen. - `unknown`: asked, and never answered: in
 * the log at most once. - `open`: not settled yet.
 */
export type Outcome = 'open' | 'ok' | 'fail' | 'unknown'

/** One append, from the first time it was asked to its last answer. */
export interface Append {
  readonly producer: string
  readonly stream: string
  /** As canonical JSON texts, each unlike every other of the run. Empty for one that only seals. */
  readonly events: readonly string[]
  readonly seal: boolean
  /** Of an idempotent producer. */
  readonly sequence?: { epoch: number; seq: number }
  /** Asked with an epoch that was over; must be refused. */
  readonly stale: boolean
  /** Ticks of the history: what was settled before another was invoked stands before it in the log. */
  readonly invoked: number
  settled: number
  outcome: Outcome
  /** The position after its last event, as acknowledged; absent where a repetition was acknowledged. */
  offset?: Offset
  /** Why it was refused. */
  code?: string
  /** One of its attempts was refused for want of room. */
  wasFull?: boolean
}

/** What a reader took in at once: a frame, an SSE event, the answer of a GET. */
export interface Delivery {
  manner: string
  /** As the server said it; where a manner does not say it, the position that was asked for. */
  after: Offset | SubscribeFrom
  offset: Offset
  events: readonly string[]
  /** The server said that this was everything there is. */
  upToDate: boolean
  /** The server said that the stream has ended here. */
  sealed: boolean
  /** When it was asked for, in ticks, for what answers a question. */
  asked?: number
}

/** One reader's way through a stream, over however many connections and manners. */
export interface Reading {
  readonly reader: string
  readonly stream: string
  readonly from: SubscribeFrom
  /** When it began, in ticks. */
  readonly begun: number
  readonly deliveries: Delivery[]
  /** It went away by itself: it need not have seen the end. */
  left: boolean
}

/** A state the server showed. */
export interface SeenState {
  readonly reader: string
  readonly stream: string
  readonly state: unknown
  readonly offset: Offset
  readonly sealed: boolean
}

/** A stream as it stands after everything. */
export interface FinalLog {
  stream: string
  incarnation: number
  events: readonly string[]
  sealed: boolean
}

/** A connection, or a subscription on one, on which a reader was given something. */
export interface Connection {
  readonly reader: string
  readonly stream: string
  readonly manner: string
  /** Who ended it, and when; absent while it stands. */
  ended?: { by: LineEnd; at: number }
}

/** A time, in ticks, in which only the store was away: nothing was done to servers, nor to their lines to clients. */
export interface Outage {
  readonly from: number
  to: number
}

/** A run that was asked for. */
export interface ToldRun {
  readonly id: string
  readonly stream: string
  readonly steps: number
  started: Outcome
  /** `late`: it had ended already. */
  cancelled: 'not asked' | 'unknown' | 'ok' | 'late'
}

/** An answer that has no place in a history: a position that is good was refused, the server failed inside. */
export interface Complaint {
  readonly stream: string
  readonly text: string
}

/** What clients asked and were told, in one order. */
export class History {
  readonly appends: Append[] = []
  readonly readings: Reading[] = []
  readonly states: SeenState[] = []
  readonly complaints: Complaint[] = []
  readonly connections: Connection[] = []
  readonly outages: Outage[] = []
  readonly runs: ToldRun[] = []
  readonly #lines = new Map<number, Connection>()
  #tick = 0

  /** The present, in ticks. */
  now(): number {
    this.#tick += 1
    return this.#tick
  }

  invoke(asked: Pick<Append, 'producer' | 'stream' | 'events'> & Partial<Pick<Append, 'seal' | 'sequence' | 'stale'>>) {
    const append: Append = {
      seal: false,
      stale: false,
      ...asked,
      invoked: this.now(),
      settled: Number.POSITIVE_INFINITY,
      outcome: 'open',
    }
    this.appends.push(append)
    return append
  }

  settle(append: Append, outcome: Outcome, said: { offset?: Offset; code?: string } = {}): void {
    append.settled = this.now()
    append.outcome = outcome
    if (said.offset !== undefined) append.offset = said.offset
    if (said.code !== undefined) append.code = said.code
  }

  begin(reader: string, stream: string, from: SubscribeFrom): Reading {
    const reading: Reading = { reader, stream, from, begun: this.now(), deliveries: [], left: false }
    this.readings.push(reading)
    return reading
  }

  /** A reader has been given something. `port`: its end of the line, for a connection that has one of its own. */
  connected(given: Omit<Connection, 'ended'>, port?: number): Connection {
    const connection: Connection = { ...given }
    this.connections.push(connection)
    if (port !== undefined) this.#lines.set(port, connection)
    return connection
  }

  /** The first who ends a connection has ended it. */
  disconnected(connection: Connection, by: LineEnd): void {
    connection.ended ??= { by, at: this.now() }
  }

  /** The line that begins at that port has ended. */
  lineEnded(port: number, by: LineEnd): void {
    const connection = this.#lines.get(port)
    this.#lines.delete(port)
    if (connection) this.disconnected(connection, by)
  }

  /** From now on only the store is away, or no longer. */
  outage(isOn: boolean): void {
    const last = this.outages.at(-1)
    const isOpen = last?.to === Number.POSITIVE_INFINITY
    if (isOn && !isOpen) this.outages.push({ from: this.now(), to: Number.POSITIVE_INFINITY })
    else if (!isOn && last && isOpen) last.to = this.now()
  }
}

/** The same text for the same JSON value, however it was written: also in the order of its keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

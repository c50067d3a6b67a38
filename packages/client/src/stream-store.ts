import { type EventBase, HoldfastError, type Offset } from '@holdfast/protocol'
import { type Connection, IDLE } from './connection-policy.ts'
import { RequestError } from './request.ts'
import { StreamConnection } from './stream-connection.ts'
import type { Decode } from './wire.ts'
import type { ClientWorld } from './world.ts'

/** What a reader sees: one immutable object, a new one for every change. */
export interface StreamSnapshot<State> {
  state: State
  /** The position `state` stands for; `null` until it was first read. */
  offset: Offset | null
  connection: Connection
  /** Why the connection is not what it should be. */
  error: RequestError | null
}

/** A state read from the server, to start from. */
export interface LoadedState<State> {
  state: State
  offset: Offset
  /** Nothing will be added to it. */
  ended?: boolean
}

/** What is used of a StreamDefinition. */
export interface FoldedStream<State> {
  version: number
  initial: State
  events: object
  apply(state: State, event: EventBase): State
  isTerminal(type: string): boolean
  parse(event: never, now: number): EventBase
}

export interface StreamStoreOptions<State> {
  world: ClientWorld
  definition: FoldedStream<State>
  /** Path of the WebSocket. */
  path: string
  decode: Decode
  /** Reads the state as of now. Throws RequestError. */
  load(signal: AbortSignal): Promise<LoadedState<State>>
  /** Called when the first reader comes and some time after the last one went. */
  onActive?(isActive: boolean): void
  onChange?(): void
}

/** How long a stream is still read after its last reader went: a change of page does not cut it, ms. */
const LINGER_MS = 1000

/**
 * The folded state of one stream, live while somebody subscribes. `subscribe` and `getSnapshot` are what React's
 * `useSyncExternalStore` takes. Every event is checked against its schema before it is folded.
 */
export class StreamStore<State> {
  readonly #options: StreamStoreOptions<State>
  readonly #listeners = new Set<() => void>()
  readonly #connection: StreamConnection
  #snapshot: StreamSnapshot<State>
  #isActive = false
  #cancelLinger: (() => void) | null = null

  constructor(options: StreamStoreOptions<State>) {
    this.#options = options
    this.#snapshot = { state: options.definition.initial, offset: null, connection: IDLE, error: null }
    this.#connection = new StreamConnection({
      world: options.world,
      path: options.path,
      decode: options.decode,
      locate: (signal) => this.#load(signal),
      onEvents: (events, offset) => this.#fold(events, offset),
      onChange: (connection, error) => this.#set({ connection, error }),
    })
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#cancelLinger?.()
    this.#cancelLinger = null
    this.#setActive(true)
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
      this.#cancelLinger = this.#options.world.clock.after(LINGER_MS, () => this.#setActive(false))
    }
  }

  readonly getSnapshot = (): StreamSnapshot<State> => this.#snapshot

  /** Tries to connect now, also after it was given up. */
  readonly reconnect = (): void => {
    if (this.#isActive) this.#connection.connect()
  }

  #setActive(isActive: boolean): void {
    if (isActive === this.#isActive) return
    this.#isActive = isActive
    if (isActive) this.#connection.connect()
    else this.#connection.disconnect()
    this.#options.onActive?.(isActive)
  }

  async #load(signal: AbortSignal): Promise<Offset | 'ended'> {
    const { state, offset, ended } = await this.#options.load(signal)
    signal.throwIfAborted()
    this.#set({ state, offset })
    return ended ? 'ended' : offset
  }

  #fold(events: EventBase[], offset: Offset): 'ended' | undefined {
    const { definition } = this.#options
    let { state } = this.#snapshot
    for (const event of events) state = definition.apply(state, this.#check(event))
    this.#set({ state, offset })
    return events.some((event) => definition.isTerminal(event.type)) ? 'ended' : undefined
  }

  #check(event: EventBase): EventBase {
    const { definition, world } = this.#options
    // One of a newer server: the fold leaves it alone.
    if (!Object.hasOwn(definition.events, event.type)) return event
    try {
      return definition.parse(event as never, world.clock.now())
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      const fields = { code: error.code, status: 0, kind: 'validation', retry: false } as const
      throw new RequestError(`${error.message} Reload the page to get its newest version.`, fields, error)
    }
  }

  #set(change: Partial<StreamSnapshot<State>>): void {
    this.#snapshot = { ...this.#snapshot, ...change }
    for (const listener of [...this.#listeners]) listener()
    this.#options.onChange?.()
  }
}

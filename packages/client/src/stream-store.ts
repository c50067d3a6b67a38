import type { EventBase, Offset } from '@holdfast/protocol'
import { isOpen, MAX_ATTEMPTS, retryDelay } from './connection-policy.ts'
import { type Connection, type Reading, viewConnection } from './connection-view.ts'
import type { Link, StreamReader } from './link.ts'
import { isBeyond, placeOf } from './position.ts'
import { RequestError } from './request.ts'
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
  /** Events may be appended from outside. */
  clientAppend?: boolean
  isTerminal(type: string): boolean
  parse(event: never, now: number): EventBase
}

export interface StreamStoreOptions<State> {
  world: ClientWorld
  link: Link
  definition: FoldedStream<State>
  /** Name of the stream; may be known only once it was loaded. */
  stream: string
  /** Reads the state as of now. Throws RequestError. `null`: there is no such stream yet. */
  load(signal: AbortSignal): Promise<LoadedState<State> | null>
  /** Whether, where streams have to be asked about again and again, this is done by `load`. */
  pollsByLoading?: boolean | undefined
  /** Called when the first reader comes and some time after the last one went. */
  onActive?(isActive: boolean): void
  /** Called after each change. */
  onChange?(): void
}

/** How long a state may take to be read, ms. */
const LOAD_MS = 20_000
/** How long a stream is still read after its last reader went: a change of page does not cut it, ms. */
const LINGER_MS = 1000

type Frame = Parameters<StreamReader['receive']>[0]

/**
 * The folded state of one stream, live while somebody subscribes. `subscribe` and `getSnapshot` are what React's
 * `useSyncExternalStore` takes. Every event is checked against its schema before it is folded.
 */
export class StreamStore<State> {
  readonly #options: StreamStoreOptions<State>
  readonly #listeners = new Set<() => void>()
  readonly #reader: StreamReader
  #snapshot: StreamSnapshot<State>
  #reading: Reading = 'idle'
  #readingSince = 0
  #position: Offset | null = null
  /** What is wrong with this stream, besides what is with the connection. */
  #error: RequestError | null = null
  #cancelLinger: (() => void) | null = null
  #stop: (() => void) | null = null
  #loading: AbortController | null = null
  #loads = 0
  #cancelLoad: (() => void) | null = null
  #wasOpen = false

  constructor(options: StreamStoreOptions<State>) {
    this.#options = options
    this.#snapshot = { state: options.definition.initial, offset: null, connection: this.#view(), error: null }
    const store = this
    this.#reader = {
      get position() {
        return store.#position
      },
      receive: (frame) => this.#receive(frame),
      reset: () => this.#reset(),
      fail: (error) => this.#fail(error),
      ...(options.pollsByLoading && { poll: (signal: AbortSignal) => this.#poll(signal) }),
    }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#cancelLinger?.()
    this.#cancelLinger = null
    if (this.#reading === 'idle') this.#begin()
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
      this.#cancelLinger = this.#options.world.clock.after(LINGER_MS, () => this.#enter('idle'))
    }
  }

  readonly getSnapshot = (): StreamSnapshot<State> => this.#snapshot

  /** Reads no more, whoever looks. */
  close(): void {
    this.#cancelLinger?.()
    this.#enter('idle')
  }

  /** Tries to connect now, also after it was given up. */
  readonly reconnect = (): void => {
    if (this.#reading === 'failed') this.#begin()
    this.#options.link.reconnect()
  }

  /**
   * Takes in a part of the stream: `folded`; `dropped`, for it is known already; or `gap`, for something before it is
   * missing. Promise 3 of the protocol's frames: `after` mine, fold; `offset` at or before mine, drop; else read.
   */
  apply(frame: Frame): 'folded' | 'dropped' | 'gap' {
    const mine = this.#position
    if (mine === null) return 'dropped'
    const place = placeOf(mine, frame)
    if (place !== 'next') return place === 'known' ? 'dropped' : 'gap'
    if (frame.type === 'events') this.#fold(eventsOf(frame))
    this.#position = frame.offset
    return 'folded'
  }

  #begin(): void {
    const { link, stream } = this.#options
    this.#loads = 0
    this.#wasOpen = isOpen(link.status.connection)
    this.#enter('loading')
    const stopStatus = link.onStatus(() => this.#onStatus())
    const close = link.open(stream, this.#reader)
    this.#stop = () => {
      stopStatus()
      close()
    }
    void this.#load()
    this.#options.onActive?.(true)
  }

  /** Leaves the wire for good, or until somebody comes again. */
  #enter(reading: Reading, change: Partial<StreamSnapshot<State>> = {}): void {
    if (reading !== this.#reading) this.#readingSince = this.#options.world.clock.now()
    this.#reading = reading
    if (reading !== 'loading' && reading !== 'live') {
      this.#stop?.()
      this.#stop = null
      this.#loading?.abort()
      this.#cancelLoad?.()
    }
    this.#set(change)
    if (reading === 'idle') this.#options.onActive?.(false)
  }

  #onStatus(): void {
    const wasOpen = this.#wasOpen
    this.#wasOpen = isOpen(this.#options.link.status.connection)
    // What could not be read for want of a connection can be now.
    if (this.#reading === 'loading' && this.#loading === null && this.#wasOpen && !wasOpen) void this.#load()
    this.#set({})
  }

  async #load(): Promise<void> {
    this.#loading?.abort()
    this.#cancelLoad?.()
    const loading = new AbortController()
    this.#loading = loading
    const end = () => {
      this.#loading = null
      this.#cancelLoad?.()
    }
    // What is never answered is asked for again.
    this.#cancelLoad = this.#options.world.clock.after(LOAD_MS, () => {
      end()
      loading.abort()
      this.#onLoadFailed(RequestError.unreachable())
    })
    try {
      const loaded = await this.#options.load(loading.signal)
      if (loading.signal.aborted) return
      end()
      if (loaded) this.#take(loaded)
      else this.#onLoadFailed(missing(this.#options.stream))
    } catch (error) {
      if (loading.signal.aborted) return
      end()
      this.#onLoadFailed(RequestError.from(error))
    }
  }

  /** One answer of many: what fails here is the transport's, and what another try will not change is the stream's. */
  async #poll(signal: AbortSignal): Promise<void> {
    try {
      const loaded = await this.#options.load(signal)
      if (loaded && !signal.aborted && this.#stop) this.#take(loaded)
    } catch (error) {
      if (!(error instanceof RequestError) || error.retry || error.kind === 'auth') throw error
      this.#fail(error)
    }
  }

  #take({ state, offset, ended }: LoadedState<State>): void {
    const { link, stream } = this.#options
    const isNewer = this.#position === null || isBeyond(offset, this.#position)
    this.#loads = 0
    if (isNewer) this.#position = offset
    const change = isNewer ? { state, offset, error: null } : { error: null }
    if (ended) this.#enter('ended', change)
    else this.#enter('live', change)
    // What came while it was read was not taken in.
    if (!ended && this.#position !== null) link.align(stream, this.#position)
  }

  /** Asked again when there is a connection; where there is one, after P3's waits, for as often as P3 says. */
  #onLoadFailed(error: RequestError): void {
    const { link, world } = this.#options
    if (!error.retry) {
      this.#fail(error)
      return
    }
    this.#set({ error })
    if (!isOpen(link.status.connection)) return
    this.#loads += 1
    if (this.#loads > MAX_ATTEMPTS) this.#fail(error)
    else
      this.#cancelLoad = world.clock.after(
        retryDelay(this.#loads, world.random, error.retryAfter),
        () => void this.#load(),
      )
  }

  #receive(frame: Frame): void {
    if (this.#reading !== 'live') return
    const { link, stream, definition } = this.#options
    let result: ReturnType<StreamStore<State>['apply']>
    try {
      result = this.apply(frame)
    } catch (error) {
      this.#fail(RequestError.from(error))
      return
    }
    if (result === 'gap' && this.#position !== null) link.align(stream, this.#position)
    if (result !== 'folded') return
    const events = eventsOf(frame)
    const isOver = frame.type === 'sealed' || events.some(({ type }) => definition.isTerminal(type))
    if (isOver) this.#enter('ended', { error: null })
    else if (events.length > 0 || this.#error) this.#set({ error: null })
  }

  #reset(): void {
    this.#position = null
    this.#enter('loading')
    void this.#load()
  }

  #fail(error: RequestError): void {
    if (this.#reading === 'loading' || this.#reading === 'live') this.#enter('failed', { error })
  }

  #fold(events: EventBase[]): void {
    const { definition } = this.#options
    let { state } = this.#snapshot
    for (const event of events) state = definition.apply(state, this.#check(event))
    this.#snapshot = { ...this.#snapshot, state }
  }

  #check(event: EventBase): EventBase {
    const { definition, world } = this.#options
    // One of a newer server: the fold leaves it alone.
    if (!Object.hasOwn(definition.events, event.type)) return event
    try {
      return definition.parse(event as never, world.clock.now())
    } catch (error) {
      const { message, code } = error as Error & { code?: unknown }
      if (code !== 'INVALID_INPUT') throw error
      const fields = { code: 'INVALID_INPUT', status: 0, kind: 'validation', retry: false } as const
      throw new RequestError(`${message} Reload the page to get its newest version.`, fields, error)
    }
  }

  #set(change: Partial<StreamSnapshot<State>>): void {
    const offset = this.#position ?? this.#snapshot.offset
    const connection = this.#view()
    if (change.error !== undefined) this.#error = change.error
    const error = this.#error ?? (connection.state === 'completed' ? null : this.#options.link.status.error)
    this.#snapshot = { ...this.#snapshot, offset, ...change, connection, error }
    for (const listener of [...this.#listeners]) listener()
    this.#options.onChange?.()
  }

  #view(): Connection {
    return viewConnection(this.#options.link.status.connection, this.#reading, this.#readingSince)
  }
}

/** What of a frame is an event: a stream of no defined kind may hold any JSON. */
function eventsOf(frame: Frame): EventBase[] {
  const values = frame.type === 'events' ? (frame.events as (Partial<EventBase> | null)[]) : []
  return values.filter((value): value is EventBase => typeof value?.type === 'string')
}

/** No such stream yet, as an error that waiting may mend. */
function missing(stream: string): RequestError {
  const fields = { code: 'NOT_FOUND', status: 404, kind: 'not_found', retry: true } as const
  return new RequestError(`There is no stream "${stream}" yet.`, fields)
}

import { OFFSET_START, type StreamParams } from '@holdfast/protocol'
import { type Connection, NOT_CONNECTED } from './connection-view.ts'
import { Credentials, type TokenSource } from './credentials.ts'
import { DirectLink } from './direct-link.ts'
import type { Appended, Role } from './link.ts'
import type { Outbox } from './outbox.ts'
import { RequestError, request } from './request.ts'
import { type FoldedStream, type LoadedState, StreamStore, type StreamStoreOptions } from './stream-store.ts'
import { SwitchLink } from './switch-link.ts'
import type { ClientWorld, RequestInit, Tabs } from './world.ts'

/** How the page as a whole is connected; a new object for every change. */
export interface PageConnection {
  /** The worst of the streams that are read; `disconnected` while there is none. */
  connection: Connection
  error: RequestError | null
  /** The device says it has no network, and nothing shows that it is wrong. */
  isOffline: boolean
  /** Appends that wait or are on their way. */
  queued: number
  /** Whether the tabs of this browser share a connection, and whether it is this one's. */
  role: Role
}

export interface StreamClientOptions {
  /** Gives bearer tokens; absent: cookies, or what `world.fetch` and `world.openSocket` add by themselves. */
  token?: TokenSource
  /** `false`: this client has a connection of its own, whatever other tabs do. */
  shared?: boolean
  /** Appends that were not sent outlive the page, where the browser can keep them. */
  keepAppends?: boolean
  /** Called when the server's definition of a stream is newer than this page's: to be reloaded. */
  onOutdated?(stream: string): void
}

const BADNESS = {
  completed: 0,
  disconnected: 0,
  connected: 1,
  degraded: 2,
  connecting: 3,
  reconnecting: 4,
  error: 5,
} as const

/** What one page or program reads of one server: each stream once, however many look at it, all on one connection. */
export class StreamClient {
  readonly world: ClientWorld
  readonly #options: StreamClientOptions
  readonly #link = new SwitchLink()
  readonly #credentials: Credentials
  /** Most pages append nothing; those that may have it before they do. */
  #outbox: Promise<Outbox> | null = null
  #queued = 0
  #isClosed = false
  readonly #stores = new Map<string, StreamStore<unknown>>()
  readonly #listeners = new Set<() => void>()
  readonly #stop: (() => void)[]
  #me: Promise<Me> | null = null
  #page: PageConnection

  constructor(world: ClientWorld, options: StreamClientOptions = {}) {
    const credentials = new Credentials(world, options.token)
    this.world = credentials.world
    this.#options = options
    this.#credentials = credentials
    const { tabs } = world
    if (tabs && options.shared !== false) void this.#share(tabs)
    else this.#link.use(new DirectLink({ credentials, role: 'alone' }))
    if (options.keepAppends) void this.#openOutbox().catch(nothing)
    const update = () => this.#update()
    this.#stop = [this.#link.onStatus(update), world.connectivity.subscribe(update)]
    this.#page = this.#look()
  }

  /** The shared store of one stream of a definition. Reading begins with its first subscriber. */
  stream<Pattern extends string, State>(
    definition: FoldedStream<State> & { name(params: StreamParams<Pattern>): string },
    params: StreamParams<Pattern>,
  ): StreamStore<State> {
    const stream = definition.name(params)
    if (definition.clientAppend) void this.#openOutbox().catch(nothing)
    return this.store(stream, { definition, stream, load: (signal) => this.#loadState(stream, definition, signal) })
  }

  /** The shared store under a key of the caller's choice, made where there is none. */
  store<State>(
    key: string,
    options: Omit<StreamStoreOptions<State>, 'world' | 'link' | 'onActive' | 'onChange'>,
  ): StreamStore<State> {
    const known = this.#stores.get(key) as StreamStore<State> | undefined
    if (known) return known
    const store: StreamStore<State> = new StreamStore<State>({
      ...options,
      world: this.world,
      link: this.#link,
      onActive: (isActive) => this.#keep(key, store as StreamStore<unknown>, isActive),
      onChange: () => this.#update(),
    })
    this.#stores.set(key, store as StreamStore<unknown>)
    return store
  }

  /**
   * Appends events to a stream, once, whenever there is a way: resolves when they are on disk. Throws RequestError; what
   * can be mended by waiting is waited for.
   */
  append(stream: string, events: object[], options: { seal?: boolean } = {}): Promise<Appended> {
    return this.#openOutbox().then((outbox) => outbox.append(stream, events, options))
  }

  /** Sends a request to the same server and reads its JSON; throws RequestError. */
  request<T>(path: string, init?: RequestInit): Promise<T> {
    return request<T>(this.world, path, init)
  }

  /** Who asks, as the server knows them; `isNew`: what it said before may not hold any more. */
  me(isNew = false): Promise<Me> {
    if (isNew) this.#me = null
    this.#me ??= this.request<Me>('/api/me').catch((error) => {
      this.#me = null
      throw error
    })
    return this.#me
  }

  /** Tries every stream again that was given up or waits. */
  readonly reconnect = (): void => {
    this.#link.reconnect()
    for (const store of this.#stores.values()) store.reconnect()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): PageConnection => this.#page

  /** Ends everything; appends that wait and are not kept are refused. */
  close(): void {
    this.#isClosed = true
    for (const stop of this.#stop) stop()
    for (const store of [...this.#stores.values()]) store.close()
    void this.#outbox?.then((outbox) => outbox.close(), nothing)
    this.#link.close()
  }

  /** Together with the other tabs; what that takes is loaded while it is found out who asks. */
  async #share(tabs: Tabs): Promise<void> {
    const credentials = this.#credentials
    const me = this.me()
    // Whoever wants to know asks again.
    me.catch(nothing)
    try {
      const { identityOf, TabGroup } = await import('./tabs/tab-group.ts')
      if (this.#isClosed) return
      const identity = async (isNew: boolean) => identityOf(await this.me(isNew))
      const group = new TabGroup({ credentials, tabs, link: this.#link, identity })
      this.#stop.push(() => group.close())
    } catch {
      this.#link.use(new DirectLink({ credentials, role: 'alone' }))
    }
  }

  /** Rejects with UNREACHABLE where its part of the program cannot be loaded. */
  #openOutbox(): Promise<Outbox> {
    this.#outbox ??= this.#makeOutbox().catch((error) => {
      this.#outbox = null
      throw RequestError.unreachable(error)
    })
    return this.#outbox
  }

  async #makeOutbox(): Promise<Outbox> {
    const { tabs } = this.world
    const { Outbox } = await import('./outbox.ts')
    if (this.#isClosed) throw new Error('The client is closed.')
    const keeping = this.#options.keepAppends && tabs ? await import('./kept-appends.ts') : null
    const keep =
      keeping && tabs && new keeping.KeptAppends({ of: async () => (await this.me()).id, page: this.world.id(), tabs })
    const outbox = new Outbox({ world: this.world, link: this.#link, keep })
    outbox.onChange(() => {
      this.#queued = outbox.size
      this.#update()
    })
    return outbox
  }

  async #loadState<State>(
    stream: string,
    definition: FoldedStream<State>,
    signal: AbortSignal,
  ): Promise<LoadedState<State> | null> {
    try {
      const path = `/v1/stream/${stream}?view=state`
      const loaded = await this.request<LoadedState<State> & { version: number; sealed?: boolean }>(path, { signal })
      if (loaded.version === definition.version) return { ...loaded, ended: loaded.sealed === true }
      if (loaded.version > definition.version) this.#options.onOutdated?.(stream)
    } catch (error) {
      const code = error instanceof RequestError ? error.code : null
      if (code === 'NOT_FOUND') return null
      // The server does not know such streams, or cannot hand out the state of this one.
      if (code !== 'NO_FOLD' && code !== 'STATE_TOO_LARGE') throw error
    }
    // The events from the start say the same as a state, whoever folds them.
    return { state: definition.initial, offset: OFFSET_START }
  }

  #keep(key: string, store: StreamStore<unknown>, isActive: boolean): void {
    if (isActive) this.#stores.set(key, store)
    else if (this.#stores.get(key) === store) this.#stores.delete(key)
    this.#update()
  }

  #update(): void {
    const next = this.#look()
    if (next.error === this.#page.error && JSON.stringify(next) === JSON.stringify(this.#page)) return
    this.#page = next
    for (const listener of [...this.#listeners]) listener()
  }

  #look(): PageConnection {
    let connection = NOT_CONNECTED
    let error: RequestError | null = null
    for (const store of this.#stores.values()) {
      const snapshot = store.getSnapshot()
      if (BADNESS[snapshot.connection.state] <= BADNESS[connection.state]) continue
      ;({ connection, error } = snapshot)
    }
    const { status } = this.#link
    const isWorking = status.connection.state === 'connected' || status.connection.state === 'degraded'
    return {
      connection,
      error: error ?? status.error,
      isOffline: !isWorking && !this.world.connectivity.online(),
      queued: this.#queued,
      role: status.role,
    }
  }
}

/** Who asks, and what they may. */
export interface Me {
  kind: string
  id: string
  scope: string[]
  /** Of a token; RFC 3339. */
  expiresAt: string | null
}

function nothing(): void {}

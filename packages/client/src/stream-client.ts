import { OFFSET_START, type StreamParams } from '@holdfast/protocol'
import type { Connection } from './connection-policy.ts'
import { RequestError, request } from './request.ts'
import { type FoldedStream, type LoadedState, StreamStore, type StreamStoreOptions } from './stream-store.ts'
import { decodeFrame } from './wire.ts'
import type { ClientWorld, RequestInit } from './world.ts'

/** How the page as a whole is connected: as well as the worst of the streams it reads. */
export interface PageConnection {
  /** `null` while nothing is read, or all of it has come to its end. */
  worst: Connection | null
  error: RequestError | null
  /** The device says it has no network. */
  isOffline: boolean
}

const BADNESS = { completed: 0, disconnected: 0, connected: 1, connecting: 2, reconnecting: 3, error: 4 } as const

/** What one page or program reads of one server: each stream once, however many look at it. */
export class StreamClient {
  readonly world: ClientWorld
  readonly #stores = new Map<string, StreamStore<unknown>>()
  readonly #listeners = new Set<() => void>()
  #page: PageConnection
  #unsubscribe: (() => void) | null = null

  constructor(world: ClientWorld) {
    this.world = world
    this.#page = { worst: null, error: null, isOffline: !world.connectivity.online() }
  }

  /** The shared store of one stream of a definition. Reading begins with its first subscriber. */
  stream<Pattern extends string, State>(
    definition: FoldedStream<State> & { name(params: StreamParams<Pattern>): string },
    params: StreamParams<Pattern>,
  ): StreamStore<State> {
    const name = definition.name(params)
    const path = `/v1/stream/${name}`
    return this.store(name, {
      definition,
      path,
      decode: decodeFrame,
      load: (signal) => this.#loadState(path, definition, signal),
    })
  }

  /** The shared store under a key of the caller's choice, made where there is none. */
  store<State>(key: string, options: Omit<StreamStoreOptions<State>, 'world' | 'onActive'>): StreamStore<State> {
    const known = this.#stores.get(key) as StreamStore<State> | undefined
    if (known) return known
    const store: StreamStore<State> = new StreamStore<State>({
      ...options,
      world: this.world,
      onActive: (isActive) => this.#keep(key, store, isActive),
      onChange: () => this.#update(),
    })
    this.#stores.set(key, store as StreamStore<unknown>)
    return store
  }

  /** Sends a request to the same server and reads its JSON; throws RequestError. */
  request<T>(path: string, init?: RequestInit): Promise<T> {
    return request<T>(this.world, path, init)
  }

  /** Tries every stream again that was given up or waits. */
  readonly reconnect = (): void => {
    for (const store of this.#stores.values()) store.reconnect()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#unsubscribe ??= this.world.connectivity.subscribe(() => this.#update())
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unsubscribe?.()
      this.#unsubscribe = null
    }
  }

  readonly getSnapshot = (): PageConnection => this.#page

  async #loadState<State>(
    path: string,
    definition: FoldedStream<State>,
    signal: AbortSignal,
  ): Promise<LoadedState<State>> {
    try {
      const loaded = await this.request<LoadedState<State> & { version: number; sealed?: boolean }>(
        `${path}?view=state`,
        {
          signal,
        },
      )
      if (loaded.version === definition.version) return { ...loaded, ended: loaded.sealed === true }
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'NOT_FOUND') throw error
    }
    // Not begun yet, or folded by another version: the events from the start say the same.
    return { state: definition.initial, offset: OFFSET_START }
  }

  #keep<State>(key: string, store: StreamStore<State>, isActive: boolean): void {
    if (isActive) this.#stores.set(key, store as StreamStore<unknown>)
    else if (this.#stores.get(key) === store) this.#stores.delete(key)
    this.#update()
  }

  #update(): void {
    const next: PageConnection = { worst: null, error: null, isOffline: !this.world.connectivity.online() }
    for (const store of this.#stores.values()) {
      const { connection, error } = store.getSnapshot()
      if (BADNESS[connection.state] <= (next.worst ? BADNESS[next.worst.state] : 0)) continue
      next.worst = connection
      next.error = error
    }
    if (next.worst === this.#page.worst && next.isOffline === this.#page.isOffline) return
    this.#page = next
    for (const listener of [...this.#listeners]) listener()
  }
}

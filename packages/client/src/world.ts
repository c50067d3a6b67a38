import { type Clock, systemClock } from '@holdfast/protocol'

/** What is used of a WebSocket: the browser's, Node's and `ws` all have it. */
export interface WebSocketLike {
  send(text: string): void
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  onerror: ((event: never) => void) | null
}

/** Everything the client wants of the world, so that a test holds the clock and the wire in its hand. */
export interface ClientWorld {
  /** Where the server is, without a slash at the end: `http://127.0.0.1:4000`. */
  readonly baseUrl: string
  readonly clock: Clock
  /** 0 inclusive to 1 exclusive. */
  random(): number
  /** A text nobody else has. */
  id(): string
  fetch(url: string, init?: RequestInit): Promise<Response>
  /**
   * Opens a WebSocket, with a token where there is one. Failure is told by `onclose`, never thrown. `null` where there
   * are no WebSockets: other transports are used at once.
   */
  openSocket(url: string, token?: string): WebSocketLike | null
  readonly connectivity: Connectivity
  /** What tabs of one browser share; absent: this is alone. */
  readonly tabs?: Tabs | undefined
}

/** What the device knows of its network, and of whether anybody looks. */
export interface Connectivity {
  /** `false` only where the device is sure to have no network; `true` promises nothing. */
  online(): boolean
  /** Calls back when the network comes or goes and when the page is looked at again; returns unsubscribe. */
  subscribe(listener: () => void): () => void
}

/** What lets the tabs of one browser share a connection. */
export interface Tabs {
  /** Reaches all tabs of this origin; sources: HTML, BroadcastChannel. */
  channel(name: string): TabChannel
  /** One holder of a name at a time; source: W3C, Web Locks API. */
  locks: TabLocks
  /** Calls back as the page goes for good or is put to sleep (`false`) and when it wakes again (`true`). */
  onLife?(listener: (isAwake: boolean) => void): () => void
}

/** What is used of the browser's locks. */
export interface TabLocks {
  /**
   * Calls back when the lock is held, and holds it until what that returns has settled; resolves with it. With
   * `ifAvailable` the callback gets `null` where somebody else holds it; with `steal` whoever holds it loses it.
   */
  request<T>(
    name: string,
    options: { signal?: AbortSignal; ifAvailable?: boolean; steal?: boolean },
    callback: (lock: object | null) => T,
  ): Promise<Awaited<T>>
}

export interface TabChannel {
  postMessage(message: unknown): void
  onmessage: ((event: { data: unknown }) => void) | null
  close(): void
}

/** What `fetch` takes here. */
export type RequestInit = globalThis.RequestInit

/**
 * The world of a browser page: same origin, cookies by themselves, the device's network, its other tabs.
 *
 * ```ts
 * const client = new StreamClient(browserWorld(window))
 * ```
 */
export function browserWorld(page: BrowserPage): ClientWorld {
  const isShareable = typeof BroadcastChannel === 'function' && page.navigator.locks !== undefined
  return {
    baseUrl: page.location.origin,
    clock: systemClock,
    random: Math.random,
    // Pages of plain HTTP have no randomUUID; what is drawn here guards nothing.
    id: () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join(''),
    fetch: (url, init) => fetch(url, init),
    openSocket: (url, token) => {
      if (typeof WebSocket !== 'function') return null
      // A page cannot set a header here.
      return new WebSocket(
        token ? `${url}${url.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}` : url,
      ) as WebSocketLike
    },
    connectivity: {
      online: () => page.navigator.onLine,
      subscribe: (listener) =>
        listen(
          [page, 'online', listener],
          [page, 'offline', listener],
          [page.document, 'visibilitychange', () => page.document.visibilityState === 'visible' && listener()],
        ),
    },
    tabs: isShareable ? browserTabs(page) : undefined,
  }
}

/** What is used of `window`. */
export interface BrowserPage extends EventSource {
  location: { origin: string }
  navigator: { onLine: boolean; locks?: TabLocks }
  document: EventSource & { visibilityState: string }
}

interface EventSource {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

function browserTabs(page: BrowserPage): Tabs {
  const { locks } = page.navigator as { locks: TabLocks }
  return {
    channel: (name) => new BroadcastChannel(name) as TabChannel,
    locks,
    onLife: (listener) => {
      const sleep = () => listener(false)
      const wake = () => listener(true)
      // Source: Page Lifecycle (WICG): a page may be frozen while hidden, or kept aside for the way back.
      return listen(
        [page, 'pagehide', sleep],
        [page.document, 'freeze', sleep],
        [page, 'pageshow', wake],
        [page.document, 'resume', wake],
      )
    },
  }
}

function listen(...wanted: [EventSource, string, () => unknown][]): () => void {
  for (const [source, type, listener] of wanted) source.addEventListener(type, listener)
  return () => {
    for (const [source, type, listener] of wanted) source.removeEventListener(type, listener)
  }
}

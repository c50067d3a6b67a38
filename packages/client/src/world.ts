import { type Clock, systemClock } from '@holdfast/protocol'

/** What is used of a WebSocket: the browser's, Node's and `ws` all have it. */
export interface WebSocketLike {
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  onerror: ((event: never) => void) | null
}

/** Everything the client wants of the world, so that a test holds the clock and the wire in its hand. */
export interface ClientWorld {
  /** Where the server is, without a slash at the end: `http://127.0.0.1:4000`. */
  baseUrl: string
  clock: Clock
  /** 0 inclusive to 1 exclusive. */
  random(): number
  fetch(url: string, init?: RequestInit): Promise<Response>
  /** Opens a WebSocket. Failure is told by `onclose`, never thrown. */
  openSocket(url: string): WebSocketLike
  connectivity: Connectivity
}

/** What the device knows of its network. */
export interface Connectivity {
  /** `false` only where the device is sure to have no network; `true` promises nothing. */
  online(): boolean
  /** Calls back when the network comes or goes and when the page is looked at again; returns unsubscribe. */
  subscribe(listener: () => void): () => void
}

/** What `fetch` takes here. */
export type RequestInit = globalThis.RequestInit

/**
 * The world of a browser page: same origin, cookies by themselves, the device's network.
 *
 * ```ts
 * const client = new StreamClient(browserWorld(window))
 * ```
 */
export function browserWorld(page: BrowserPage): ClientWorld {
  return {
    baseUrl: page.location.origin,
    clock: systemClock,
    random: Math.random,
    fetch: (url, init) => fetch(url, init),
    openSocket: (url) => new WebSocket(url) as WebSocketLike,
    connectivity: {
      online: () => page.navigator.onLine,
      subscribe: (listener) => listen(page, listener),
    },
  }
}

/** What is used of `window`. */
export interface BrowserPage {
  location: { origin: string }
  navigator: { onLine: boolean }
  document: EventSource & { visibilityState: string }
  addEventListener: EventSource['addEventListener']
  removeEventListener: EventSource['removeEventListener']
}

interface EventSource {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

function listen(page: BrowserPage, listener: () => void): () => void {
  const onVisible = () => {
    if (page.document.visibilityState === 'visible') listener()
  }
  page.addEventListener('online', listener)
  page.addEventListener('offline', listener)
  page.document.addEventListener('visibilitychange', onVisible)
  return () => {
    page.removeEventListener('online', listener)
    page.removeEventListener('offline', listener)
    page.document.removeEventListener('visibilitychange', onVisible)
  }
}

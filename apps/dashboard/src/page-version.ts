import { useEffect, useEffectEvent, useRef, useState } from 'react'

/** Not asked again within this time, ms: a server that comes and goes is not asked each time. */
const PAUSE_MS = 60_000
/** A page that comes into view again after so long looks whether it is still the newest, ms. */
const LONG_MS = 15 * 60_000

/** The script that a page's document starts with: each build has another. `null` where there is none. */
export function scriptOf(html: string): string | null {
  return /<script[^>]+type="module"[^>]+src="([^"]+)"/.exec(html)?.[1] ?? null
}

/** The script this page started with. */
function ownScript(): string | null {
  return document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.getAttribute('src') ?? null
}

/** What names this build of the page: `index-B2cQ…`. */
export function pageBuild(): string {
  return /([^/]+)\.\w+$/.exec(ownScript() ?? '')?.[1] ?? 'unknown'
}

/**
 * Whether the server serves a newer page than this one. Looks when the connection is there again after a loss, for a
 * server that was replaced was away for a moment, and when the page comes into view after a long time.
 */
export function useIsOutdated(isConnected: boolean): boolean {
  const [isOutdated, setOutdated] = useState(false)
  const [loadedAt] = useState(Date.now)
  const lookedAt = useRef(0)
  const wasConnected = useRef(false)
  const look = useEffectEvent(async (notBefore: number) => {
    const now = Date.now()
    if (isOutdated || now < notBefore || now - lookedAt.current < PAUSE_MS) return
    lookedAt.current = now
    const script = scriptOf(await servedPage())
    if (script !== null && script !== ownScript()) setOutdated(true)
  })
  useEffect(() => {
    if (isConnected && wasConnected.current) void look(0)
    if (isConnected) wasConnected.current = true
  }, [isConnected])
  useEffect(() => {
    const onVisible = () =>
      document.visibilityState === 'visible' && void look(Math.max(loadedAt, lookedAt.current) + LONG_MS)
    document.addEventListener('visibilitychange', onVisible)
    return () => document.removeEventListener('visibilitychange', onVisible)
  }, [loadedAt])
  return isOutdated
}

const RELOADED = 'holdfast.reloaded'

/**
 * A part of this page is gone, for a newer one was built: takes the newer one. Once a build; if its parts are gone too,
 * the page says what could not be shown instead of reloading for ever. Where no page is to be had now, for nobody
 * answers, this one stays: a reload would leave nothing of it.
 */
export async function reloadOnce(): Promise<void> {
  const build = pageBuild()
  if (sessionStorage.getItem(RELOADED) === build) return
  // At once: several parts may be gone, and the router reloads by itself for one of its own.
  sessionStorage.setItem(RELOADED, build)
  if (scriptOf(await servedPage()) !== null) location.reload()
  else sessionStorage.removeItem(RELOADED)
}

/** The document the server has now; empty where it cannot be had. */
function servedPage(): Promise<string> {
  return fetch('/', { headers: { accept: 'text/html' } }).then(
    (answer) => (answer.ok ? answer.text() : ''),
    () => '',
  )
}

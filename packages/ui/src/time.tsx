import { useEffect, useState, useSyncExternalStore } from 'react'

/** The time now (Unix ms), again every `everyMs`; `null` stands still. */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (everyMs === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** A moment as people say it, the exact time on hover. */
export function Moment({ at }: { at: string }) {
  const now = useSyncExternalStore(subscribe, read, Date.now)
  const date = new Date(at)
  return (
    <time dateTime={at} title={date.toLocaleString()} className="whitespace-nowrap">
      {relativeTime(date.getTime(), now)}
    </time>
  )
}

/** `just now`, `5 m ago`, `3 h ago`, `2 d ago`, then the date. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 45) return 'just now'
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} m ago`
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`
  if (seconds < 7 * 86_400) return `${Math.round(seconds / 86_400)} d ago`
  return new Date(at).toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' })
}

/** A length of time as people say it: `less than 1 s`, `42 s`, `1 m 04 s`, `3 h 05 m`, `2 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 1) return 'less than 1 s'
  if (seconds < 60) return `${seconds} s`
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** One clock for all moments of a page, however many rows show one. */
const TICK_MS = 30_000
const listeners = new Set<() => void>()
let tick = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(advance, TICK_MS)
  advance()
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function advance(): void {
  const now = Date.now()
  // Rows that come one after another do not make the others say the same again.
  if (now - tick < 1000) return
  tick = now
  for (const listener of [...listeners]) listener()
}

function read(): number {
  return tick
}

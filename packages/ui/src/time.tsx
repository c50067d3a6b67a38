import { useEffect, useState } from 'react'

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
  const now = useNow(30_000)
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

import { useEffect, useRef, useState } from 'react'
import type { Outcome } from './watch-list.ts'
import type { WatchedNow } from './watching.tsx'

/** How the last one ended that ended while this tab was not looked at; `null` once it is. A failure outweighs a success. */
export function useOutcomeUnseen(entries: readonly WatchedNow[]): Outcome['status'] | null {
  const [unseen, setUnseen] = useState<Outcome['status'] | null>(null)
  useOnEnd(entries, ({ outcome }) => {
    if (!document.hidden || outcome === null) return
    setUnseen((known) => (known === 'failed' ? known : outcome.status))
  })
  useEffect(() => {
    const look = () => {
      if (!document.hidden) setUnseen(null)
    }
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return unseen
}

/** Called for each watched ingestion whose end this page met. */
export function useOnEnd(entries: readonly WatchedNow[], onEnd: (entry: WatchedNow) => void): void {
  const running = useRef<ReadonlySet<string>>(new Set())
  useEffect(() => {
    const before = running.current
    running.current = new Set(entries.filter(({ outcome }) => outcome === null).map(({ ingestionId }) => ingestionId))
    for (const entry of entries) if (entry.outcome !== null && before.has(entry.ingestionId)) onEnd(entry)
  })
}

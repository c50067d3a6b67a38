import { useEffect, useSyncExternalStore } from 'react'
import { faviconOf, type TabMark } from './favicon.ts'
import { leadOf } from './lead.ts'
import { useOutcomeUnseen } from './unseen.ts'
import { useWatched, type WatchedNow } from './watching.tsx'

/**
 * The tab tells how far it is, in its title and icon: the page's own ingestion, elsewhere what is watched. What ended
 * while nobody looked stays marked until somebody does. Everything is as before afterwards.
 */
export function TabMarker() {
  const entries = useWatched()
  const own = useOwnMark()
  const unseen = useOutcomeUnseen(entries)
  const running = entries.filter(({ outcome, figures }) => outcome === null && figures?.status === 'working')
  useTitleNote(own === null ? noteOf(running) : null)
  useFavicon(unseen ? { outcome: unseen } : (own ?? markOf(running)))
  return null
}

function noteOf(running: readonly WatchedNow[]): string | null {
  const lead = leadOf(running)
  if (!lead?.figures) return null
  const percent = `${Math.floor(lead.figures.percent)} %`
  return running.length === 1 ? `${percent} · ${lead.name}` : `${percent} · ${lead.name} and ${running.length - 1} more`
}

function markOf(running: readonly WatchedNow[]): TabMark | null {
  const lead = leadOf(running)
  return lead?.figures ? { percent: lead.figures.percent } : null
}

let ownMark: TabMark | null = null
const listeners = new Set<() => void>()

/** What the tab's icon tells while a page is open that is about one ingestion; its title it tells itself. */
export function useTabMark(percent: number | null): void {
  const shown = percent === null ? null : Math.floor(percent)
  useEffect(() => {
    if (shown === null) return
    setOwn({ percent: shown })
    return () => setOwn(null)
  }, [shown])
}

function setOwn(mark: TabMark | null): void {
  ownMark = mark
  for (const listener of [...listeners]) listener()
}

function useOwnMark(): TabMark | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => ownMark,
    () => null,
  )
}

/** Stands before whatever title a page gives itself, for as long as there is one. */
function useTitleNote(note: string | null): void {
  useEffect(() => {
    if (note === null) return
    const prefix = `${note} · `
    const put = () => {
      if (!document.title.startsWith(prefix)) document.title = prefix + document.title
    }
    put()
    // A page that says its title anew takes the note away with the old one.
    const observer = new MutationObserver(put)
    observer.observe(document.head, { subtree: true, childList: true, characterData: true })
    return () => {
      observer.disconnect()
      if (document.title.startsWith(prefix)) document.title = document.title.slice(prefix.length)
    }
  }, [note])
}

function useFavicon(mark: TabMark | null): void {
  const href = mark === null ? null : faviconOf(mark)
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (link === null) return
    const shown = link.getAttribute('href') ?? ''
    const own = link.getAttribute('data-own') ?? shown
    link.setAttribute('data-own', own)
    // Only where it is another: the page's own is asked of the server each time.
    if (shown !== (href ?? own)) link.setAttribute('href', href ?? own)
  }, [href])
}

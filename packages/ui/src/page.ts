import { useEffect, useSyncExternalStore } from 'react'

/** Where a person stands. */
export interface Page {
  /** What the page is about, as its heading says: `Keeping bees`. */
  title: string
  /** The pages above it, the topmost first. */
  trail?: readonly { label: string; to: string }[]
  /** Stands before the title in the tab only: `43 %`. */
  note?: string | undefined
}

let current: Page | null = null
const listeners = new Set<() => void>()

/**
 * Says where a person stands: the tab's title and the trail at the head of the page are made of it.
 *
 * ```ts
 * usePage({ title: project.name, trail: [{ label: 'Projects', to: '/' }], note: `${percent} %` })
 * ```
 */
export function usePage(page: Page): void {
  const text = JSON.stringify(page)
  useEffect(() => {
    const own = JSON.parse(text) as Page
    set(own)
    document.title = [own.note, own.title, 'Holdfast'].filter(Boolean).join(' · ')
    // The next page may have said so already.
    return () => {
      if (current === own) set(null)
    }
  }, [text])
}

/** Where a person stands, for whoever shows it; `null` until the page has said so. */
export function useCurrentPage(): Page | null {
  return useSyncExternalStore(subscribe, read, () => null)
}

function set(page: Page | null): void {
  current = page
  for (const listener of [...listeners]) listener()
}

function read(): Page | null {
  return current
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'

/** How long a page may take until its heading is there, ms; after that the focus is left where it is. */
const PATIENCE_MS = 5_000

/**
 * Another page: the focus goes to its heading, so that a screen reader says where one is and Tab goes on from there.
 * Not where somebody has gone on by themselves meanwhile.
 */
export function useFocusOnNavigation(): void {
  const router = useRouter()
  useEffect(() => {
    let stop = () => {}
    let had: Element | null = null
    const unnote = router.subscribe('onBeforeNavigate', () => {
      had = document.activeElement
    })
    const unsubscribe = router.subscribe('onResolved', ({ fromLocation, pathChanged }) => {
      if (!fromLocation || !pathChanged) return
      stop()
      stop = focusHeading(had)
    })
    return () => {
      unnote()
      unsubscribe()
      stop()
    }
  }, [router])
}

/** `had` is what had the focus when one went; answers how to give up. */
function focusHeading(had: Element | null): () => void {
  const isFree = () => [null, document.body, had].includes(document.activeElement)
  const look = () => {
    const heading = document.querySelector<HTMLElement>('main h1')
    if (heading === null || !isFree()) return
    stop()
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
  }
  const observer = new MutationObserver(look)
  const timer = setTimeout(() => stop(), PATIENCE_MS)
  const stop = () => {
    observer.disconnect()
    clearTimeout(timer)
  }
  // A frame later: what was open may give the focus back first.
  requestAnimationFrame(look)
  observer.observe(document.body, { childList: true, subtree: true })
  return stop
}

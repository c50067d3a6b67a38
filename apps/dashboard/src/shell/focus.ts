import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'

/** How long a page may take until its heading is there, ms; after that the focus is left where it is. */
const PATIENCE_MS = 5_000
/** After this a heading that still stands is that of both pages, ms. */
const SAME_MS = 500

/**
 * Another page: the focus goes to its heading, so that a screen reader says where one is and Tab goes on from there.
 * Not where somebody has gone on by themselves meanwhile.
 */
export function useFocusOnNavigation(): void {
  const router = useRouter()
  useEffect(() => {
    let stop = () => {}
    let left: Left = { focus: null, heading: null }
    const unnote = router.subscribe('onBeforeNavigate', () => {
      left = { focus: document.activeElement, heading: findHeading() }
    })
    const unsubscribe = router.subscribe('onResolved', ({ fromLocation, pathChanged }) => {
      if (!fromLocation || !pathChanged) return
      stop()
      stop = focusHeading(left)
    })
    return () => {
      unnote()
      unsubscribe()
      stop()
    }
  }, [router])
}

/** What stood when one went. */
interface Left {
  focus: Element | null
  heading: Element | null
}

function findHeading(): HTMLElement | null {
  return document.querySelector<HTMLElement>('main h1')
}

/** Answers how to give up. */
function focusHeading(left: Left): () => void {
  const isFree = () => [null, document.body, left.focus].includes(document.activeElement)
  const look = (mayBeTheSame: boolean) => {
    const heading = findHeading()
    // The page one came from may stand for a moment longer.
    if (heading === null || (heading === left.heading && !mayBeTheSame) || !isFree()) return
    stop()
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
  }
  const observer = new MutationObserver(() => look(false))
  const same = setTimeout(() => look(true), SAME_MS)
  const timer = setTimeout(() => stop(), PATIENCE_MS)
  const stop = () => {
    observer.disconnect()
    clearTimeout(same)
    clearTimeout(timer)
  }
  // A frame later: what was open may give the focus back first.
  requestAnimationFrame(() => look(false))
  observer.observe(document.body, { childList: true, subtree: true })
  return stop
}

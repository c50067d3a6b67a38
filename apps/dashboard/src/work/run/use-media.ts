import { useCallback, useSyncExternalStore } from 'react'

/** Narrower than this a page stands as on a phone. */
export const NARROW = '(max-width: 767.98px)'
/** There is no room for a column beside the steps. */
export const NO_ASIDE = '(max-width: 1099.98px)'
export const COARSE = '(pointer: coarse)'
export const STILL = '(prefers-reduced-motion: reduce)'

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const list = matchMedia(query)
      list.addEventListener('change', listener)
      return () => list.removeEventListener('change', listener)
    },
    [query],
  )
  return useSyncExternalStore(
    subscribe,
    () => matchMedia(query).matches,
    () => false,
  )
}

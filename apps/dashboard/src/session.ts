import { RequestError } from '@holdfast/client'
import { useSyncExternalStore } from 'react'

/** Whether an answer said that this browser's session is over. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof RequestError && error.status === 401
}

let wasTold = false
const listeners = new Set<() => void>()

/** Told by whatever was refused for want of a session; the page then asks to sign in. */
export function noteRefusal(error: unknown): void {
  if (wasTold || !isSignedOut(error)) return
  wasTold = true
  for (const listener of listeners) listener()
}

/** Whether any request was refused for want of a session since the page came. */
export function useWasRefused(): boolean {
  return useSyncExternalStore(subscribe, () => wasTold)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const RETURN = 'holdfast.return'

/** Remembers where somebody was when they had to sign in. */
export function rememberPlace(): void {
  const here = location.pathname + location.search
  if (!here.startsWith('/?login=') && here !== '/') sessionStorage.setItem(RETURN, here)
}

/** Where they were, once; the sign-in leads to `/`. */
export function takePlace(): string | null {
  const place = sessionStorage.getItem(RETURN)
  sessionStorage.removeItem(RETURN)
  return location.pathname === '/' && !location.search.includes('login=') ? place : null
}

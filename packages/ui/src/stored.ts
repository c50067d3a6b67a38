import { useCallback, useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
/** Where storage is blocked a choice lasts as long as the page. */
const unstored = new Map<string, string>()

/** A text kept on this device under `holdfast.<name>`; `null` where there is none. */
export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(`holdfast.${name}`) ?? unstored.get(name) ?? null
  } catch {
    return unstored.get(name) ?? null
  }
}

/** Keeps a text on this device, or forgets it (`null`); every tab that shows it follows. */
export function writeStored(name: string, value: string | null): void {
  unstored.delete(name)
  try {
    if (value === null) localStorage.removeItem(`holdfast.${name}`)
    else localStorage.setItem(`holdfast.${name}`, value)
  } catch {
    if (value !== null) unstored.set(name, value)
  }
  for (const listener of [...listeners]) listener()
}

/** Told of each change, by this tab or another one. */
export function subscribeStored(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('storage', listener)
  }
}

/** A text kept on this device, the same in every tab. */
export function useStored(name: string): [value: string | null, write: (value: string | null) => void] {
  const read = () => readStored(name)
  const value = useSyncExternalStore(subscribeStored, read, () => null)
  const write = useCallback((next: string | null) => writeStored(name, next), [name])
  return [value, write]
}

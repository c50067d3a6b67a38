import type { PageConnection } from '@holdfast/client'
import { useSyncExternalStore } from 'react'
import { useStreamClient } from './stream-provider.ts'

/** How the page is connected, over all streams it reads, and the way to try again. */
export function useConnection(): PageConnection & { reconnect(): void } {
  const client = useStreamClient()
  const page = useSyncExternalStore(client.subscribe, client.getSnapshot, client.getSnapshot)
  return { ...page, reconnect: client.reconnect }
}

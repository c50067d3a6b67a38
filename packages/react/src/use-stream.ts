import type { FoldedStream, StreamSnapshot } from '@holdfast/client'
import type { StreamParams } from '@holdfast/protocol'
import { useSyncExternalStore } from 'react'
import { useStreamClient } from './stream-provider.ts'

export interface UseStream<State> extends StreamSnapshot<State> {
  /** Tries to connect now, also after it was given up. */
  reconnect(): void
}

/**
 * The live state of one stream: read whole from the server at first, then kept up by its events. Components that
 * read the same stream share one connection.
 *
 * ```ts
 * const { state, connection } = useStream(projectStream, { projectId })
 * ```
 */
export function useStream<Pattern extends string, State>(
  definition: FoldedStream<State> & { name(params: StreamParams<Pattern>): string },
  params: StreamParams<Pattern>,
): UseStream<State> {
  const store = useStreamClient().stream(definition, params)
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return { ...snapshot, reconnect: store.reconnect }
}

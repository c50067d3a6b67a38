import { type Appended, claimOnce, type FoldedStream, type StreamSnapshot } from '@holdfast/client'
import type { EventBase, StreamParams } from '@holdfast/protocol'
import { useCallback, useEffect, useEffectEvent, useRef, useSyncExternalStore } from 'react'
import { useStreamClient } from './stream-provider.ts'

export interface UseStreamOptions<State> {
  /**
   * Called once per mounted hook when the stream has come to its end, or is found at it: whatever is delivered twice,
   * and however often the component renders. With other parameters it is another stream, which has an end of its own.
   */
  onComplete?(state: State): void
  /** `onComplete` is called once in this browser, for all its tabs and reloads: the first one to claim it. */
  onceEver?: boolean
}

export interface UseStream<State, Event> extends StreamSnapshot<State> {
  /** Tries to connect now, also after it was given up. */
  reconnect(): void
  /**
   * Appends an event, once, whenever there is a way; resolves when it is on disk. Throws RequestError. Only to streams
   * that take events from outside (`clientAppend`).
   */
  append(event: Event): Promise<Appended>
}

/** What is used of a StreamDefinition, with the events it takes. */
export interface ReadableStreamDefinition<Pattern extends string, State, Event> extends FoldedStream<State> {
  name(params: StreamParams<Pattern>): string
  parse(event: Event, now: number): EventBase
}

/**
 * The live state of one stream: read whole from the server at first, then kept up by its events. Components that
 * read the same stream share one reading of it, tabs of one browser share one connection. Rendered on a server it is
 * the stream's initial state.
 *
 * ```ts
 * const { state, connection } = useStream(projectStream, { projectId })
 * ```
 */
export function useStream<Pattern extends string, State, Event>(
  definition: ReadableStreamDefinition<Pattern, State, Event>,
  params: StreamParams<Pattern>,
  options: UseStreamOptions<State> = {},
): UseStream<State, Event> {
  const client = useStreamClient()
  const store = client.stream(definition as unknown as FoldedStream<State> & typeof definition, params)
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  const name = definition.name(params)
  const end = snapshot.connection.state === 'completed' ? `${name} ${snapshot.offset}` : null
  useOnEnd(name, end, options.onceEver, () => options.onComplete?.(snapshot.state))
  const append = useCallback((event: Event) => client.append(name, [event as object]), [client, name])
  return { ...snapshot, reconnect: store.reconnect, append }
}

/**
 * Calls once per mount, and for each `name` that follows another, when there is an `end`; with `onceEver` only the first
 * that claims that end in this browser.
 */
function useOnEnd(name: string, end: string | null, onceEver: boolean | undefined, onEnd: () => void): void {
  const called = useRef('')
  const call = useEffectEvent(onEnd)
  useEffect(() => {
    if (end === null || called.current === name) return
    called.current = name
    if (onceEver) void claimOnce(`completed ${end}`).then((isFirst) => isFirst && call())
    else call()
  }, [name, end, onceEver])
}

import { type Connection, RequestError } from '@holdfast/client'
import { useStreamClient } from '@holdfast/react'
import { readStored, subscribeStored, writeStored } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from 'react'
import type { WatchedView } from '../../view.ts'
import { type Figures, figuresOf, figuresOfView, isEnded } from '../figures.ts'
import { useMe } from '../me.ts'
import { type LiveIngestion, LiveSet } from './live-set.ts'
import { added, type Outcome, parseWatched, removed, restored, settled, type Watched } from './watch-list.ts'

/** A watched ingestion as it is now. */
export interface WatchedNow extends Watched {
  /** `null` until it was first read, or where only its outcome is kept. */
  figures: Figures | null
  /** Of the stream, where it is read. */
  connection: Connection | null
  /** Why nothing is known of it: it is not there any more, or may not be read. */
  trouble: RequestError | null
}

interface Watching {
  /** `null` until it is known who asks: the list is theirs. */
  watch: ((entry: { projectId: string; ingestionId: string; name: string }) => void) | null
  unwatch(ingestionIds: readonly string[]): void
  restore(before: readonly Watched[], ingestionIds: readonly string[]): void
  settle(ingestionId: string, outcome: Outcome): void
}

const NOTHING: readonly WatchedNow[] = []
const EntriesContext = createContext<readonly WatchedNow[]>(NOTHING)
const ActionsContext = createContext<Watching>({ watch: null, unwatch() {}, restore() {}, settle() {} })

/** What is watched in this browser, with how each is going. */
export function useWatched(): readonly WatchedNow[] {
  return useContext(EntriesContext)
}

/** The ways to change what is watched. */
export function useWatching(): Watching {
  return useContext(ActionsContext)
}

/** Keeps the list of what is watched, reads what of it runs, and keeps how it ended. */
export function WatchingProvider({ children }: { children: ReactNode }) {
  const me = useMe()
  const stored = me ? `watching.${me.id}` : null
  const actions = useMemo(() => actionsOf(stored), [stored])
  const entries = useEntries(stored)
  useEffect(() => {
    for (const { ingestionId, outcome, figures } of entries) {
      if (outcome === null && figures && isEnded(figures)) actions.settle(ingestionId, outcomeOf(figures))
    }
  }, [entries, actions])
  return (
    <ActionsContext value={actions}>
      <EntriesContext value={entries}>{children}</EntriesContext>
    </ActionsContext>
  )
}

function actionsOf(stored: string | null): Watching {
  const change = (how: (list: readonly Watched[]) => readonly Watched[]) => {
    if (stored === null) return
    // As it is now, in whichever tab it was changed last.
    const list = parseWatched(readStored(stored))
    const next = how(list)
    if (next !== list) writeStored(stored, next.length === 0 ? null : JSON.stringify(next))
  }
  return {
    watch:
      stored === null ? null : (entry) => change((list) => added(list, { ...entry, since: Date.now(), outcome: null })),
    unwatch: (ids) => change((list) => removed(list, ids)),
    restore: (before, ids) => change((list) => restored(list, before, ids)),
    settle: (id, outcome) => change((list) => settled(list, id, outcome)),
  }
}

export function outcomeOf({ status, total, failed, completedAt }: Figures): Outcome {
  const end = status === 'failed' || status === 'cancelled' ? status : 'done'
  return { status: end, files: total, failed, at: completedAt ?? new Date().toISOString() }
}

function useEntries(stored: string | null): readonly WatchedNow[] {
  const text = useSyncExternalStore(
    subscribeStored,
    () => (stored === null ? null : readStored(stored)),
    () => null,
  )
  const list = useMemo(() => parseWatched(text), [text])
  const running = list.filter(({ outcome }) => outcome === null)
  const live = useLive(running)
  // All of them once: a stream that was never begun looks like one that waits, and only the server tells them apart.
  const asked = useAsked(running)
  return useMemo(() => list.map((entry) => nowOf(entry, live.get(entry.ingestionId), asked)), [list, live, asked])
}

function nowOf(entry: Watched, live: LiveIngestion | undefined, asked: AskedFor): WatchedNow {
  const { ingestionId, outcome } = entry
  if (outcome !== null) return { ...entry, figures: null, connection: null, trouble: null }
  const view = asked?.get(ingestionId)
  const figuresAsked = view ? figuresOfView(view) : null
  const isBegun = live !== undefined && live.offset !== null && live.state.status !== 'queued'
  const trouble = view === null && !isBegun ? GONE : null
  if (!live) return { ...entry, figures: figuresAsked, connection: null, trouble }
  const figures = live.offset === null ? figuresAsked : figuresOf(live.state)
  const refusal = live.error && !live.error.retry ? live.error : null
  return { ...entry, figures, connection: live.connection, trouble: trouble ?? refusal }
}

const GONE = new RequestError('It is not there any more, or may not be read.', {
  code: 'NOT_FOUND',
  status: 404,
  kind: 'not_found',
  retry: false,
})

function useLive(entries: readonly Watched[]): ReadonlyMap<string, LiveIngestion> {
  const client = useStreamClient()
  const set = useMemo(() => new LiveSet(client), [client])
  const places = JSON.stringify(entries.map(({ projectId, ingestionId }) => ({ projectId, ingestionId })))
  useEffect(() => set.follow(JSON.parse(places)), [set, places])
  useEffect(() => () => set.follow([]), [set])
  return useSyncExternalStore(set.subscribe, set.getSnapshot, set.getSnapshot)
}

/** By id; `null` where there is no such ingestion for whoever asks. */
type AskedFor = ReadonlyMap<string, WatchedView | null> | undefined

function useAsked(entries: readonly Watched[]): AskedFor {
  const client = useStreamClient()
  const ids = entries.map(({ ingestionId }) => ingestionId)
  return useQuery({
    queryKey: ['watched', ids],
    enabled: ids.length > 0,
    queryFn: async ({ signal }) => {
      const { items } = await client.request<{ items: WatchedView[] }>(`/api/ingestions?ids=${ids.join(',')}`, {
        signal,
      })
      const found = new Map(items.map((view) => [view.ingestionId, view]))
      return new Map(ids.map((id) => [id, found.get(id) ?? null]))
    },
    placeholderData: (before) => before,
  }).data
}

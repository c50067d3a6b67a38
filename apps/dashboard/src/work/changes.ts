import type { FoldedStream, LoadedState, StreamClient } from '@holdfast/client'
import type { EventBase } from '@holdfast/protocol'
import { type WorkChange, workStream } from '@holdfast/protocol/runs'
import { useStreamClient } from '@holdfast/react'
import { useEffect, useEffectEvent } from 'react'
import { useWorkRights } from './rights.ts'

/** What has changed since it was last told. */
export interface WorkNews {
  /** Anything may have: the stream was read anew, or more runs moved than it names. */
  all: boolean
  /** By id, as each stood last. */
  runs: ReadonlyMap<string, WorkChange>
  /** A queue, a provider or a schedule was set otherwise. */
  settings: boolean
}

/** Lists are told at most this often, ms. */
const TOLD_EVERY_MS = 500
/** Beyond this many runs a list is read whole. */
const NAMED_MOST = 100
/** Events kept for whoever is not told at once. */
const KEPT = 60

interface Feed {
  /** Another number: it was read anew, and what came between is not known. */
  reading: number
  /** Events since then. */
  count: number
  recent: readonly EventBase[]
}

const STREAM = workStream.name({})
let readings = 0

/** The stream of changes, folded to its last few events instead of a state: one reading of it for all of the page. */
function feedOf(client: StreamClient) {
  const initial: Feed = { reading: 0, count: 0, recent: [] }
  const definition: FoldedStream<Feed> = {
    version: workStream.version,
    initial,
    events: workStream.events,
    apply: (feed, event) => ({ ...feed, count: feed.count + 1, recent: [...feed.recent, event].slice(-KEPT) }),
    isTerminal: () => false,
    parse: (event, now) => workStream.parse(event, now),
  }
  const load = async (signal: AbortSignal): Promise<LoadedState<Feed>> => {
    const { offset } = await client.request<LoadedState<unknown>>(`/v1/stream/${STREAM}?view=state`, { signal })
    readings += 1
    return { state: { ...initial, reading: readings }, offset }
  }
  return client.store(`feed of ${STREAM}`, { definition, stream: STREAM, load })
}

/**
 * Tells of changes to runs, queues and schedules: soon after the first and then at most twice a second, never while
 * what it was last told of is still being read (`onNews` resolves), not while nobody looks at the page, and not to whom
 * may not follow changes.
 */
export function useWorkNews(onNews: (news: WorkNews) => unknown, isWanted = true): void {
  const client = useStreamClient()
  const isFollowing = useWorkRights().follow && isWanted
  const tell = useEffectEvent(onNews)
  useEffect(() => (isFollowing ? follow(client, (news) => tell(news)) : undefined), [client, isFollowing])
}

function follow(client: StreamClient, tell: (news: WorkNews) => unknown): () => void {
  const store = feedOf(client)
  let { reading, count } = store.getSnapshot().state
  let news = nothing()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isTelling = false
  let isOver = false

  const take = () => {
    const { state } = store.getSnapshot()
    if (state.reading !== reading) news.all = true
    else if (state.count - count > state.recent.length) news.all = true
    else for (const event of state.recent.slice(state.recent.length - (state.count - count))) add(news, event)
    ;({ reading, count } = state)
    plan()
  }
  const plan = () => {
    if (isOver || isTelling || timer !== undefined || document.hidden || isNothing(news)) return
    timer = setTimeout(flush, TOLD_EVERY_MS)
  }
  const flush = async () => {
    timer = undefined
    const told = news
    news = nothing()
    isTelling = true
    // What could not be read is read with the next change; the page tells of the connection itself.
    await Promise.resolve(tell(told)).catch(() => {})
    isTelling = false
    plan()
  }
  const unsubscribe = store.subscribe(take)
  document.addEventListener('visibilitychange', plan)
  return () => {
    isOver = true
    clearTimeout(timer)
    unsubscribe()
    document.removeEventListener('visibilitychange', plan)
  }
}

interface Collected extends WorkNews {
  runs: Map<string, WorkChange>
}

function nothing(): Collected {
  return { all: false, runs: new Map(), settings: false }
}

function isNothing({ all, runs, settings }: WorkNews): boolean {
  return !all && runs.size === 0 && !settings
}

function add(news: Collected, event: EventBase): void {
  if (event.type === 'settings_changed') news.settings = true
  if (event.type !== 'runs_changed') return
  const { runs, more } = event as EventBase & { runs: WorkChange[]; more: boolean }
  for (const run of runs) news.runs.set(run.id, run)
  if (more || news.runs.size > NAMED_MOST) news.all = true
}

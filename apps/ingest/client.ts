import {
  type Connection,
  type ConnectionState,
  type FoldedStream,
  type LoadedState,
  NOT_CONNECTED,
  type RequestError,
  type StreamClient,
  type StreamStore,
} from '@holdfast/client'
import { OFFSET_START } from '@holdfast/protocol'
import { useConnection, useStreamClient } from '@holdfast/react'
import { useEffect, useEffectEvent, useMemo, useRef, useSyncExternalStore } from 'react'
import {
  type IngestionError,
  type IngestionResult,
  type IngestionState,
  type IngestionStatus,
  ingestionStream,
  PHASES,
  type Phase,
  type PhaseMetrics,
  type PhaseName,
  type ProjectState,
  projectStream,
} from './streams.ts'
import { IDLE_PROGRESS, type ProgressView } from './view.ts'

/** An ingestion as its reader has it: the answer it began with, and the state its events have made of it since. */
export interface IngestionProgress {
  /** `null` until it was first read. */
  view: ProgressView | null
  ingestion: IngestionState
}

export interface FollowedIngestion extends IngestionProgress {
  connection: Connection
  /** Why the connection is not what it should be. */
  error: RequestError | null
  /** What the project does besides: the active ingestion and the ones that wait. */
  project: ProjectState
}

export interface UseIngestionSocketOptions {
  /** Follow this one only. Default: the one that works now, else the newest. */
  ingestionId?: string
  /**
   * Called exactly once per mount: when an ingestion that is followed is complete, or is found so. A hook that is given
   * another project, or another ingestion to follow, begins anew.
   */
  onComplete?: (result: IngestionResult) => void
}

export interface UseIngestionSocket {
  connectionState: ConnectionState
  /** Attempt, wait and since when, for people. */
  connection: Connection
  /** 0 while queued or idle. */
  currentPhase: 0 | Phase
  /** Percent of each phase. */
  progress: Record<PhaseName, number>
  metrics: PhaseMetrics | null
  /** Why the ingestion failed or was cancelled. */
  error: IngestionError | null
  /** The device has no network. */
  isOffline: boolean
  /** Tries to connect now, also after it was given up. */
  reconnect(): void
  /** `loading` until it was first read; `idle` where the project has no ingestion. */
  status: IngestionStatus | 'idle' | 'loading'
  state: IngestionState
  view: ProgressView | null
  project: ProjectState
  /** Why the connection is not what it should be: the last request or refusal. */
  connectionError: RequestError | null
}

/**
 * A project's ingestion, live. Connects on mount, cleans up on unmount. It reads `GET /api/projects/:id/progress`
 * first, so that a reload shows the same state at once, and goes on from there over the connection that all tabs share.
 * When the project begins another ingestion, that one is followed.
 *
 * ```tsx
 * const { connectionState, currentPhase, progress } = useIngestionSocket(projectId)
 * ```
 */
export function useIngestionSocket(projectId: string, options: UseIngestionSocketOptions = {}): UseIngestionSocket {
  const { ingestionId } = options
  const client = useStreamClient()
  const follower = useMemo(
    () => new IngestionFollower(client, projectId, ingestionId),
    [client, projectId, ingestionId],
  )
  const followed = useSyncExternalStore(follower.subscribe, follower.getSnapshot, follower.getSnapshot)
  const { isOffline, reconnect } = useConnection()
  useOnComplete(follower, followed.ingestion.result, options.onComplete)
  const { view, ingestion, connection, error, project } = followed
  return {
    connectionState: connection.state,
    connection,
    currentPhase: ingestion.currentPhase,
    progress: phasePercents(ingestion),
    metrics: ingestion.metrics,
    error: ingestion.error,
    isOffline,
    reconnect,
    status: view === null ? 'loading' : view.ingestionId === null ? 'idle' : ingestion.status,
    state: ingestion,
    view,
    project,
    connectionError: error,
  }
}

function useOnComplete(
  follower: IngestionFollower,
  result: IngestionResult | null,
  onComplete: UseIngestionSocketOptions['onComplete'],
): void {
  const called = useRef<IngestionFollower | null>(null)
  const call = useEffectEvent((complete: IngestionResult) => onComplete?.(complete))
  useEffect(() => {
    if (result === null || called.current === follower) return
    called.current = follower
    call(result)
  }, [follower, result])
}

function phasePercents(state: IngestionState): Record<PhaseName, number> {
  const percents = PHASES.map((name, index) => [name, state.phases[index]?.percent ?? 0] as const)
  return Object.fromEntries(percents) as Record<PhaseName, number>
}

const progressStream: FoldedStream<IngestionProgress> = {
  ...ingestionStream,
  initial: { view: null, ingestion: ingestionStream.initial },
  apply: (state, event) => ({ ...state, ingestion: ingestionStream.apply(state.ingestion, event) }),
}

/**
 * Follows a project's ingestion: the one asked for, or else the one that works now, or else the newest. While
 * another one is read for the first time, the one before stays in view.
 */
export class IngestionFollower {
  readonly #client: StreamClient
  readonly #projectId: string
  readonly #asked: string | undefined
  readonly #project: StreamStore<ProjectState>
  readonly #idle: ProgressView
  readonly #listeners = new Set<() => void>()
  /** The ingestion that is read; `null` while none is known. */
  #progress: StreamStore<IngestionProgress> | null = null
  /** The first answer, asked for beside the project: the first reading of its ingestion needs no other. */
  #first: ProgressView | null = null
  #unsubscribe: { project: () => void; progress: () => void } | null = null
  #snapshot: FollowedIngestion = {
    ...progressStream.initial,
    connection: NOT_CONNECTED,
    error: null,
    project: projectStream.initial,
  }

  constructor(client: StreamClient, projectId: string, ingestionId?: string) {
    this.#client = client
    this.#projectId = projectId
    this.#asked = ingestionId
    this.#project = client.stream(projectStream, { projectId })
    this.#idle = { ...IDLE_PROGRESS, projectId }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#unsubscribe === null) this.#begin()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#unsubscribe?.project()
      this.#unsubscribe?.progress()
      this.#unsubscribe = null
    }
  }

  readonly getSnapshot = (): FollowedIngestion => this.#snapshot

  #begin(): void {
    this.#unsubscribe = { project: this.#project.subscribe(this.#onProject), progress: () => {} }
    const known = this.#progress
    this.#progress = null
    if (known) this.#follow(known)
    else if (this.#asked === undefined) void this.#askFirst()
    // It may have moved on while nobody looked.
    this.#onProject()
  }

  async #askFirst(): Promise<void> {
    try {
      const view = await this.#client.request<ProgressView>(this.#path())
      if (this.#progress !== null || view.ingestionId === null) return
      this.#first = view
      // Where another one works, the project will say so.
      this.#follow(this.#store(view.ingestionId))
    } catch {
      // The project is asked for as well, and goes on asking.
    }
  }

  readonly #onProject = (): void => {
    const { state, offset } = this.#project.getSnapshot()
    const wanted = this.#asked ?? (offset === null ? null : (state.activeIngestionId ?? state.newestIngestionId))
    if (wanted !== null) this.#follow(this.#store(wanted))
    this.#update()
  }

  #follow(store: StreamStore<IngestionProgress>): void {
    if (store === this.#progress || this.#unsubscribe === null) return
    this.#unsubscribe.progress()
    this.#progress = store
    this.#unsubscribe.progress = store.subscribe(this.#update)
    this.#update()
  }

  readonly #update = (): void => {
    const project = this.#project.getSnapshot()
    const followed = this.#progress?.getSnapshot()
    // Which one to follow stands in the project: until it is read, the newest may be one that only waits.
    const isChosen = this.#asked !== undefined || project.offset !== null || project.error !== null
    const isIdle = followed === undefined && project.offset !== null
    const shown = isChosen && followed?.state.view ? followed.state : this.#snapshot
    this.#snapshot = {
      view: isIdle ? this.#idle : shown.view,
      ingestion: shown.ingestion,
      // Without an ingestion there is nothing to read but the project itself.
      connection: followed?.connection ?? project.connection,
      error: followed?.error ?? project.error,
      project: project.state,
    }
    for (const listener of [...this.#listeners]) listener()
  }

  #path(ingestionId?: string): string {
    const query = ingestionId === undefined ? '' : `?ingestion=${encodeURIComponent(ingestionId)}`
    return `/api/projects/${encodeURIComponent(this.#projectId)}/progress${query}`
  }

  #store(ingestionId: string): StreamStore<IngestionProgress> {
    const path = this.#path(ingestionId)
    return this.#client.store(path, {
      definition: progressStream,
      stream: ingestionStream.name({ projectId: this.#projectId, ingestionId }),
      pollsByLoading: true,
      load: async (signal) => {
        const first = this.#first
        this.#first = null
        if (first?.ingestionId === ingestionId) return loadedFrom(first)
        return loadedFrom(await this.#client.request<ProgressView>(path, { signal }))
      },
    })
  }
}

function loadedFrom(view: ProgressView): LoadedState<IngestionProgress> {
  const { status, currentPhase, phases, metrics, result, error, startedAt, updatedAt, completedAt } = view
  const known = { currentPhase, phases, metrics, result, error, startedAt, updatedAt, completedAt }
  const ingestion: IngestionState = status === 'idle' ? ingestionStream.initial : { status, ...known }
  const ended = status !== 'queued' && status !== 'working'
  return { state: { view, ingestion }, offset: view.offset ?? OFFSET_START, ended }
}

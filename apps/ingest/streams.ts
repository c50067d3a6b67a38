import { defineStream, type EventOf } from '@holdfast/protocol'
import * as z from 'zod/mini'

/** The four phases in their order; an ingestion's `phase` is an index into this, counted from 1. */
export const PHASES = ['discover', 'extract', 'chunk', 'index'] as const
export type PhaseName = (typeof PHASES)[number]
export type Phase = 1 | 2 | 3 | 4

const count = z.int().check(z.gte(0))
const phase = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)])

/** How far a phase is. Counts are of the whole ingestion, `ratePerSecond` is files a second in this phase. */
export const PhaseMetrics = z.object({
  filesTotal: count,
  /** Files this phase has dealt with successfully. */
  filesDone: count,
  filesFailed: count,
  /** Files left out on purpose: unchanged, unsupported, ignored by size. */
  filesSkipped: count,
  bytesTotal: count,
  bytesDone: count,
  chunks: count,
  /** Path of a file being worked on, `null` between files. */
  currentFile: z.nullable(z.string()),
  ratePerSecond: z.number(),
  /** Estimated; `null` as long as there is nothing to estimate from. */
  secondsLeft: z.nullable(z.number()),
})
export type PhaseMetrics = z.infer<typeof PhaseMetrics>

export const IngestionResult = z.object({
  ingestionId: z.string(),
  files: z.object({ total: count, done: count, failed: count, skipped: count }),
  bytes: count,
  /** Passages of the files this ingestion finished, the ones found unchanged included. */
  chunks: count,
  seconds: z.number(),
})
export type IngestionResult = z.infer<typeof IngestionResult>

/** What can be tried again, and, where waiting helps, after how many seconds. */
export const RetryOptions = z.object({
  scopes: z.array(z.enum(['all', 'phase', 'file'])),
  after: z.optional(z.number()),
})
export type RetryOptions = z.infer<typeof RetryOptions>

const phaseStarted = z.object({ phase, phaseName: z.enum(PHASES), message: z.string() })
const progressUpdate = z.object({
  phase,
  /** Of this phase, 0 to 100, never falling within it. */
  progressPercent: z.number().check(z.gte(0), z.lte(100)),
  metrics: PhaseMetrics,
})
const ingestionComplete = z.object({ result: IngestionResult })
const ingestionError = z.object({
  phase,
  errorCode: z.string(),
  message: z.string(),
  recoverable: z.boolean(),
  retryOptions: z.optional(RetryOptions),
})

export type IngestionStatus = 'queued' | 'working' | 'done' | 'failed' | 'cancelled'

export interface PhaseState {
  percent: number
  message: string
  startedAt: string
  metrics: PhaseMetrics | null
}

export interface IngestionError {
  phase: Phase
  errorCode: string
  message: string
  recoverable: boolean
  retryOptions?: RetryOptions
}

/** The state every reader of an ingestion's stream folds, on the server and in the page alike. */
export interface IngestionState {
  status: IngestionStatus
  /** 0 while queued. */
  currentPhase: 0 | Phase
  /** One entry per phase that has started, in order. */
  phases: PhaseState[]
  metrics: PhaseMetrics | null
  result: IngestionResult | null
  error: IngestionError | null
  startedAt: string | null
  updatedAt: string | null
  completedAt: string | null
}

const initial: IngestionState = {
  status: 'queued',
  currentPhase: 0,
  phases: [],
  metrics: null,
  result: null,
  error: null,
  startedAt: null,
  updatedAt: null,
  completedAt: null,
}

const events = {
  phase_started: phaseStarted,
  progress_update: progressUpdate,
  ingestion_complete: ingestionComplete,
  error: ingestionError,
}

/** One ingestion, from its first phase to its terminal event (`ingestion_complete` or `error`), which seals it. */
export const ingestionStream = defineStream('projects/:projectId/ingestions/:ingestionId', {
  version: 2,
  events,
  initial,
  fold: foldIngestion,
  terminal: ['ingestion_complete', 'error'],
  // Holds because a phase's percent never falls: the newest report says all that the ones before it said.
  replaces: { progress_update: ({ phase }) => String(phase) },
})
export type IngestionEvent = EventOf<typeof events>

function foldIngestion(state: IngestionState, event: IngestionEvent): IngestionState {
  const updatedAt = event.timestamp
  switch (event.type) {
    case 'phase_started': {
      const started = { percent: 0, message: event.message, startedAt: event.timestamp, metrics: null }
      // A phase is over when the next one starts, whether or not its last report said a hundred.
      const before = state.phases.slice(0, event.phase - 1).map((earlier) => ({ ...earlier, percent: 100 }))
      return {
        ...state,
        status: 'working',
        currentPhase: event.phase,
        phases: [...before, started],
        // What the phase before has done is not what this one has. One that is taken up again goes on from its own.
        metrics: event.phase === state.currentPhase ? state.metrics : atStart(state.metrics),
        startedAt: state.startedAt ?? event.timestamp,
        updatedAt,
      }
    }
    case 'progress_update': {
      const phases = state.phases.map((known, index) =>
        index === event.phase - 1
          ? { ...known, percent: Math.max(known.percent, event.progressPercent), metrics: event.metrics }
          : known,
      )
      // The last report of a phase can come after the next has begun; what is shown on top is the newest phase's.
      const metrics = event.phase >= state.currentPhase ? event.metrics : state.metrics
      return { ...state, phases, metrics, updatedAt }
    }
    case 'ingestion_complete': {
      const phases = state.phases.map((known) => ({ ...known, percent: 100 }))
      return { ...state, status: 'done', phases, result: event.result, updatedAt, completedAt: updatedAt }
    }
    case 'error': {
      const { type: _, timestamp, ...error } = event
      const status = error.errorCode === 'CANCELLED' ? 'cancelled' : 'failed'
      return { ...state, status, error, updatedAt: timestamp, completedAt: timestamp }
    }
  }
}

/** What is known as a phase begins, before its first report. */
function atStart(before: PhaseMetrics | null): PhaseMetrics | null {
  return before && { ...before, filesDone: 0, bytesDone: 0, currentFile: null, ratePerSecond: 0, secondsLeft: null }
}

const ended = z.enum(['done', 'failed', 'cancelled'])

export interface ProjectState {
  /** The ingestion that works now. */
  activeIngestionId: string | null
  /** The one started or queued last. */
  newestIngestionId: string | null
  queued: string[]
}

/** A project's own story; never sealed. */
export const projectStream = defineStream('projects/:projectId', {
  version: 1,
  events: {
    ingestion_queued: z.object({ ingestionId: z.string() }),
    ingestion_started: z.object({ ingestionId: z.string() }),
    ingestion_ended: z.object({ ingestionId: z.string(), status: ended }),
  },
  initial: { activeIngestionId: null, newestIngestionId: null, queued: [] } as ProjectState,
  fold: (state, event) => {
    const queued = state.queued.filter((id) => id !== event.ingestionId)
    switch (event.type) {
      case 'ingestion_queued':
        return { ...state, newestIngestionId: event.ingestionId, queued: [...queued, event.ingestionId].slice(-100) }
      case 'ingestion_started':
        return { ...state, activeIngestionId: event.ingestionId, queued }
      case 'ingestion_ended': {
        const active = state.activeIngestionId === event.ingestionId ? null : state.activeIngestionId
        return { ...state, activeIngestionId: active, queued }
      }
    }
  },
})

/** What changed in the list of projects, for whoever looks at all of them; never sealed. */
export const projectsStream = defineStream('operators/projects', {
  version: 1,
  events: {
    project_created: z.object({ projectId: z.string() }),
    ingestion_queued: z.object({ projectId: z.string(), ingestionId: z.string() }),
    ingestion_started: z.object({ projectId: z.string(), ingestionId: z.string() }),
    ingestion_ended: z.object({ projectId: z.string(), ingestionId: z.string(), status: ended }),
  },
  initial: { changes: 0 },
  fold: (state) => ({ changes: state.changes + 1 }),
})

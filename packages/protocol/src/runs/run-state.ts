import { cut } from './cut.ts'
import type { RunEvent } from './run-stream.ts'
import type { RunFault, RunProgress, RunStatus, RunWait } from './run-view.ts'

/** A step that is being done, as far as its start was told. */
export interface RunningStep {
  key: string
  try: number
  /** RFC 3339. */
  since: string
  provider: string | null
}

/**
 * A run as its stream tells it. Steps and log lines are counted here; they are read in pages. It stays below 64 KB
 * whatever the events hold: at most 20 waits, 20 running steps and 20 commands stand in it, and long texts are cut.
 */
export interface RunState {
  status: RunStatus
  name: string
  version: number
  queue: string
  priority: number
  attempt: number
  worker: string | null
  /** Since when it stands so: RFC 3339; `null` before the first event. */
  since: string | null
  waits: RunWait[]
  progress: RunProgress | null
  steps: { done: number; failed: number; reused: number; unknown: number; running: RunningStep[] }
  children: { total: number; done: number; failed: number; cancelled: number }
  logs: number
  /** The newest commands, newest last. */
  commands: { id: string; command: string; by: string; at: string }[]
  error: RunFault | null
  retryOf: string | null
  parent: string | null
  queuedAt: string | null
  startedAt: string | null
  endedAt: string | null
}

export const INITIAL_RUN_STATE: RunState = {
  status: 'queued',
  name: '',
  version: 0,
  queue: '',
  priority: 0,
  attempt: 0,
  worker: null,
  since: null,
  waits: [],
  progress: null,
  steps: { done: 0, failed: 0, reused: 0, unknown: 0, running: [] },
  children: { total: 0, done: 0, failed: 0, cancelled: 0 },
  logs: 0,
  commands: [],
  error: null,
  retryOf: null,
  parent: null,
  queuedAt: null,
  startedAt: null,
  endedAt: null,
}

// However many steps run side by side, or are waited for: the rest is read in pages.
const KEPT = 20

// Of texts, in bytes of JSON: with 20 of each they stay below 64 KB.
const NAME_BYTES = 200
const KEY_BYTES = 300
const MESSAGE_BYTES = 600

/** The state after one more event; pure, the same on server and client. */
export function foldRun(state: RunState, event: RunEvent): RunState {
  const { timestamp } = event
  const stands = (status: RunStatus): RunState => ({ ...state, status, since: timestamp, waits: [] })
  switch (event.type) {
    case 'queued':
      return {
        ...idle(stands('queued')),
        name: name(event.name),
        version: event.version,
        queue: name(event.queue),
        priority: event.priority,
        retryOf: event.retryOf === undefined ? state.retryOf : name(event.retryOf),
        parent: event.parent === undefined ? state.parent : name(event.parent),
        queuedAt: state.queuedAt ?? timestamp,
      }
    case 'working':
      return working(stands('working'), event)
    case 'quiet':
    case 'stalled':
      return { ...stands(event.type), since: name(event.since) }
    case 'lost':
      return idle(stands('lost'))
    case 'waiting':
      return { ...idle(stands('waiting')), waits: event.waits.slice(0, KEPT).map(waitOf) }
    case 'progress':
      return { ...state, progress: progressOf(event.progress) }
    case 'log':
      return { ...state, logs: state.logs + 1 }
    case 'commanded':
      return { ...state, commands: [...state.commands, commandOf(event)].slice(-KEPT) }
    case 'child':
      return { ...state, children: withChild(state.children, event.status) }
    case 'done':
    case 'cancelled':
      return { ...idle(stands(event.type)), endedAt: timestamp }
    case 'failed':
      return { ...idle(stands('failed')), endedAt: timestamp, error: faultOf(event.error) }
    default:
      return { ...state, steps: foldStep(state.steps, event) }
  }
}

type StepEvent = Extract<RunEvent, { type: `step_${string}` }>

function foldStep(steps: RunState['steps'], event: StepEvent): RunState['steps'] {
  const key = cut(event.key, KEY_BYTES)
  const running = steps.running.filter((step) => step.key !== key)
  switch (event.type) {
    case 'step_started': {
      const provider = event.provider === undefined ? null : name(event.provider)
      const started = { key, try: event.try, since: event.timestamp, provider }
      return { ...steps, running: running.length < KEPT ? [...running, started] : running }
    }
    case 'step_done':
      return { ...steps, running, done: steps.done + 1 }
    case 'step_failed':
      return { ...steps, running, failed: steps.failed + 1 }
    case 'step_reused':
      return { ...steps, running, reused: steps.reused + 1 }
    case 'step_unknown':
      return { ...steps, running, unknown: steps.unknown + 1 }
    case 'step_decided':
      return { ...steps, running, unknown: Math.max(0, steps.unknown - 1) }
  }
}

function working(state: RunState, { attempt, worker, timestamp }: Extract<RunEvent, { type: 'working' }>): RunState {
  const isSame = attempt === state.attempt
  const steps = isSame ? state.steps : { ...state.steps, running: [] }
  return { ...state, steps, attempt, worker: name(worker), startedAt: state.startedAt ?? timestamp }
}

function commandOf({ id, command, by, timestamp }: Extract<RunEvent, { type: 'commanded' }>) {
  return { id: name(id), command: name(command), by: name(by), at: timestamp }
}

function waitOf(wait: RunWait): RunWait {
  return {
    ...wait,
    ...('name' in wait ? { name: cut(wait.name, KEY_BYTES) } : {}),
    ...('until' in wait && wait.until !== undefined ? { until: name(wait.until) } : {}),
    ...('question' in wait && wait.question !== undefined ? { question: cut(wait.question, MESSAGE_BYTES) } : {}),
    ...('error' in wait ? { error: faultOf(wait.error) } : {}),
  } as RunWait
}

function progressOf(progress: RunProgress): RunProgress {
  const { phase, unit, message } = progress
  return {
    ...progress,
    phase: phase === null ? null : name(phase),
    unit: unit === null ? null : name(unit),
    message: message === null ? null : cut(message, MESSAGE_BYTES),
  }
}

function faultOf({ code, message, retryAfter }: RunFault): RunFault {
  const fault = { code: name(code), message: cut(message, MESSAGE_BYTES) }
  return retryAfter === undefined ? fault : { ...fault, retryAfter }
}

/** What is a name, an id or a time is hardly ever longer than this. */
function name(text: string): string {
  return cut(text, NAME_BYTES)
}

function withChild(
  children: RunState['children'],
  status: Extract<RunEvent, { type: 'child' }>['status'],
): RunState['children'] {
  if (status === 'queued') return { ...children, total: children.total + 1 }
  return { ...children, [status]: children[status] + 1 }
}

/** Nobody is at it. */
function idle(state: RunState): RunState {
  return { ...state, worker: null, steps: { ...state.steps, running: [] } }
}

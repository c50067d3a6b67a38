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

/** A run as its stream tells it. Steps and log lines are counted here; they are read in pages. */
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
  /** The newest commands, newest last; at most 20. */
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

const COMMANDS_KEPT = 20
// The state stays small however many steps run side by side: the rest is read from the list of steps.
const RUNNING_KEPT = 50

/** The state after one more event; pure, the same on server and client. */
export function foldRun(state: RunState, event: RunEvent): RunState {
  const { timestamp } = event
  const stands = (status: RunStatus): RunState => ({ ...state, status, since: timestamp, waits: [] })
  switch (event.type) {
    case 'queued':
      return {
        ...stands('queued'),
        name: event.name,
        version: event.version,
        queue: event.queue,
        priority: event.priority,
        retryOf: event.retryOf ?? state.retryOf,
        parent: event.parent ?? state.parent,
        queuedAt: state.queuedAt ?? timestamp,
        steps: { ...state.steps, running: [] },
      }
    case 'working':
      return working(stands('working'), event)
    case 'quiet':
    case 'stalled':
      return { ...stands(event.type), since: event.since }
    case 'lost':
      return { ...stands('lost'), worker: null, steps: { ...state.steps, running: [] } }
    case 'waiting':
      return { ...stands('waiting'), waits: event.waits, worker: null, steps: { ...state.steps, running: [] } }
    case 'progress':
      return { ...state, progress: event.progress }
    case 'log':
      return { ...state, logs: state.logs + 1 }
    case 'commanded':
      return { ...state, commands: [...state.commands, commandOf(event)].slice(-COMMANDS_KEPT) }
    case 'child':
      return { ...state, children: withChild(state.children, event.status) }
    case 'done':
    case 'cancelled':
      return { ...ended(stands(event.type)), endedAt: timestamp }
    case 'failed':
      return { ...ended(stands('failed')), endedAt: timestamp, error: event.error }
    default:
      return { ...state, steps: foldStep(state.steps, event) }
  }
}

type StepEvent = Extract<RunEvent, { type: `step_${string}` }>

function foldStep(steps: RunState['steps'], event: StepEvent): RunState['steps'] {
  const running = steps.running.filter(({ key }) => key !== event.key)
  switch (event.type) {
    case 'step_started': {
      const started = { key: event.key, try: event.try, since: event.timestamp, provider: event.provider ?? null }
      return { ...steps, running: running.length < RUNNING_KEPT ? [...running, started] : running }
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
  return { ...state, steps, attempt, worker, startedAt: state.startedAt ?? timestamp }
}

function commandOf({ id, command, by, timestamp }: Extract<RunEvent, { type: 'commanded' }>) {
  return { id, command, by, at: timestamp }
}

function withChild(
  children: RunState['children'],
  status: Extract<RunEvent, { type: 'child' }>['status'],
): RunState['children'] {
  if (status === 'queued') return { ...children, total: children.total + 1 }
  return { ...children, [status]: children[status] + 1 }
}

function ended(state: RunState): RunState {
  return { ...state, worker: null, steps: { ...state.steps, running: [] } }
}

import * as z from 'zod/mini'
import { defineStream, type EventOf } from '../define-stream.ts'
import { foldRun, INITIAL_RUN_STATE } from './run-state.ts'
import { Effect, RunFault, RunProgress, RunWait } from './run-view.ts'

const text = z.string()
const count = z.int().check(z.gte(0))
/** Of a step: its key, which attempt, and which of the step's tries, counted from 1. */
const step = { key: text, attempt: count, try: count }

export const runEvents = {
  /** It may begin as soon as there is room and `dueAt` has come. The first event; again after a wait or a lost worker. */
  queued: z.object({
    name: text,
    version: count,
    queue: text,
    priority: z.number(),
    dueAt: z.optional(text),
    retryOf: z.optional(text),
    parent: z.optional(text),
  }),
  /** An attempt begins, or one that was quiet or stalled gives a sign of life again. */
  working: z.object({ attempt: count, worker: text }),
  quiet: z.object({ attempt: count, since: text }),
  stalled: z.object({ attempt: count, since: text }),
  lost: z.object({ attempt: count }),
  waiting: z.object({ waits: z.array(RunWait) }),
  progress: z.object({ progress: RunProgress }),
  /** Told only of a step that takes a while: a short one is told when it is done. */
  step_started: z.object({ ...step, effect: Effect, provider: z.optional(text) }),
  step_done: z.object({ ...step, startedAt: text, ms: z.number(), provider: z.optional(text) }),
  /** A try failed; at `retryAt` follows the next, absent where none does. */
  step_failed: z.object({ ...step, startedAt: text, ms: z.number(), error: RunFault, retryAt: z.optional(text) }),
  /** An earlier run of the line, or an earlier attempt, had finished it: its result was taken over. */
  step_reused: z.object({ key: text, attempt: count, run: text }),
  /** Whether its effect was had is not known. */
  step_unknown: z.object({ key: text, attempt: count, error: z.optional(RunFault) }),
  step_decided: z.object({ key: text, decision: z.enum(['done', 'repeat', 'fail']), by: text }),
  log: z.object({ level: z.enum(['debug', 'info', 'warn', 'error']), message: text }),
  /** A command was accepted: it is durable. What a person wrote with it stands in its row, not here. */
  commanded: z.object({ id: text, command: text, name: z.optional(text), by: text }),
  /** How a run that it started stands. */
  child: z.object({ run: text, name: text, status: z.enum(['queued', 'done', 'failed', 'cancelled']) }),
  done: z.object({}),
  /** `cause` is the same for failures that have one cause. */
  failed: z.object({ error: RunFault, cause: text }),
  cancelled: z.object({ by: z.optional(text) }),
} as const

/**
 * What the server tells of a run, from its start to its end, in order. Every run has such a stream; the last event
 * seals it. What a run tells of its own (documents read, words of an answer) stands in a stream of its app.
 */
export const runStream = defineStream('runs/:id', {
  version: 1,
  events: runEvents,
  initial: INITIAL_RUN_STATE,
  fold: (state, event) => foldRun(state, event),
  terminal: ['done', 'failed', 'cancelled'],
  replaces: { progress: () => 'progress' },
})

export type RunEvent = EventOf<typeof runEvents>

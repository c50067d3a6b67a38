import type { Effect, RunFault, RunProgress } from '@holdfast/protocol/runs'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Write } from '../db/database.ts'
import type { PhaseWeights, ProgressReport } from './progress.ts'
import type { RetryPolicy } from './retry-policy.ts'

/**
 * Words: a *run* is durable work with an input. What the server tells of it stands in its own stream (`runs/<id>`); an
 * app may tell of it in a stream of the app's as well. An *attempt* is one try to carry it out, counted from 1; a newer
 * attempt fences the older ones off. A *lease* is the time an attempt may go on without a sign of life. A *step* is a
 * part whose result is remembered, so that no later attempt does it again. A *worker* is whoever carries attempts out:
 * a server of ours, or a program outside that reports over HTTP.
 */

/** How a run is stored. What people see besides (quiet, stalled, lost) is told by `liveness`: see lifecycle.ts. */
export type StoredStatus = 'queued' | 'working' | 'waiting' | 'done' | 'failed' | 'cancelled'

/** What was told last of an attempt's signs of life; `lost` until another worker takes the run. */
export type Liveness = 'working' | 'quiet' | 'stalled' | 'lost'

export interface RunError extends RunFault {
  /** What the run's kind adds for its own terminal event; JSON. */
  data?: unknown
}

export type Outcome =
  | { status: 'done'; result: unknown }
  | { status: 'failed'; error: RunError }
  | { status: 'cancelled' }

/** A run as stored. Times are Unix milliseconds. */
export interface Run<Input = unknown> {
  id: string
  name: string
  version: number
  input: Input
  status: StoredStatus
  liveness: Liveness
  /** The stream that tells of it to the people of its app, sealed when it ends; `runs/<id>` where the app has none. */
  stream: string
  attempt: number
  worker: string | null
  queue: string
  /** Seconds by which it goes before what was due at the same time; negative: after. */
  priority: number
  dueAt: number
  /** At most one run with the same key works at a time; the next waits. */
  serialKey: string | null
  /** Of all runs of a kind only one has it: starting a second one gives the first. */
  dedupeKey: string | null
  /** The run this one tries again, the one that tries this one again, and the first of the line whose steps it reuses. */
  retryOf: string | null
  retriedBy: string | null
  rootId: string
  /** The run that started it, and waits for it where it wants to. */
  parentId: string | null
  scheduleId: string | null
  /** Failed tries of the whole run. */
  failures: number
  progress: RunProgress | null
  error: RunError | null
  /** The same for failures of one cause. */
  cause: string | null
  /** Grows with whatever people may want to know before they act on it. */
  revision: number
  cancelRequestedAt: number | null
  pausedAt: number | null
  createdAt: number
  startedAt: number | null
  endedAt: number | null
  /** The last sign of the work itself: a step, a word of progress, a heartbeat. */
  heardAt: number | null
  leaseUntil: number | null
  /** How long an attempt may go without renewing its lease, and its work without a sign; milliseconds. */
  leaseMs: number
  quietMs: number
  /** No server of ours carries it out: its workers report over HTTP. */
  isOutside: boolean
}

export interface StepContext {
  signal: AbortSignal
  /** Counted from 1. */
  try: number
  /** Adds to the commit that records the step as finished: both or neither. */
  write(...writes: Write[]): void
}

export interface StepOptions<Output> {
  /** What the step's result depends on: another value here does the step again. Default: the run's input. */
  input?: unknown
  /** Whether the result is remembered; the step's writes are committed in any case. Default: always. */
  keep?: (output: Output) => boolean
  /**
   * What it does to the world. `idempotent` (default): it may be done again. `unsafe`: that it is about to be done is on
   * disk before it is done; where nobody knows whether it was (a crash, an error that is not `notDone`), it is never
   * repeated by itself: the run waits until a person decides.
   */
  effect?: Effect
  /** Whose limit it counts against; waits for a free place there. */
  provider?: string
  /** Instead of the definition's `stepRetry`. */
  retry?: RetryPolicy
  /** Aborts its signal after this, in milliseconds; it has failed then, with TIMEOUT. Default: never. */
  timeoutMs?: number
}

export interface WaitOptions {
  /** What people are asked, in one sentence. */
  question?: string
  /** Gives up after this, in milliseconds; `null` is the result then. Default: never. */
  timeoutMs?: number
}

/** A word from outside that a run took. */
export interface Signal<Payload = unknown> {
  payload: Payload
  /** Who sent it. */
  by: string
}

export interface ChildOptions {
  serialKey?: string
  queue?: string
  priority?: number
}

/**
 * What a run's code is given. Everything it writes is fenced: after another attempt has begun it fails with FENCED.
 *
 * A run that waits (sleep, waitFor, child, a provider without a free place, a retry) gives its worker free: the attempt
 * ends there by an exception that the code must let pass, and a later attempt comes to the same place through the
 * steps that are remembered. So what is done outside of steps may be done again, and must be cheap and the same each time.
 *
 * STORAGE_FULL and UNAVAILABLE are the store's: a run that ends with one is given back and goes on when the store does. For
 * another side that does not answer there is SOURCE_UNREACHABLE, which counts as a try.
 *
 * After OUTCOME_UNKNOWN (the store was lost before it answered) this attempt writes nothing more: its signal is aborted,
 * and a new attempt goes on after the last finished step. So what is written in a step is written once; what is written
 * by `commit` or `advance`, or by a step whose result is not kept, may then stand twice.
 */
export interface RunContext<Input = unknown> {
  readonly run: Run<Input>
  readonly input: Input
  /** Aborted on cancel, on shutdown, when it gives its worker free, when the attempt was fenced off, and when what became of a write is not known. */
  readonly signal: AbortSignal
  /** Commits writes under the attempt's fence. */
  commit(...writes: Write[]): Promise<void>
  /** The same for a part that is done: a run that gets on between crashes is not given up for them. */
  advance(...writes: Write[]): Promise<void>
  /**
   * Does `work` once per line of retries: its result (JSON) is remembered under `key` and the hash of `input` in the
   * commit that holds the step's writes, and later attempts and retries get it from there. Each step of a run has a key of
   * its own: CONFLICT where it comes again with another input.
   */
  step<Output>(
    key: string,
    work: (step: StepContext) => Promise<Output>,
    options?: StepOptions<Output>,
  ): Promise<Output>
  /** Says how far it is; told at most twice a second, the last word always. */
  progress(report: ProgressReport): void
  /** A sign of life, for work that takes long and has nothing to say. */
  heartbeat(): void
  /** A line for the run's log. */
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string): void
  /** Waits until that time has passed since the first attempt came here; `key` tells this sleep from others. */
  sleep(key: string, ms: number): Promise<void>
  /**
   * Waits for the next word of that name that was not taken yet (`approval` comes from approve and reject, with a payload
   * `{approved, comment?}`); `null` where none came in time. Each call takes another word: `key` tells the calls apart
   * where a run waits for one name more than once. Default key: the name.
   */
  waitFor<Payload = unknown>(name: string, options?: WaitOptions & { key?: string }): Promise<Signal<Payload> | null>
  /** The words of that name that have come since it was last asked, without waiting for any; `key` as above. */
  received<Payload = unknown>(name: string, key: string): Promise<Signal<Payload>[]>
  /** Told in the running attempt at once when a word of that name comes. Returns the way to stop listening. */
  onSignal(name: string, listener: () => void): () => void
  /**
   * Starts another run, once, whose parent is this one: cancelling this one cancels it as well. Resolves to its id.
   * `key` tells the children apart.
   */
  start<ChildInput>(
    key: string,
    definition: RunDefinition<ChildInput>,
    input: ChildInput,
    options?: ChildOptions,
  ): Promise<string>
  /** Waits for the end of a run that it started. */
  ended(childId: string): Promise<Outcome>
  /**
   * Ends the run, in one commit with its terminal event and `writes`. Nothing of it can be written afterwards. Of a run
   * whose cancel was acknowledged every other outcome is refused with CANCELLED.
   */
  end(outcome: Outcome, ...writes: Write[]): Promise<void>
}

export interface RunDefinition<Input = unknown> {
  name: string
  /** Of the code: a run of a version that no server knows waits, visibly, for one that does. */
  version: number
  input: StandardSchemaV1<unknown, Input>
  /** The phases in their order, with their shares of the whole; a list of names gives each the same. */
  phases?: PhaseWeights | readonly string[]
  /** The name of a stream of the app's that tells of the run too, and is sealed by `ended`. Default: none. */
  stream?(input: Input, id: string): string
  /** The queue it waits in. Default: its name. */
  queue?: string
  /** Tries of the whole run after an error that no step has dealt with. Default: one try. */
  retry?: RetryPolicy
  /** Tries of each step. Default: DEFAULT_STEP_RETRY. */
  stepRetry?: RetryPolicy
  /** How long the work may be silent before it is told to be quiet, in milliseconds; stalled is four times that. Default 60,000. */
  quietMs?: number
  /** What becomes of a run that took its server down five times: `park` (default) waits for a person, `fail` ends it. */
  poison?: 'park' | 'fail'
  /** Whether its steps are told one by one in the run's stream. Default true; false for runs of very many small steps. */
  tellSteps?: boolean
  /** The work. Returning ends the run as done with what was returned, throwing as failed, unless it has ended. */
  run(context: RunContext<Input>): Promise<unknown>
  /**
   * The writes that tell of the end in the app's own stream, in the commit that ends the run: with `stream` at least
   * the terminal event that seals it. Also called for a run that is cancelled before it ever worked.
   */
  ended?(run: Run<Input>, outcome: Outcome): Promise<Write[]>
}

/** Defines a kind of run; the input's type is that of the schema. */
export function defineRun<Input>(definition: RunDefinition<Input>): RunDefinition<Input> {
  return definition
}

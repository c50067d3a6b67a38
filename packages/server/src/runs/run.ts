import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Write } from '../db/database.ts'

/**
 * Words: a *run* is durable work with an input, told in a stream. An *attempt* is one try to carry it out, counted
 * from 1; a newer attempt fences the older ones off. A *lease* is the time an attempt may go on without a sign of
 * life. A *step* is a part whose result is remembered, so that no later attempt does it again.
 */
export type RunStatus = 'queued' | 'working' | 'done' | 'failed' | 'cancelled'

export interface RunError {
  /** Stable, upper case. */
  code: string
  message: string
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
  status: RunStatus
  /** The run's own stream, sealed by its terminal event. */
  stream: string
  attempt: number
  /** At most one run with the same key works at a time; the next waits. */
  serialKey: string | null
  /** The run this one tries again, and the first of that line, whose finished steps it reuses. */
  retryOf: string | null
  rootId: string
  cancelRequestedAt: number | null
  createdAt: number
  startedAt: number | null
  endedAt: number | null
}

export interface StepContext {
  signal: AbortSignal
  /** Adds to the commit that records the step as finished: both or neither. */
  write(...writes: Write[]): void
}

export interface StepOptions<Output> {
  /** What the step's result depends on: another value here does the step again. */
  input?: unknown
  /** Whether the result is remembered; the step's writes are committed in any case. Default: always. */
  keep?: (output: Output) => boolean
}

/**
 * What a run's code is given. Everything it writes is fenced: after another attempt has begun it fails with FENCED.
 *
 * After OUTCOME_UNKNOWN (the store was lost before it answered) this attempt writes nothing more: its signal is aborted,
 * and a new attempt goes on after the last finished step. So what is written in a step is written once; what is written
 * by `commit` or `advance`, or by a step whose result is not kept, may then stand twice.
 */
export interface RunContext<Input = unknown> {
  readonly run: Run<Input>
  readonly input: Input
  /** Aborted on cancel, on shutdown, when the attempt was fenced off, and when what became of a write is not known. */
  readonly signal: AbortSignal
  /** Commits writes under the attempt's fence. */
  commit(...writes: Write[]): Promise<void>
  /** The same for a part that is done: a run that gets on between crashes is not given up for them. */
  advance(...writes: Write[]): Promise<void>
  /**
   * Does `work` once per line of retries: its result (JSON) is remembered under `key` in the commit that holds the
   * step's writes, and later attempts and retries get it from there.
   */
  step<Output>(
    key: string,
    work: (step: StepContext) => Promise<Output>,
    options?: StepOptions<Output>,
  ): Promise<Output>
  /**
   * Ends the run, in one commit with its terminal event and `writes`. Nothing of it can be written afterwards. Of a run
   * whose cancel was acknowledged every other outcome is refused with CANCELLED.
   */
  end(outcome: Outcome, ...writes: Write[]): Promise<void>
}

export interface RunDefinition<Input = unknown> {
  name: string
  version: number
  input: StandardSchemaV1<unknown, Input>
  /** The name of the run's stream. */
  stream(input: Input, id: string): string
  /** The work. Returning ends the run as done with what was returned, throwing as failed, unless it has ended. */
  run(context: RunContext<Input>): Promise<unknown>
  /**
   * The writes that tell of the end, in the commit that ends the run: at least the terminal event that seals the
   * run's stream. Also called for a run that is cancelled before it ever worked.
   */
  ended(run: Run<Input>, outcome: Outcome): Promise<Write[]>
}

/** Defines a kind of run; the input's type is that of the schema. */
export function defineRun<Input>(definition: RunDefinition<Input>): RunDefinition<Input> {
  return definition
}

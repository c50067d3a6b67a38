import type { Clock } from '@holdfast/protocol'
import { HoldfastError } from '@holdfast/protocol'
import type { RunFault } from '@holdfast/protocol/runs'
import { type Write, write } from '../db/database.ts'
import type { Attempt, AttemptWorld } from './attempt.ts'
import type { RunEventInput } from './journal.ts'
import type { StepContext, StepOptions } from './run.ts'
import type { StepMark } from './step-store.ts'

/** A step that is being done. */
export interface Doing<Output> {
  key: string
  hash: string
  work: (step: StepContext) => Promise<Output>
  options: StepOptions<Output>
  tries: number
}

/** A step, whatever its work is. */
type Done = Omit<Doing<unknown>, 'work' | 'options'> & { options: Pick<StepOptions<never>, 'effect' | 'provider'> }

export interface StepBookOptions {
  attempt: Attempt
  world: AttemptWorld
  /** On the store's time. */
  clock: Clock
}

// What a step returns is read on every later attempt; results that are large belong in a table or a file.
const OUTPUT_MAX_LENGTH = 65_536

/** What is stored and told of an attempt's steps: each turn of a step is one fenced commit. */
export class StepBook {
  /** What the end of the attempt has to see to: steps that are marked as being done, places at providers. */
  readonly leaves = { steps: false, permits: false }
  readonly #attempt: Attempt
  readonly #world: AttemptWorld
  readonly #clock: Clock
  readonly #isTold: boolean

  constructor({ attempt, world, clock }: StepBookOptions) {
    this.#attempt = attempt
    this.#world = world
    this.#clock = clock
    this.#isTold = attempt.definition.tellSteps !== false
  }

  /** It is about to be done, with a place at its provider: CONFLICT where none is free. */
  async begin(doing: Done): Promise<void> {
    const { run, writes } = this.#attempt
    const { key, options } = doing
    const { provider } = options
    this.leaves.steps = true
    if (provider !== undefined) this.leaves.permits = true
    const place = provider === undefined ? [] : [write(this.#world.limits.take(provider, run, key))]
    const mark = write(this.#world.steps.mark(run, this.#mark(doing, 'working', 0)))
    await writes.commit({ writes: [...place, mark], events: this.#isTold ? [this.#started(doing)] : [] })
  }

  /** It has been at work for `ms`, and is told. */
  begun(doing: Done, ms: number): void {
    const { run, writes, signal } = this.#attempt
    if (signal.aborted) return
    this.leaves.steps = true
    const mark = write(this.#world.steps.mark(run, this.#mark(doing, 'working', ms)))
    // Whoever needs to know of a failure learns it from the signal, or from the next write.
    writes.commit({ writes: [mark], events: [this.#started(doing)] }).catch(() => {})
  }

  /** It is done, in one commit with what it wrote. Whether its result is remembered. */
  async done<Output>(
    doing: Doing<Output>,
    startedAt: number,
    output: Output,
    writes: readonly Write[],
  ): Promise<boolean> {
    const attempt = this.#attempt
    const { key, hash, options, tries } = doing
    const ms = this.#clock.now() - startedAt
    const kept = options.keep?.(output) ?? true
    const mark = { ...this.#mark(doing, 'done', ms), output: textOf(output, key) }
    const at = { key, attempt: attempt.run.attempt, try: tries }
    const event = { type: 'step_done', ...at, startedAt: iso(startedAt), ms, ...providerOf(doing) } as const
    await attempt.writes.commit({
      writes: [...writes, ...(kept ? [write(this.#world.steps.mark(attempt.run, mark))] : []), ...this.#free(doing)],
      events: this.#isTold ? [event] : [],
      progressed: true,
      wasDone: async () => {
        if (!kept) return false
        const memo = await this.#world.steps.memo(attempt.run, key, hash)
        return memo?.runId === attempt.run.id && memo.attempt === attempt.run.attempt
      },
    })
    this.#freed(doing)
    return kept
  }

  /** A try has failed; the next is due in `retryMs`, `null` where none is. */
  async failed(doing: Done, startedAt: number, error: RunFault, retryMs: number | null): Promise<void> {
    const { run, writes, waits } = this.#attempt
    const now = this.#clock.now()
    const ms = now - startedAt
    const at = { key: doing.key, attempt: run.attempt, try: doing.tries, startedAt: iso(startedAt), ms }
    const retryAt = retryMs === null ? {} : { retryAt: iso(now + retryMs) }
    const mark = write(this.#world.steps.mark(run, { ...this.#mark(doing, 'failed', ms), error, retryMs }))
    const events = [{ type: 'step_failed', ...at, error, ...retryAt } as const]
    await waits.during(() => writes.commit({ writes: [mark, ...this.#free(doing)], events }))
    this.#freed(doing)
  }

  /** Nobody knows whether it was done. */
  async unknown(doing: Done, ms: number, error: RunFault | null): Promise<void> {
    const { run, writes, waits } = this.#attempt
    const mark = write(this.#world.steps.mark(run, { ...this.#mark(doing, 'unknown', ms), error }))
    const told = { type: 'step_unknown', key: doing.key, attempt: run.attempt, ...(error ? { error } : {}) } as const
    await waits.during(() => writes.commit({ writes: [mark, ...this.#free(doing)], events: [told] }))
    this.#freed(doing)
  }

  /** A part that is no step of the code's own came to this; not told as one. */
  async remembered(
    doing: Done,
    output: unknown,
    writes: readonly Write[],
    events: readonly RunEventInput[],
  ): Promise<void> {
    const { run, writes: fenced } = this.#attempt
    const mark = { ...this.#mark(doing, 'done', 0), output: textOf(output, doing.key) }
    await fenced.commit({ writes: [...writes, write(this.#world.steps.mark(run, mark))], events })
  }

  #free({ key, options }: Done): Write[] {
    return options.provider === undefined ? [] : [write(this.#world.limits.giveBack(this.#attempt.run, key))]
  }

  #freed({ options }: Done): void {
    if (options.provider !== undefined) this.#world.freed(options.provider)
  }

  #mark({ key, hash, options, tries }: Done, status: StepMark['status'], ms: number): StepMark {
    const { effect = 'idempotent', provider = null } = options
    return { key, inputHash: hash, status, effect, provider, tries, ms }
  }

  #started(doing: Done) {
    const { effect = 'idempotent' } = doing.options
    const at = { key: doing.key, attempt: this.#attempt.run.attempt, try: doing.tries }
    return { type: 'step_started', ...at, effect, ...providerOf(doing) } as const
  }
}

function providerOf({ options: { provider } }: Done) {
  return provider === undefined ? {} : { provider }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function textOf(output: unknown, key: string): string {
  const text = JSON.stringify(output ?? null)
  if (text.length > OUTPUT_MAX_LENGTH) throw new HoldfastError('TOO_LARGE', `The result of step "${key}".`)
  return text
}

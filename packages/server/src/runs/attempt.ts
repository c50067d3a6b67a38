import { createHash } from 'node:crypto'
import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { type Database, type Statement, type Write, write } from '../db/database.ts'
import type { Outcome, Run, RunContext, RunDefinition, StepContext, StepOptions } from './run.ts'
import type { RunStore } from './run-store.ts'

/**
 * Why an attempt's signal was aborted. `unsure`: the store was lost in the middle of a write; what became of it shows
 * once this attempt is fenced off.
 */
export type StopReason = 'cancelled' | 'shutdown' | 'fenced' | 'unsure'

export class AttemptStopped extends Error {
  readonly why: StopReason

  constructor(why: StopReason) {
    super(`the attempt was stopped: ${why}`)
    this.why = why
  }
}

// What a step returns is read on every later attempt; results that are large belong in a table or a file.
const STEP_OUTPUT_MAX_LENGTH = 65_536

export interface AttemptWorld {
  db: Database
  store: RunStore
  leaseMs: number
}

/** One try to carry out a run: its context, its fence and its end. */
export class Attempt implements RunContext {
  readonly run: Run
  readonly #world: AttemptWorld
  readonly #definition: RunDefinition
  readonly #stop = new AbortController()
  #unsure = false
  #ending = false
  #ended = false

  constructor(run: Run, definition: RunDefinition, world: AttemptWorld) {
    this.run = run
    this.#definition = definition
    this.#world = world
  }

  get input(): unknown {
    return this.run.input
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Why it was stopped; `null` where it was not. */
  get stopped(): StopReason | null {
    return this.signal.reason instanceof AttemptStopped ? this.signal.reason.why : null
  }

  stop(why: StopReason): void {
    if (!this.signal.aborted) this.#stop.abort(new AttemptStopped(why))
  }

  /** The store no longer has it as working. That it is about to end is no reason to stop it. */
  lose(): void {
    if (!this.#ending) this.stop('fenced')
  }

  async commit(...writes: Write[]): Promise<void> {
    await this.#fenced(writes, false)
  }

  async advance(...writes: Write[]): Promise<void> {
    await this.#fenced(writes, true)
  }

  async step<Output>(
    key: string,
    work: (step: StepContext) => Promise<Output>,
    { input, keep = () => true }: StepOptions<Output> = {},
  ): Promise<Output> {
    const { store } = this.#world
    const inputHash = createHash('sha256')
      .update(JSON.stringify(input ?? null))
      .digest('hex')
    const known = await store.findStep(this.run, key)
    if (known?.inputHash === inputHash) return JSON.parse(known.output)
    this.signal.throwIfAborted()
    const writes: Write[] = []
    const output = await work({ signal: this.signal, write: (...more) => writes.push(...more) })
    const kept = keep(output)
    if (kept) writes.push(write(this.#record(key, inputHash, output)))
    await this.#fenced(writes, true, async () => {
      if (!kept) return false
      const recorded = await store.findStep(this.run, key)
      return recorded?.isOwn === true && recorded.inputHash === inputHash
    })
    return output
  }

  async end(outcome: Outcome, ...writes: Write[]): Promise<void> {
    // What it may not have written must not be taken for done.
    if (outcome.status !== 'cancelled') this.#throwIfUnsure()
    const { store } = this.#world
    this.#ending = true
    try {
      const told = await this.#definition.ended(this.run, outcome)
      const isOwnEnd = outcome.status === 'cancelled' ? [] : [store.notCancelled(this.run)]
      await this.#write([write(store.end(this.run, outcome), ...isOwnEnd), ...writes, ...told], async () => {
        const run = await store.get(this.run.id)
        return run !== null && run.endedAt !== null && run.attempt === this.run.attempt
      })
      this.#ended = true
    } finally {
      this.#ending = false
    }
  }

  #record(key: string, inputHash: string, output: unknown): Statement {
    const text = JSON.stringify(output ?? null)
    if (text.length > STEP_OUTPUT_MAX_LENGTH) throw new HoldfastError('TOO_LARGE', `The result of step "${key}".`)
    return this.#world.store.recordStep(this.run, key, inputHash, text)
  }

  async #fenced(writes: readonly Write[], progressed: boolean, wasDone = async () => false): Promise<void> {
    const { store, leaseMs } = this.#world
    this.#throwIfUnsure()
    try {
      await this.#write([write(store.fence(this.run, leaseMs, progressed)), ...writes], wasDone)
    } catch (error) {
      if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) {
        // It may still take effect at any time, until a newer attempt fences it off: no write of this one may follow.
        this.#unsure = true
        this.stop('unsure')
      }
      throw error
    }
  }

  /** `wasDone` finds out what became of a commit whose outcome the store did not tell. */
  async #write(writes: readonly Write[], wasDone: () => Promise<boolean>): Promise<void> {
    try {
      await this.#world.db.commit(writes)
    } catch (error) {
      if (isHoldfastError(error, 'FENCED')) this.stop('fenced')
      if (isHoldfastError(error, 'CANCELLED')) this.stop('cancelled')
      if (isHoldfastError(error, 'OUTCOME_UNKNOWN') && (await wasDone().catch(() => false))) return
      throw error
    }
  }

  #throwIfUnsure(): void {
    if (this.#unsure) throw new HoldfastError('OUTCOME_UNKNOWN', 'An earlier write of this attempt may still be done.')
  }
}

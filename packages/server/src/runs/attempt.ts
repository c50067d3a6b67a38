import { createHash } from 'node:crypto'
import { type Clock, HoldfastError } from '@holdfast/protocol'
import { type Database, type Write, write } from '../db/database.ts'
import type { Outcome, Run, RunContext, RunDefinition, StepContext, StepOptions } from './run.ts'
import type { RunStore } from './run-store.ts'

/** Why an attempt's signal was aborted. */
export type StopReason = 'cancelled' | 'shutdown' | 'fenced'

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
  clock: Clock
  leaseMs: number
}

/** One try to carry out a run: its context, its fence and its end. */
export class Attempt implements RunContext {
  readonly run: Run
  readonly #world: AttemptWorld
  readonly #definition: RunDefinition
  readonly #stop = new AbortController()
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

  stop(why: StopReason): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(new AttemptStopped(why))
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
    const { store, clock } = this.#world
    const inputHash = createHash('sha256')
      .update(JSON.stringify(input ?? null))
      .digest('hex')
    const known = await store.findStep(this.run.rootId, key)
    if (known?.inputHash === inputHash) return JSON.parse(known.output)
    this.signal.throwIfAborted()
    const writes: Write[] = []
    const output = await work({ signal: this.signal, write: (...more) => writes.push(...more) })
    if (keep(output)) {
      const text = JSON.stringify(output ?? null)
      if (text.length > STEP_OUTPUT_MAX_LENGTH) throw new HoldfastError('TOO_LARGE', `The result of step "${key}".`)
      writes.push(write(store.recordStep(this.run, key, inputHash, text, clock.now())))
    }
    await this.#fenced(writes, true)
    return output
  }

  async end(outcome: Outcome, ...writes: Write[]): Promise<void> {
    const told = await this.#definition.ended(this.run, outcome)
    const ending = write(this.#world.store.end(this.run, outcome, this.#world.clock.now()))
    await this.#write([ending, ...writes, ...told])
    this.#ended = true
  }

  async #fenced(writes: readonly Write[], progressed: boolean): Promise<void> {
    const { store, clock, leaseMs } = this.#world
    await this.#write([write(store.fence(this.run, clock.now() + leaseMs, progressed)), ...writes])
  }

  async #write(writes: readonly Write[]): Promise<void> {
    try {
      await this.#world.db.commit(writes)
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'FENCED') this.stop('fenced')
      throw error
    }
  }
}

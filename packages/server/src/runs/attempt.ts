import { type Clock, isHoldfastError } from '@holdfast/protocol'
import type { RunWait } from '@holdfast/protocol/runs'
import { type Database, type Write, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { AttemptWrites } from './attempt-writes.ts'
import { Children, type ChildStarter } from './children.ts'
import type { CommandStore } from './command-store.ts'
import type { Ending } from './ending.ts'
import { causeOfError, faultOf } from './fault.ts'
import { Journal, tell } from './journal.ts'
import type { LimitStore } from './limit-store.ts'
import { ProgressMeter, type ProgressReport } from './progress.ts'
import type { ChildOptions, Outcome, Run, RunDefinition, Signal, StepContext, StepOptions, WaitOptions } from './run.ts'
import type { RunStore } from './run-store.ts'
import { Signals } from './signals.ts'
import type { StepStore } from './step-store.ts'
import { Steps } from './steps.ts'
import { Waits } from './waits.ts'

/**
 * Why an attempt's signal was aborted. `suspended`: it waits, and gave its worker free. `unsure`: the store was lost in
 * the middle of a write; what became of it shows once this attempt is fenced off.
 */
export type StopReason = 'cancelled' | 'shutdown' | 'fenced' | 'suspended' | 'unsure'

export class AttemptStopped extends Error {
  readonly why: StopReason

  constructor(why: StopReason) {
    super(`the attempt was stopped: ${why}`)
    this.why = why
  }
}

/** What attempts stand on. */
export interface AttemptWorld {
  db: Database
  log: StreamLog
  clock: Clock
  random: () => number
  store: RunStore
  steps: StepStore
  commands: CommandStore
  limits: LimitStore
  ending: Ending
  children: ChildStarter
  /** A run stands otherwise than before, or is further: lists are told. */
  changed: (run: Run, percent?: number) => void
  /** Waits for something that may have come in the meantime: somebody looks. */
  recheck: (run: string) => void
  /** A place at that provider is free. */
  freed: (provider: string) => void
}

// What is told of the work itself goes on its way after this, if nothing else takes it along.
const TELL_MS = 250
// Progress is told so often at most.
const PROGRESS_MS = 500

/** One try to carry out a run: what its code is given (see RunContext), its fence and its end. */
export class Attempt {
  readonly run: Run
  readonly writes: AttemptWrites
  readonly waits: Waits
  readonly definition: RunDefinition
  readonly journal: Journal
  readonly #world: AttemptWorld
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #steps: Steps
  readonly #signals: Signals
  readonly #children: Children
  #meter: ProgressMeter | null = null
  #callOffTelling: (() => void) | null = null
  #telling = false
  #progressAt = Number.NEGATIVE_INFINITY
  #heardAt: number
  #paused: boolean
  #ending = false
  #ended = false

  constructor(run: Run, definition: RunDefinition, world: AttemptWorld) {
    this.run = run
    this.definition = definition
    this.#world = world
    this.#clock = onStoreTime(world.clock, run)
    this.#heardAt = this.#clock.now()
    this.#paused = run.pausedAt !== null
    this.journal = new Journal(world.clock)
    this.writes = new AttemptWrites({
      run,
      world,
      journal: this.journal,
      onFenced: () => this.stop('fenced'),
      onUnsure: () => this.stop('unsure'),
      onHeard: (liveness) => void this.#heard(liveness),
    })
    this.waits = new Waits({ clock: this.#clock, suspend: (waits, until) => this.#suspend(waits, until) })
    const parts = { attempt: this, world, clock: this.#clock }
    this.#steps = new Steps(parts)
    this.#signals = new Signals(parts, this.#steps)
    this.#children = new Children(parts, this.#steps)
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

  /** No step begins while a person has paused the run. */
  get isPaused(): boolean {
    return this.#paused
  }

  /** Why it was stopped; `null` where it was not. */
  get stopped(): StopReason | null {
    return this.signal.reason instanceof AttemptStopped ? this.signal.reason.why : null
  }

  stop(why: StopReason): void {
    if (this.signal.aborted) return
    const reason = new AttemptStopped(why)
    this.#stop.abort(reason)
    this.#callOffTelling?.()
    this.waits.fail(reason)
  }

  /** The store no longer has it as working. That it is about to end is no reason to stop it. */
  lose(): void {
    if (!this.#ending && this.stopped !== 'suspended') this.stop('fenced')
  }

  /** What the store has of it, looked up anew: whether it is to be paused. Whatever it waits for may have come, too. */
  follow({ isPaused }: { isPaused: boolean }): void {
    this.#paused = isPaused
    this.waits.nudge()
    this.#signals.heard()
  }

  async commit(...writes: Write[]): Promise<void> {
    await this.writes.commit({ writes })
  }

  async advance(...writes: Write[]): Promise<void> {
    await this.writes.commit({ writes, progressed: true })
  }

  step<Output>(
    key: string,
    work: (step: StepContext) => Promise<Output>,
    options: StepOptions<Output> = {},
  ): Promise<Output> {
    return this.#steps.do(key, work, options)
  }

  sleep(key: string, ms: number): Promise<void> {
    return this.#steps.sleep(key, ms)
  }

  waitFor<Payload>(name: string, options: WaitOptions & { key?: string } = {}): Promise<Signal<Payload> | null> {
    return this.#signals.waitFor(name, options)
  }

  received<Payload>(name: string, key: string): Promise<Signal<Payload>[]> {
    return this.#signals.received(name, key)
  }

  onSignal(name: string, listener: () => void): () => void {
    return this.#signals.listen(name, listener)
  }

  start<ChildInput>(
    key: string,
    definition: RunDefinition<ChildInput>,
    input: ChildInput,
    options: ChildOptions = {},
  ): Promise<string> {
    return this.#children.start(key, definition as RunDefinition<never>, input, options)
  }

  ended(childId: string): Promise<Outcome> {
    return this.#children.ended(childId)
  }

  progress(report: ProgressReport): void {
    const now = this.#clock.now()
    this.#meter ??= new ProgressMeter({ phases: this.definition.phases ?? {}, start: this.run.progress, now })
    this.writes.setProgress(this.#meter.report(report, now))
    if (now - this.#progressAt >= PROGRESS_MS) this.#tellNow(now)
    else this.#tellAfter(PROGRESS_MS - (now - this.#progressAt))
  }

  heartbeat(): void {
    const now = this.#clock.now()
    if (now - this.#heardAt < this.run.quietMs / 4) return
    this.#heardAt = now
    this.commit().catch(() => {})
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', message: string): void {
    this.journal.add({ type: 'log', level, message: message.slice(0, LOG_MAX_LENGTH) })
    this.tellSoon()
  }

  /** What waits to be told goes on its way soon, with the next commit or without one. */
  tellSoon(): void {
    if (this.journal.isFull && !this.#telling) this.#tellNow(this.#clock.now())
    else this.#tellAfter(TELL_MS)
  }

  end(outcome: Outcome, ...writes: Write[]): Promise<void> {
    return this.#finish(outcome, writes)
  }

  /** Ends it as failed: people are told what they may be told of the error. */
  fail(error: unknown): Promise<void> {
    return this.#finish({ status: 'failed', error: faultOf(error) }, [], causeOfError(this.run.name, error))
  }

  async #finish(outcome: Outcome, writes: readonly Write[], cause?: string): Promise<void> {
    // What it may not have written must not be taken for done.
    if (outcome.status !== 'cancelled') this.writes.throwIfUnsure()
    if (this.stopped === 'suspended') throw this.signal.reason
    this.#callOffTelling?.()
    this.#ending = true
    try {
      await this.writes.behind(() => this.#end(outcome, writes, cause))
      this.#ended = true
    } finally {
      this.#ending = false
    }
  }

  async #end(outcome: Outcome, writes: readonly Write[], cause: string | undefined): Promise<void> {
    const { run, definition } = this
    try {
      await this.writes.telling((told) =>
        this.#world.ending.commit({ run, outcome, definition, told, writes, cause, leaves: this.#steps.leaves }),
      )
    } catch (error) {
      if (isHoldfastError(error, 'FENCED')) this.stop('fenced')
      if (isHoldfastError(error, 'CANCELLED')) this.stop('cancelled')
      if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error
      const found = await this.#world.store.get(run.id).catch(() => null)
      if (found?.status !== outcome.status || found.attempt !== run.attempt) throw error
    }
  }

  /** Gives its worker free; `false` where something has come in the meantime. */
  async #suspend(wanted: readonly RunWait[], wantedUntil: number | null): Promise<boolean> {
    const { store, commands, limits, log, db, recheck, changed } = this.#world
    const { run } = this
    // Where a person paused it that is what it waits for, and nothing else lets it go on: its code comes here again.
    const isPaused = this.#paused
    const waits: readonly RunWait[] = isPaused ? [{ kind: 'paused' }] : wanted
    const until = isPaused ? null : wantedUntil
    const failed = wanted.some((wait) => wait.kind === 'retry' && wait.name === '')
    const statements = [
      store.suspend(run, until === null ? null : until - this.#clock.now(), failed),
      store.isPaused(run, isPaused),
      ...store.setWaits(run, waits),
      store.attemptEnded(run, 'waiting'),
      limits.giveBackAll(run),
      ...waits.flatMap((wait) => (wait.kind === 'event' ? [commands.noneWaiting(run.id, wait.name)] : [])),
    ]
    this.#ending = true
    try {
      await this.writes.behind(() =>
        this.writes.telling((told) =>
          db.commit([write(...statements), tell(log, run.id, ...told, { type: 'waiting', waits: [...waits] })]),
        ),
      )
    } catch (error) {
      if (isHoldfastError(error, 'CONFLICT')) return this.#lookAgain()
      if (isHoldfastError(error, 'FENCED')) this.stop('fenced')
      if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) this.stop('unsure')
      throw error
    } finally {
      this.#ending = false
    }
    this.stop('suspended')
    changed({ ...run, status: 'waiting' })
    recheck(run.id)
    return true
  }

  /** Word that it was paused, or let go on, may not have come yet. */
  async #lookAgain(): Promise<false> {
    const now = await this.#world.store.get(this.run.id)
    if (now) this.#paused = now.pausedAt !== null
    return false
  }

  /** What nothing but a pause can come in between of. */
  async #suspendSurely(waits: readonly RunWait[], until: number | null): Promise<boolean> {
    while (!(await this.#suspend(waits, until))) this.signal.throwIfAborted()
    return true
  }

  /** The whole run waits for its next try. */
  waitForRetry(delayMs: number, error: { code: string; message: string }): Promise<boolean> {
    const until = this.#clock.now() + delayMs
    return this.#suspendSurely([{ kind: 'retry', name: '', until: new Date(until).toISOString(), error }], until)
  }

  /** It is not tried any more until a person says so. */
  park(error: { code: string; message: string }): Promise<boolean> {
    return this.#suspendSurely([{ kind: 'parked', error }], null)
  }

  #tellNow(now: number): void {
    this.#callOffTelling?.()
    this.#callOffTelling = null
    this.#progressAt = now
    this.#heardAt = now
    this.#telling = true
    const told = () => {
      this.#telling = false
    }
    // Whoever needs to know of the failure learns it from the signal, or from the next write.
    this.commit().then(told, told)
  }

  #tellAfter(ms: number): void {
    this.#callOffTelling ??= this.#world.clock.after(ms, () => {
      this.#callOffTelling = null
      if (!this.signal.aborted && (this.writes.hasProgress || !this.journal.isEmpty)) this.#tellNow(this.#clock.now())
    })
  }

  /** A sign of life after silence: told, once. */
  async #heard(liveness: Run['liveness']): Promise<void> {
    const { db, store, log, changed } = this.#world
    const { run } = this
    const event = { type: 'working', attempt: run.attempt, worker: run.worker ?? '' } as const
    const was = write(store.liveness({ ...run, liveness }, 'working'))
    // Somebody else may have told it, or tells it with the next sign.
    await this.writes
      .behind(() => db.commit([was, tell(log, run.id, event)]))
      .then(
        () => changed(run),
        () => {},
      )
  }
}

// A line of a log, not a document.
const LOG_MAX_LENGTH = 4_096

/** The store's time, as far as this process can tell: what it was when the attempt began, and what has passed since. */
function onStoreTime(clock: Clock, { heardAt }: Run): Clock {
  const ahead = heardAt === null ? 0 : heardAt - clock.now()
  return { now: () => clock.now() + ahead, after: (ms, task) => clock.after(ms, task) }
}

import { HoldfastError } from '@holdfast/protocol'
import { write } from '../db/database.ts'
import { Attempt } from './attempt.ts'
import { Attempts } from './attempts.ts'
import { carryOut } from './carry-out.ts'
import { Claims } from './claims.ts'
import type { RunEngineOptions } from './engine-options.ts'
import { assembleParts, type EngineParts } from './engine-parts.ts'
import { tell } from './journal.ts'
import { Leases } from './leases.ts'
import { statusOf } from './lifecycle.ts'
import type { OutsideWork } from './outside-work.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import type { RunCommands } from './run-commands.ts'
import type { RunLimits } from './run-limits.ts'
import type { Kind } from './run-looks.ts'
import { checkInput, type StartOptions } from './run-starter.ts'
import type { RunStore } from './run-store.ts'
import { unlessMoved } from './sweep.ts'
import { Timers } from './timers.ts'
import { type RunWord, Teller } from './words.ts'
import type { WorkFeed } from './work-feed.ts'

export type { RunEngineOptions } from './engine-options.ts'
export type { StartOptions } from './run-starter.ts'

// Well within the 5 seconds a Ctrl-C may take.
const CLOSE_PATIENCE_MS = 3_000

/**
 * Carries runs out: claims what is due, one at a time per serial key and no more of a queue than it may have, keeps the
 * leases alive, watches who falls silent, and ends each run with its terminal event in one commit. Any number of
 * processes may do so on one store. Woken by its own starts and ends, by word of the other nodes' and by exact timers;
 * what word was lost of is looked for every few seconds.
 */
export class RunEngine {
  readonly store: RunStore
  readonly commands: RunCommands
  readonly limits: RunLimits
  readonly outside: OutsideWork
  readonly feed: WorkFeed
  readonly #options: Required<RunEngineOptions>
  readonly #definitions = new Map<string, RunDefinition>()
  readonly #attempts = new Attempts()
  readonly #timers: Timers
  readonly #teller: Teller
  readonly #closing = new AbortController()
  readonly #parts: EngineParts
  readonly #wakeListeners = new Set<() => void>()
  #claims: Claims | null = null
  #leases: Leases | null = null

  constructor(options: RunEngineOptions) {
    this.#options = { concurrency: 100, leaseMs: 30_000, random: Math.random, tell: () => {}, ...options }
    const { clock } = this.#options
    this.#timers = new Timers(clock)
    this.#teller = new Teller(this.#options.tell)
    const parts = assembleParts(this.#options, this.#timers, {
      changed: (run, due) => this.#changed(run, due),
      ended: (run, outcome) => this.#onEnded(run, outcome),
      due: () => this.#due(),
      silenceDue: () => void this.#leases?.renew(),
      limitSet: (kind, name) => this.#onLimitSet(kind, name),
      told: (run) => this.#onTold(run),
      suspended: (run) => this.#follow(run),
      freed: (provider) => this.#onFreed(provider),
      begun: (run) => this.#begun(run),
      unwanted: (run) => this.#endUnwanted(run),
      background: (task) => this.#background(task),
      onWake: (listener) => this.onWake(listener),
      definition: (name) => this.#definitions.get(name),
      kinds: () => this.#kinds(),
    })
    this.store = parts.world.store
    this.commands = parts.commands
    this.limits = parts.limits
    this.outside = parts.outside
    this.feed = parts.feed
    this.#parts = parts
  }

  /** Makes a kind of run known; before `open`. */
  register<Input>(definition: RunDefinition<Input>): void {
    this.#definitions.set(definition.name, definition as RunDefinition)
  }

  /** The kinds this process knows. */
  get definitions(): readonly RunDefinition[] {
    return [...this.#definitions.values()]
  }

  /** Takes back what died with its worker and begins to claim. */
  async open(): Promise<void> {
    const { db, log, clock, worker, leaseMs, concurrency, exclusive } = this.#options
    const parts = { store: this.store, attempts: this.#attempts, timers: this.#timers, worker, leaseMs }
    const onError = (error: unknown) => this.#options.onError(error, null)
    const claims = new Claims({
      ...parts,
      db,
      log,
      kinds: this.#kinds(),
      concurrency,
      onError,
      carryOut: (run, crashes) => this.#carryOut(run, crashes),
      onTime: (run) => this.#parts.wakes.onTime(run),
    })
    const leases = new Leases({
      ...parts,
      clock,
      exclusive,
      watch: this.#parts.watch,
      onError,
      onLost: () => claims.findLost(),
      onTended: () => this.#tended(),
    })
    this.#leases = leases
    await leases.open()
    await this.#parts.sweep.run()
    if (this.#closing.signal.aborted) return
    this.#claims = claims
    claims.wake()
  }

  /**
   * Queues a run. When this resolves it is on disk and will be carried out, whatever happens to this process. After
   * OUTCOME_UNKNOWN it may come to be queued, or not; with an `id` or a `dedupeKey` of one's own one can start it again.
   */
  async start<Input>(definition: RunDefinition<Input>, input: Input, options: StartOptions = {}): Promise<Run<Input>> {
    return (await this.#parts.starter.start(definition, input, options)).run
  }

  /**
   * The same by name, with an input that is checked: INVALID_INPUT says which fields are wrong. NOT_FOUND for a kind that
   * nobody defined, unless `outside` gives its version: then its workers are programs that report over HTTP.
   */
  async startNamed(
    name: string,
    input: unknown,
    options: StartOptions & { outside?: { version: number } } = {},
  ): Promise<{ run: Run; created: boolean }> {
    const definition = this.#definitions.get(name)
    const { outside } = options
    if (definition) {
      checkVersion(definition, outside?.version)
      return this.#parts.starter.start(definition, await checkInput(definition.input, input), options)
    }
    if (!outside) throw new HoldfastError('NOT_FOUND', `No run is defined as "${name.slice(0, 100)}".`)
    return this.#parts.starter.start({ name, version: outside.version, isOutside: true }, input, options)
  }

  /** A run as it stands; `null` where there is none. */
  get(id: string): Promise<Run | null> {
    return this.store.get(id)
  }

  /** How a run ended; `null` while it has not. */
  outcome(id: string): Promise<Outcome | null> {
    return this.store.outcome(id)
  }

  /** Cancels a run on behalf of an app: see `RunCommands.cancel`. ALREADY_ENDED, NOT_FOUND. */
  cancel(id: string, by = 'server'): Promise<void> {
    return this.commands.cancel(id, { id: this.#options.newId(), by })
  }

  /** What another node told. Cheap, at any time; never throws. */
  hear(word: RunWord): void {
    if (!this.#claims || this.#closing.signal.aborted) return
    if (word.type === 'runs_due') this.wake()
    else if (word.type === 'run_told') this.#background(this.#follow(word.run))
    else this.#background(this.#onFreed(word.provider))
  }

  /** Something may be due. Cheap, at any time. */
  wake(): void {
    this.#claims?.wake()
    for (const listener of [...this.#wakeListeners]) listener()
  }

  /** Told whenever something may be due, here or elsewhere. Returns the way to stop listening. */
  onWake(listener: () => void): () => void {
    this.#wakeListeners.add(listener)
    return () => this.#wakeListeners.delete(listener)
  }

  /** Stops claiming, stops the attempts and gives their runs back, for the next start or another node to go on with. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.outside.close()
    this.#timers.close()
    const { db, worker } = this.#options
    const isLost = await this.#claims?.close()
    for (const attempt of this.#attempts.all()) attempt.stop('shutdown')
    await this.#letGo()
    // Out of reach, they are left to their leases.
    if (isLost) await this.#giveBackLost().catch(() => {})
    if (this.#claims) await db.commit([this.store.gone(worker)]).catch(() => {})
    await this.feed.close()
    this.#teller.flush()
  }

  /** Code that does not let go when it is told to is left to its lease. */
  async #letGo(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const callOff = this.#options.clock.after(CLOSE_PATIENCE_MS, resolve)
    await Promise.race([this.#attempts.finished(), promise])
    callOff()
  }

  /** Claims that were never answered: nobody works on what they took. */
  async #giveBackLost(): Promise<void> {
    const { db, log, worker } = this.#options
    for (const run of await this.store.runsOf(worker)) {
      const statements = [this.store.giveBack(run, 0), this.store.attemptEnded(run, 'given_back')]
      const { name, version, queue, priority } = run
      await db.commit([write(...statements), tell(log, run.id, { type: 'queued', name, version, queue, priority })])
    }
  }

  /** A run stands otherwise; `due`: it may be claimed, here or elsewhere. */
  #changed(run: Run, due: boolean): void {
    this.feed.changed(run.id, statusOf(run), run.queue, run.progress?.percent ?? null)
    if (due) this.#due()
  }

  #due(): void {
    this.wake()
    this.#teller.due()
  }

  #onEnded(run: Run, outcome: Outcome): void {
    this.feed.changed(run.id, outcome.status, run.queue, outcome.status === 'done' ? 100 : null)
    if (run.serialKey !== null) this.#due()
    if (run.parentId !== null) this.#background(this.#tellParent(run.parentId))
    // It may have given places back, and its queue has room: claims look by themselves.
    if (run.status !== 'working') this.wake()
  }

  async #tellParent(parent: string): Promise<void> {
    await this.#parts.wakes.recheck(parent)
    this.#attempts.get(parent)?.waits.nudge()
    if (!this.#attempts.get(parent)) this.#teller.told(parent)
  }

  #onLimitSet(kind: 'queue' | 'provider', name: string): void {
    this.feed.set(kind, name)
    if (kind === 'queue') this.#due()
    else {
      this.#background(this.#onFreed(name))
      this.#teller.freed(name)
    }
  }

  /** Those who work and wait for a place there look first: the others would come back for nothing. */
  async #onFreed(provider: string): Promise<void> {
    await Promise.all(this.#attempts.all().map(({ waits }) => waits.nudgeProvider(provider)))
    // The code that gave it back may take it again with its next step, which it comes to within this turn.
    await new Promise(setImmediate)
    if (this.#closing.signal.aborted) return
    await this.#parts.wakes.recheckProvider(provider)
  }

  /** It works somewhere, and was told something that stands in its rows. */
  async #onTold(run: Run): Promise<void> {
    await this.#claims?.answered()
    if (await this.#follow(run.id)) return
    this.#teller.told(run.id)
  }

  /** Whether it works here; then it has seen what it was told. */
  async #follow(id: string): Promise<boolean> {
    const run = await this.store.get(id)
    if (!run) return false
    if (run.status === 'waiting') await this.#parts.wakes.recheck(id)
    if (run.endedAt === null && run.cancelRequestedAt !== null && run.status !== 'working') await this.#endUnwanted(run)
    const attempt = this.#attempts.get(id)
    if (attempt?.run.attempt !== run.attempt) return false
    if (run.status !== 'working') attempt.lose()
    else if (run.cancelRequestedAt !== null) attempt.stop('cancelled')
    else attempt.follow({ isPaused: run.pausedAt !== null })
    return true
  }

  #carryOut(run: Run, crashes: number | null): void {
    const { clock, random, onError } = this.#options
    const attempt = new Attempt(run, this.#definition(run.name), this.#parts.world)
    if (run.cancelRequestedAt !== null) attempt.stop('cancelled')
    const { db, log, store, steps, limits } = this.#parts.world
    const onGivenBack = (run: Run, freed: readonly string[]) => {
      this.#changed({ ...run, status: 'queued' }, false)
      for (const provider of freed) this.#parts.world.freed(provider)
    }
    const closing = this.#closing.signal
    const options = { db, log, store, steps, limits, clock, random, closing, onGivenBack, onError }
    this.#begun(run)
    // Not before it is among the attempts, and the next claim is on its way.
    const begun = Promise.resolve().then(() => carryOut(attempt, crashes, options))
    const finished = begun.finally(() => {
      this.#attempts.remove(attempt)
      this.wake()
      // Its key is free, or it is there for others to go on with.
      if (run.serialKey !== null || !attempt.hasEnded) this.#teller.due()
    })
    this.#attempts.add(attempt, finished)
  }

  /** An attempt works, here or outside: it may fall silent. */
  #begun(run: Run): void {
    this.#parts.watch.within(Math.min(run.quietMs, run.leaseMs / 2))
    this.feed.changed(run.id, 'working', run.queue, run.progress?.percent ?? null)
  }

  /** Ends one that does not work and whose cancel is on disk. Somebody who claims it at this moment sees the mark. */
  async #endUnwanted(run: Run): Promise<void> {
    const definition = this.#definitions.get(run.name)
    if (!definition && !(await this.store.endsAlone(run))) return
    await this.#parts.world.ending.commit({ run, outcome: { status: 'cancelled' }, definition }).catch(unlessMoved)
  }

  /** Looks for what word was lost of. */
  async #tended(): Promise<void> {
    if (await this.#parts.sweep.tend()) this.wake()
  }

  #background(task: Promise<unknown>): void {
    task.catch((error) => this.#options.onError(error, null))
  }

  #kinds(): Kind[] {
    return this.definitions.map(({ name, version }) => [name, version] as const)
  }

  #definition(name: string): RunDefinition {
    const definition = this.#definitions.get(name)
    if (!definition) throw new Error(`no run is defined as "${name}"`)
    return definition
  }
}

function checkVersion({ name, version }: RunDefinition, wanted: number | undefined): void {
  if (wanted === undefined || wanted === version) return
  const message = `This server knows version ${version} of "${name}".`
  throw new HoldfastError('INVALID_INPUT', message, { errors: [{ field: 'version', message }] })
}

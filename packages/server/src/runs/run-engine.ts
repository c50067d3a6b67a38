import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { Database } from '../db/database.ts'
import { write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { Attempt, type AttemptWorld } from './attempt.ts'
import { Attempts } from './attempts.ts'
import { carryOut } from './carry-out.ts'
import { Claims } from './claims.ts'
import { CommandStore } from './command-store.ts'
import { Ending } from './ending.ts'
import { tell } from './journal.ts'
import { Leases } from './leases.ts'
import { statusOf } from './lifecycle.ts'
import { LimitStore } from './limit-store.ts'
import { OutsideWork } from './outside-work.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import { RunCommands } from './run-commands.ts'
import { RunLimits } from './run-limits.ts'
import { checkInput, RunStarter, type StartedKind, type StartOptions } from './run-starter.ts'
import { type Kind, RunStore } from './run-store.ts'
import { StepStore } from './step-store.ts'
import { Timers } from './timers.ts'
import { Wakes } from './wakes.ts'
import { Watch } from './watch.ts'
import { type RunWord, Teller } from './words.ts'
import { WorkFeed } from './work-feed.ts'

export type { StartOptions } from './run-starter.ts'

export interface RunEngineOptions {
  db: Database
  log: StreamLog
  /** Measures waiting. Also the time of leases and due times where the store has no clock of its own (SQLite). */
  clock: Clock
  /** Names this process in the run rows; no other process, of now or before, has the same. */
  worker: string
  newId: () => string
  /** Evenly spread from 0 to below 1; for the jitter of retries. Default `Math.random`. */
  random?: () => number
  /** Runs at the same time on this node. Default 100: they mostly wait for workers, disks and networks. */
  concurrency?: number
  /** How long an attempt may go without a sign of life before others may take it over. Default 30,000 ms. */
  leaseMs?: number
  /** This process alone uses the store: whatever was working when it starts has died. */
  exclusive: boolean
  /** Tells the other nodes on the store, which `hear` it. Must not throw. Absent where there are none. */
  tell?: (word: RunWord) => void
  /** Told of errors nobody waits for: a run's failure, a claim that failed. */
  onError: (error: unknown, run: Run | null) => void
}

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
  readonly #starter: RunStarter
  readonly #ending: Ending
  readonly #wakes: Wakes
  readonly #watch: Watch
  readonly #world: AttemptWorld
  readonly #wakeListeners = new Set<() => void>()
  #claims: Claims | null = null
  #leases: Leases | null = null

  constructor(options: RunEngineOptions) {
    this.#options = { concurrency: 100, leaseMs: 30_000, random: Math.random, tell: () => {}, ...options }
    const { db, log, clock, random, worker, newId, leaseMs, exclusive } = this.#options
    this.#timers = new Timers(clock)
    this.#teller = new Teller(this.#options.tell)
    this.store = new RunStore(db, clock)
    this.feed = new WorkFeed({ db, log, clock })
    const { store } = this
    const stores = {
      db,
      log,
      store,
      steps: new StepStore(db, store.now),
      commands: new CommandStore(db, store.now),
      limits: new LimitStore(db),
    }
    const onError = (error: unknown) => this.#options.onError(error, null)
    this.#ending = new Ending({
      ...stores,
      onEnded: (run, outcome) => this.#onEnded(run, outcome),
      onFreed: (provider) => this.#background(this.#wakes.recheckProvider(provider)),
    })
    this.#wakes = new Wakes({ ...stores, onWoken: (run) => this.#changed(run, true) })
    this.#starter = new RunStarter({ ...stores, newId, leaseMs, onQueued: (run) => this.#changed(run, true) })
    this.limits = new RunLimits({ limits: stores.limits, onSet: (kind, name) => this.#onLimitSet(kind, name) })
    this.#watch = new Watch({
      ...stores,
      timers: this.#timers,
      clock,
      worker,
      exclusive,
      onError,
      onDue: () => void this.#leases?.renew(),
      onChanged: ({ id, queue }, liveness) => {
        this.feed.changed(id, liveness, queue, null)
        if (liveness === 'lost') this.#due()
      },
    })
    this.#world = {
      ...stores,
      clock,
      random,
      ending: this.#ending,
      children: {
        prepare: async (definition, input, parent, more) =>
          this.#starter.prepare(definition as StartedKind, await checkInput(definition.input, input), {
            ...more,
            parentId: parent.id,
          }),
        outcome: (id) => this.outcome(id),
      },
      changed: (run, percent) => this.feed.changed(run.id, statusOf(run), run.queue, percent ?? null),
      recheck: (run) => this.#background(this.#wakes.recheck(run)),
      freed: (provider) => this.#background(this.#wakes.recheckProvider(provider)),
    }
    this.outside = new OutsideWork({
      ...this.#world,
      onWake: (listener) => this.onWake(listener),
      onClaimed: (run) => this.#begun(run),
      onQueued: (run) => this.#changed(run, true),
    })
    this.commands = new RunCommands({
      ...stores,
      starter: this.#starter,
      ending: this.#ending,
      wakes: this.#wakes,
      newId,
      kindOf: (run) => this.#kindOf(run),
      definition: (name) => this.#definitions.get(name),
      onTold: (run) => this.#onTold(run),
      onChanged: (run, due) => this.#changed(run, due),
    })
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
      onTime: (run) => this.#wakes.onTime(run),
    })
    const leases = new Leases({
      ...parts,
      clock,
      exclusive,
      watch: this.#watch,
      onError,
      onLost: () => claims.findLost(),
      onTended: () => this.#tended(),
    })
    this.#leases = leases
    await leases.open()
    await this.#sweep()
    if (this.#closing.signal.aborted) return
    this.#claims = claims
    claims.wake()
  }

  /**
   * Queues a run. When this resolves it is on disk and will be carried out, whatever happens to this process. After
   * OUTCOME_UNKNOWN it may come to be queued, or not; with an `id` or a `dedupeKey` of one's own one can start it again.
   */
  async start<Input>(definition: RunDefinition<Input>, input: Input, options: StartOptions = {}): Promise<Run<Input>> {
    return (await this.#starter.start(definition, input, options)).run
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
    if (definition) return this.#starter.start(definition, await checkInput(definition.input, input), options)
    const { outside } = options
    if (!outside) throw new HoldfastError('NOT_FOUND', `No run is defined as "${name.slice(0, 100)}".`)
    return this.#starter.start({ name, version: outside.version, isOutside: true }, input, options)
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
    else this.#background(this.#wakes.recheckProvider(word.provider))
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
    await this.#attempts.finished()
    // Out of reach, they are left to their leases.
    if (isLost) await this.#giveBackLost().catch(() => {})
    if (this.#claims) await db.commit([this.store.gone(worker)]).catch(() => {})
    await this.feed.close()
    this.#teller.flush()
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
    await this.#wakes.recheck(parent)
    this.#attempts.get(parent)?.waits.nudge()
    if (!this.#attempts.get(parent)) this.#teller.told(parent)
  }

  #onLimitSet(kind: 'queue' | 'provider', name: string): void {
    this.feed.set(kind, name)
    if (kind === 'queue') this.#due()
    else {
      this.#background(this.#wakes.recheckProvider(name))
      for (const attempt of this.#attempts.all()) attempt.waits.nudge()
      this.#teller.freed(name)
    }
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
    if (run.status === 'waiting') await this.#wakes.recheck(id)
    if (run.endedAt === null && run.cancelRequestedAt !== null && run.status !== 'working') await this.#endUnwanted(run)
    const attempt = this.#attempts.get(id)
    if (attempt?.run.attempt !== run.attempt) return false
    if (run.cancelRequestedAt !== null) attempt.stop('cancelled')
    else attempt.follow({ isPaused: run.pausedAt !== null })
    return true
  }

  #carryOut(run: Run, crashes: number | null): void {
    const { clock, random, onError } = this.#options
    const attempt = new Attempt(run, this.#definition(run.name), this.#world)
    if (run.cancelRequestedAt !== null) attempt.stop('cancelled')
    const { db, log, store, steps, limits } = this.#world
    const options = { db, log, store, steps, limits, clock, random, closing: this.#closing.signal, onError }
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
    this.#watch.within(Math.min(run.quietMs, run.leaseMs / 2))
    this.feed.changed(run.id, 'working', run.queue, run.progress?.percent ?? null)
  }

  /** Ends one that does not work and whose cancel is on disk. Somebody who claims it at this moment sees the mark. */
  async #endUnwanted(run: Run): Promise<void> {
    const definition = this.#definitions.get(run.name)
    if (!definition && !run.isOutside) return
    await this.#ending.commit({ run, outcome: { status: 'cancelled' }, definition }).catch(unlessMoved)
  }

  /** Looks for what word was lost of. */
  async #tended(): Promise<void> {
    await this.#sweep()
    this.wake()
  }

  async #sweep(): Promise<void> {
    const { db, worker, leaseMs } = this.#options
    const { store } = this
    await db.commit([store.seen(worker, this.#kinds(), leaseMs, false)])
    for (const key of await store.stuckLines()) await db.commit([write(store.promote(key))])
    for (const run of await store.unwanted()) await this.#endUnwanted(run)
    for (const run of await store.orphans()) await this.cancel(run.id).catch(unlessMoved)
    await this.#wakes.sweep(this.#kinds())
    await this.#parkUnknown()
  }

  /** Runs whose version nobody knows wait for a server that does, where everybody sees it. */
  async #parkUnknown(): Promise<void> {
    const { db, log } = this.#options
    for (let look = 1; look <= PARKED_AT_ONCE; look += 1) {
      const unknown = await this.store.unknownVersions()
      if (unknown.length === 0) return
      for (const run of unknown) {
        const wait = { kind: 'version' } as const
        const statements = [this.store.hold(run, false), ...this.store.setWaits(run, [wait])]
        await db
          .commit([write(...statements), tell(log, run.id, { type: 'waiting', waits: [wait] })])
          .catch(unlessMoved)
        this.#changed({ ...run, status: 'waiting' }, false)
      }
    }
  }

  #background(task: Promise<unknown>): void {
    task.catch((error) => this.#options.onError(error, null))
  }

  #kinds(): Kind[] {
    return this.definitions.map(({ name, version }) => [name, version] as const)
  }

  #kindOf(run: Run): StartedKind {
    const definition = this.#definitions.get(run.name)
    if (definition) return definition as StartedKind
    return { name: run.name, version: run.version, isOutside: run.isOutside, quietMs: run.quietMs }
  }

  #definition(name: string): RunDefinition {
    const definition = this.#definitions.get(name)
    if (!definition) throw new Error(`no run is defined as "${name}"`)
    return definition
  }
}

const PARKED_AT_ONCE = 100

/** It stands otherwise by now: whoever moved it saw to that. */
function unlessMoved(error: unknown): void {
  const codes = ['CONFLICT', 'FENCED', 'ALREADY_ENDED', 'STREAM_SEALED']
  if (!(error instanceof HoldfastError && codes.includes(error.code))) throw error
}

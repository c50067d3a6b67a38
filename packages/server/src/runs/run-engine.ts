import { type Clock, HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { Database, Write } from '../db/database.ts'
import { Attempt } from './attempt.ts'
import { Attempts } from './attempts.ts'
import { carryOut } from './carry-out.ts'
import { Claims } from './claims.ts'
import { Leases } from './leases.ts'
import type { Run, RunDefinition } from './run.ts'
import { RunStore } from './run-store.ts'
import { Timers } from './timers.ts'
import { type RunWord, Teller } from './words.ts'

export interface RunEngineOptions {
  db: Database
  /** Measures waiting. Also the time of leases and due times where the store has no clock of its own (SQLite). */
  clock: Clock
  /** A write that makes the run's stream, so that readers have a position while it is queued. */
  createStream: (stream: string) => Write
  /** Names this process in the run rows; no other process, of now or before, has the same. */
  worker: string
  newId: () => string
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

export interface StartOptions {
  /** Given where the caller needs to know it beforehand. */
  id?: string
  serialKey?: string
  /** Tries that run again, reusing its finished steps. */
  retryOf?: Run
  /** Committed with the run: both or neither. */
  writes?: Write[]
}

/**
 * Carries runs out: claims what is due, one at a time per serial key, keeps the leases alive, and ends each run with
 * its terminal event in one commit. Any number of processes may do so on one store. Woken by its own starts and ends,
 * by word of the other nodes' and by exact timers; what word was lost of is looked for every few seconds.
 */
export class RunEngine {
  readonly #options: Required<RunEngineOptions>
  readonly #store: RunStore
  readonly #definitions = new Map<string, RunDefinition>()
  readonly #attempts = new Attempts()
  readonly #timers: Timers
  readonly #teller: Teller
  readonly #closing = new AbortController()
  #claims: Claims | null = null

  constructor(options: RunEngineOptions) {
    this.#options = { concurrency: 100, leaseMs: 30_000, tell: () => {}, ...options }
    this.#store = new RunStore(options.db, options.clock)
    this.#timers = new Timers(options.clock)
    this.#teller = new Teller(this.#options.tell)
  }

  /** Makes a kind of run known; before `open`. */
  register<Input>(definition: RunDefinition<Input>): void {
    this.#definitions.set(definition.name, definition as RunDefinition)
  }

  /** Takes back what died with its worker and begins to claim. */
  async open(): Promise<void> {
    const { clock, worker, leaseMs, concurrency, exclusive } = this.#options
    const parts = { store: this.#store, attempts: this.#attempts, timers: this.#timers, worker, leaseMs }
    const onError = (error: unknown) => this.#options.onError(error, null)
    const names = this.#names()
    const claims = new Claims({
      ...parts,
      names,
      concurrency,
      onError,
      carryOut: (run, crashes) => this.#carryOut(run, crashes),
    })
    const leases = new Leases({
      ...parts,
      clock,
      exclusive,
      onError,
      onLost: () => claims.findLost(),
      onTakenBack: () => this.#due(),
      onTended: () => this.#tended(),
    })
    await leases.open()
    if (this.#closing.signal.aborted) return
    this.#claims = claims
    claims.wake()
  }

  /**
   * Queues a run. When this resolves it is on disk and will be carried out, whatever happens to this process. After
   * OUTCOME_UNKNOWN it may come to be queued, or not; with an `id` of one's own one can ask, or start it again.
   */
  async start<Input>(definition: RunDefinition<Input>, input: Input, options: StartOptions = {}): Promise<Run<Input>> {
    const { newId, createStream } = this.#options
    const id = options.id ?? newId()
    const run: Run<Input> = {
      id,
      name: definition.name,
      version: definition.version,
      input,
      status: 'queued',
      stream: definition.stream(input, id),
      attempt: 0,
      serialKey: options.serialKey ?? null,
      retryOf: options.retryOf?.id ?? null,
      rootId: options.retryOf?.rootId ?? id,
      cancelRequestedAt: null,
      createdAt: 0,
      startedAt: null,
      endedAt: null,
    }
    const createdAt = await this.#queue(run, [createStream(run.stream), ...(options.writes ?? [])])
    this.#due()
    return { ...run, createdAt }
  }

  /** A run as it stands; `null` where there is none. */
  get(id: string): Promise<Run | null> {
    return this.#store.get(id)
  }

  /**
   * Cancels a run, durably: when this resolves it will end as cancelled, also if the process dies now. A queued run of
   * a kind this node knows has ended by then; a working one is stopped, on whichever node, and ends as soon as its step
   * lets go. ALREADY_ENDED, NOT_FOUND; where the store fails, with its code, and then it may be asked for again.
   */
  async cancel(id: string): Promise<void> {
    const run = await this.#store.requestCancel(id)
    if (!run) {
      if (await this.#store.get(id)) throw new HoldfastError('ALREADY_ENDED', 'It has already ended.')
      throw new HoldfastError('NOT_FOUND', `There is no run "${id}".`)
    }
    if (!(await this.#cancelHere(run))) this.#teller.cancel(id)
  }

  /** What another node told. Cheap, at any time; never throws. */
  hear(word: RunWord): void {
    if (!this.#claims || this.#closing.signal.aborted) return
    if (word.type === 'runs_due') this.wake()
    else this.#heardCancel(word.run).catch((error) => this.#options.onError(error, null))
  }

  /** Something may be due. Cheap, at any time. */
  wake(): void {
    this.#claims?.wake()
  }

  /** Stops claiming, stops the attempts and gives their runs back, for the next start or another node to go on with. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#timers.close()
    const isLost = await this.#claims?.close()
    for (const attempt of this.#attempts.all()) attempt.stop('shutdown')
    await this.#attempts.finished()
    // Out of reach, they are left to their leases.
    if (isLost) await this.#store.giveBackAll(this.#options.worker).catch(() => {})
    this.#teller.flush()
  }

  /** Commits it and tells when it was queued. */
  async #queue(run: Run, writes: Write[]): Promise<number> {
    try {
      const result = await this.#options.db.commit([this.#store.insert(run), ...writes])
      return Number(result[0]?.[0]?.[0]?.created_at)
    } catch (error) {
      const made = isHoldfastError(error, 'OUTCOME_UNKNOWN') && (await this.#store.get(run.id).catch(() => null))
      if (!made) throw error
      return made.createdAt
    }
  }

  /** Something is due, for this node and the others. */
  #due(): void {
    this.wake()
    this.#teller.due()
  }

  #carryOut(run: Run, crashes: number | null): void {
    const { db, clock, onError } = this.#options
    const definition = this.#definition(run.name)
    const attempt = new Attempt(run, definition, this.#world())
    if (run.cancelRequestedAt !== null) attempt.stop('cancelled')
    const options = { db, store: this.#store, clock, closing: this.#closing.signal, onError }
    // Not before it is among the attempts, and the next claim is on its way.
    const begun = Promise.resolve().then(() => carryOut(attempt, crashes, definition, options))
    const finished = begun.finally(() => {
      this.#attempts.remove(attempt)
      this.wake()
      // Its key is free, or it is there for others to go on with.
      if (run.serialKey !== null || !attempt.hasEnded) this.#teller.due()
    })
    this.#attempts.add(attempt, finished)
  }

  /** Once the request is on disk: stops it if it works here, ends it if it is queued. Whether it is settled by that. */
  async #cancelHere(run: Run): Promise<boolean> {
    if (run.status === 'queued' && this.#definitions.has(run.name) && (await this.#endQueued(run))) return true
    await this.#claims?.answered()
    const attempt = this.#attempts.get(run.id)
    attempt?.stop('cancelled')
    return attempt !== undefined && attempt.run.attempt === run.attempt
  }

  async #heardCancel(id: string): Promise<void> {
    // The row says so before the word is sent.
    this.#attempts.get(id)?.stop('cancelled')
    const run = await this.#store.get(id)
    if (run && run.endedAt === null && run.cancelRequestedAt !== null) await this.#cancelHere(run)
  }

  /** `false` where it was claimed in the meantime: whoever did sees the request. */
  async #endQueued(run: Run): Promise<boolean> {
    try {
      await new Attempt(run, this.#definition(run.name), this.#world()).end({ status: 'cancelled' })
    } catch (error) {
      if (isHoldfastError(error, 'FENCED')) return false
      throw error
    }
    this.#due()
    return true
  }

  /** Looks for what word was lost of: cancels of queued runs, and runs that are due. */
  async #tended(): Promise<void> {
    this.wake()
    if (this.#definitions.size === 0) return
    for (const run of await this.#store.unwanted(this.#names())) await this.#cancelHere(run)
  }

  #names(): string[] {
    return [...this.#definitions.keys()]
  }

  #definition(name: string): RunDefinition {
    const definition = this.#definitions.get(name)
    if (!definition) throw new Error(`no run is defined as "${name}"`)
    return definition
  }

  #world() {
    const { db, leaseMs } = this.#options
    return { db, store: this.#store, leaseMs }
  }
}

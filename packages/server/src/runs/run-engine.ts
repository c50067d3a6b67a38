import { type Clock, HoldfastError, isHoldfastError, sleep } from '@holdfast/protocol'
import type { Database, Write } from '../db/database.ts'
import { Attempt, AttemptStopped } from './attempt.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import { RunStore } from './run-store.ts'

export interface RunEngineOptions {
  db: Database
  clock: Clock
  /** A write that makes the run's stream, so that readers have a position while it is queued. */
  createStream: (stream: string) => Write
  /** Names this process in the run rows. */
  worker: string
  newId: () => string
  /** Runs at the same time. Default 100: they mostly wait for workers, disks and networks. */
  concurrency?: number
  /** How long an attempt may go without a sign of life before others may take it over. Default 30,000 ms. */
  leaseMs?: number
  /** This process alone uses the store: whatever was working when it starts has died. */
  exclusive: boolean
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

// A run that took its process down this often without finishing one more step is not tried again by itself.
const CRASHES_MAX = 5
// While the store takes no writes (disk full, unreachable) a run waits this long before it is tried again.
const STORE_RETRY_MS = 5_000

/**
 * Carries runs out: claims what is due, one at a time per serial key, keeps the leases alive, and ends each run with
 * its terminal event in one commit. Woken by its own starts and ends and by an exact timer; it never polls.
 */
export class RunEngine {
  readonly #options: Required<RunEngineOptions>
  readonly #store: RunStore
  readonly #definitions = new Map<string, RunDefinition>()
  readonly #attempts = new Map<string, { attempt: Attempt; finished: Promise<void> }>()
  #state: 'new' | 'open' | 'closed' = 'new'
  #claiming: Promise<void> | null = null
  #claimAgain = false
  readonly #closing = new AbortController()
  readonly #timers = new Set<() => void>()
  #cancelDue: (() => void) | null = null

  constructor(options: RunEngineOptions) {
    this.#options = { concurrency: 100, leaseMs: 30_000, ...options }
    this.#store = new RunStore(options.db)
  }

  /** Makes a kind of run known; before `open`. */
  register<Input>(definition: RunDefinition<Input>): void {
    this.#definitions.set(definition.name, definition as RunDefinition)
  }

  /** Takes back what died with its worker and begins to claim. */
  async open(): Promise<void> {
    const { clock, exclusive } = this.#options
    await this.#store.takeBack(clock.now(), exclusive)
    this.#state = 'open'
    this.#every(this.#options.leaseMs / 3, () => this.#tend())
    this.wake()
  }

  /** Queues a run. When this resolves it is on disk and will be carried out, whatever happens to this process. */
  async start<Input>(definition: RunDefinition<Input>, input: Input, options: StartOptions = {}): Promise<Run<Input>> {
    const { clock, db, newId, createStream } = this.#options
    const id = options.id ?? newId()
    const now = clock.now()
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
      createdAt: now,
      startedAt: null,
      endedAt: null,
    }
    await db.commit([this.#store.insert(run, now), createStream(run.stream), ...(options.writes ?? [])])
    this.wake()
    return run
  }

  /** A run as it stands; `null` where there is none. */
  get(id: string): Promise<Run | null> {
    return this.#store.get(id)
  }

  /**
   * Cancels a run, durably: when this resolves it will end as cancelled, also if the process dies now. A queued run
   * has ended by then; a working one is stopped and ends as soon as its step lets go. ALREADY_ENDED, NOT_FOUND.
   */
  async cancel(id: string): Promise<void> {
    const { db, clock } = this.#options
    const run = await this.#store.get(id)
    if (!run) throw new HoldfastError('NOT_FOUND', `There is no run "${id}".`)
    await db.commit([this.#store.requestCancel(id, clock.now())])
    const working = this.#attempts.get(id)
    if (working) return working.attempt.stop('cancelled')
    if (run.status !== 'queued') return
    try {
      await new Attempt(run, this.#definition(run.name), this.#world()).end({ status: 'cancelled' })
      this.wake()
    } catch (error) {
      // Claimed in the meantime: its attempt sees the request.
      if (!isHoldfastError(error, 'FENCED')) throw error
      this.#attempts.get(id)?.attempt.stop('cancelled')
    }
  }

  /** Something may be due. Cheap, at any time. */
  wake(): void {
    if (this.#state !== 'open' || this.#definitions.size === 0) return
    this.#claimAgain = true
    this.#claiming ??= this.#claimAll().finally(() => {
      this.#claiming = null
      // Asked for between the last look and here: nobody else would look.
      if (this.#claimAgain) this.wake()
    })
  }

  /** Stops claiming, stops the attempts and gives their runs back, for the next start to go on with. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closing.abort()
    for (const cancel of this.#timers) cancel()
    await this.#claiming
    for (const { attempt } of this.#attempts.values()) attempt.stop('shutdown')
    await Promise.all([...this.#attempts.values()].map(({ finished }) => finished))
  }

  async #claimAll(): Promise<void> {
    const { clock, concurrency, worker, leaseMs, onError } = this.#options
    const names = [...this.#definitions.keys()]
    while (this.#claimAgain && this.#state === 'open') {
      this.#claimAgain = false
      try {
        let now = clock.now()
        while (this.#attempts.size < concurrency && this.#state === 'open') {
          now = clock.now()
          const run = await this.#store.claim(names, worker, now, now + leaseMs)
          if (!run) break
          this.#carryOut(run)
        }
        await this.#wakeWhenDue(names, now)
      } catch (error) {
        // Another worker was first (CONFLICT on the serial key), or the store does not answer.
        if (!isHoldfastError(error, 'CONFLICT')) onError(error, null)
        this.#after(STORE_RETRY_MS, () => this.wake())
      }
    }
  }

  /** `now` is when the last look was taken: what fell due since then was not seen by it. */
  async #wakeWhenDue(names: readonly string[], now: number): Promise<void> {
    const due = await this.#store.nextDue(names, now)
    this.#cancelDue?.()
    this.#cancelDue = due === null ? null : this.#after(Math.max(0, due - this.#options.clock.now()), () => this.wake())
  }

  #carryOut(run: Run): void {
    const attempt = new Attempt(run, this.#definition(run.name), this.#world())
    if (run.cancelRequestedAt !== null) attempt.stop('cancelled')
    const finished = this.#attemptRun(attempt).finally(() => {
      // A fenced attempt ends when its run may be in a newer one's hands here.
      if (this.#attempts.get(run.id)?.attempt === attempt) this.#attempts.delete(run.id)
      this.wake()
    })
    this.#attempts.set(run.id, { attempt, finished })
  }

  async #attemptRun(attempt: Attempt): Promise<void> {
    const { run } = attempt
    try {
      attempt.signal.throwIfAborted()
      const crashes = await this.#store.crashes(run.id)
      if (crashes >= CRASHES_MAX) throw new HoldfastError('RUN_CRASHED', `It took the server down ${crashes} times.`)
      const result = await this.#definition(run.name).run(attempt)
      if (!attempt.hasEnded) await attempt.end({ status: 'done', result })
    } catch (error) {
      if (!attempt.hasEnded) await this.#settle(attempt, error)
    }
  }

  /** Decides what an error means for the run, and does it; tries again for as long as the store takes no writes. */
  async #settle(attempt: Attempt, error: unknown): Promise<void> {
    const { clock, db, onError } = this.#options
    const why = attempt.signal.reason instanceof AttemptStopped ? attempt.signal.reason.why : null
    if (why === 'fenced' || isHoldfastError(error, 'FENCED')) return
    if (why === null) onError(error, attempt.run)
    try {
      if (why === 'shutdown') await db.commit([this.#store.giveBack(attempt.run, clock.now())])
      else if (why === 'cancelled') await attempt.end({ status: 'cancelled' })
      else if (isStoreTrouble(error)) await db.commit([this.#store.giveBack(attempt.run, clock.now() + STORE_RETRY_MS)])
      else await attempt.end(failure(error))
    } catch (failed) {
      if (isHoldfastError(failed, 'FENCED') || this.#closing.signal.aborted) return
      onError(failed, attempt.run)
      await sleep(clock, STORE_RETRY_MS, this.#closing.signal).catch(() => {})
      // What closes now is taken back at the next start.
      if (!this.#closing.signal.aborted) await this.#settle(attempt, error)
    }
  }

  /** Keeps the leases of this worker, and takes over what others let go of. */
  async #tend(): Promise<void> {
    const { clock, db, worker, leaseMs, exclusive, onError } = this.#options
    try {
      if (this.#attempts.size > 0) await db.commit([this.#store.keepLeases(worker, clock.now() + leaseMs)])
      if (exclusive) return
      await this.#store.takeBack(clock.now(), false)
      this.wake()
    } catch (error) {
      onError(error, null)
    }
  }

  #definition(name: string): RunDefinition {
    const definition = this.#definitions.get(name)
    if (!definition) throw new Error(`no run is defined as "${name}"`)
    return definition
  }

  #world() {
    const { db, clock, leaseMs } = this.#options
    return { db, store: this.#store, clock, leaseMs }
  }

  #every(ms: number, task: () => Promise<void>): void {
    this.#after(ms, () => void task().finally(() => this.#state === 'open' && this.#every(ms, task)))
  }

  #after(ms: number, task: () => void): () => void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel)
      task()
    })
    this.#timers.add(cancel)
    return () => {
      this.#timers.delete(cancel)
      cancel()
    }
  }
}

// STORAGE_FULL and UNAVAILABLE say nothing about the run: it goes on when the store does.
function isStoreTrouble(error: unknown): boolean {
  return isHoldfastError(error, 'STORAGE_FULL') || isHoldfastError(error, 'UNAVAILABLE')
}

function failure(error: unknown): Outcome {
  if (error instanceof HoldfastError) return { status: 'failed', error: { code: error.code, message: error.message } }
  return { status: 'failed', error: { code: 'INTERNAL_ERROR', message: 'Something failed on our side.' } }
}

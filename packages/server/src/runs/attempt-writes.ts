import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { RunProgress } from '@holdfast/protocol/runs'
import { type Write, write } from '../db/database.ts'
import type { AttemptWorld } from './attempt.ts'
import type { Journal, RunEventInput } from './journal.ts'
import { tell } from './journal.ts'
import type { Run } from './run.ts'

export interface FencedCommit {
  /** In the order given, before whatever is told. */
  writes?: readonly Write[]
  /** Told in the run's stream, behind what waits there to be told. */
  events?: readonly RunEventInput[]
  /** A part is done: the run gets on. */
  progressed?: boolean
  /** Finds out what became of a commit whose outcome the store did not tell. */
  wasDone?: () => Promise<boolean>
}

export interface AttemptWritesOptions {
  run: Run
  world: AttemptWorld
  journal: Journal
  onFenced: () => void
  onUnsure: () => void
  /** Was told to be quiet or stalled, and this was a sign of life. */
  onHeard: (liveness: Run['liveness']) => void
}

/**
 * What an attempt writes, under its fence. What tells something goes one after the other, so that the run's stream has
 * the order in which it happened.
 */
export class AttemptWrites {
  readonly #options: AttemptWritesOptions
  #telling: Promise<unknown> = Promise.resolve()
  #progress: RunProgress | null = null
  #unsure = false

  constructor(options: AttemptWritesOptions) {
    this.#options = options
  }

  /** Stands in the run's row, and is told, with the next commit. */
  setProgress(progress: RunProgress): void {
    this.#progress = progress
  }

  get hasProgress(): boolean {
    return this.#progress !== null
  }

  async commit(commit: FencedCommit): Promise<void> {
    this.throwIfUnsure()
    const { journal } = this.#options
    const isTold = (commit.events?.length ?? 0) > 0 || !journal.isEmpty || this.#progress !== null
    if (!isTold) return this.#commit(commit)
    return this.behind(() => this.#commit(commit))
  }

  /** After whatever is still being told. */
  behind<Result>(commit: () => Promise<Result>): Promise<Result> {
    const done = this.#telling.then(commit)
    this.#telling = done.catch(() => {})
    return done
  }

  /** Hands what is still to be told to the commit that ends the attempt; what was not committed is told by another one. */
  async telling<Result>(commit: (told: RunEventInput[]) => Promise<Result>): Promise<Result> {
    const { journal } = this.#options
    const events = journal.take()
    const told = this.#progress ? [...events, this.#takeProgress()] : events
    try {
      return await commit(told)
    } catch (error) {
      if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) journal.putBack(told)
      throw error
    }
  }

  throwIfUnsure(): void {
    if (this.#unsure) throw new HoldfastError('OUTCOME_UNKNOWN', 'An earlier write of this attempt may still be done.')
  }

  #takeProgress(): RunEventInput {
    const progress = this.#progress as RunProgress
    this.#progress = null
    return { type: 'progress', progress }
  }

  async #commit({
    writes = [],
    events = [],
    progressed = false,
    wasDone = async () => false,
  }: FencedCommit): Promise<void> {
    this.throwIfUnsure()
    const { run, world, journal, onFenced, onUnsure, onHeard } = this.#options
    const progress = this.#progress
    const waiting = journal.take()
    const told = [...waiting, ...(progress ? [this.#takeProgress()] : []), ...events]
    const fence = world.store.fence(run, progressed, progress && JSON.stringify(progress))
    const all = [write(fence), ...writes, ...(told.length > 0 ? [tell(world.log, run.id, ...told)] : [])]
    try {
      const result = await this.#write(all, wasDone)
      const liveness = result?.[0]?.[0]?.[0]?.liveness as Run['liveness'] | undefined
      if (liveness !== undefined && liveness !== 'working') onHeard(liveness)
      if (progress !== null || told.length > 0) world.changed(run, progress?.percent)
    } catch (error) {
      if (isHoldfastError(error, 'FENCED')) onFenced()
      else if (isHoldfastError(error, 'OUTCOME_UNKNOWN')) {
        // It may still take effect at any time, until a newer attempt fences it off: no write of this one may follow.
        this.#unsure = true
        onUnsure()
      } else {
        journal.putBack(waiting)
        this.#progress ??= progress
      }
      throw error
    }
  }

  async #write(writes: readonly Write[], wasDone: () => Promise<boolean>) {
    try {
      return await this.#options.world.db.commit(writes)
    } catch (error) {
      if (isHoldfastError(error, 'OUTCOME_UNKNOWN') && (await wasDone().catch(() => false))) return null
      throw error
    }
  }
}

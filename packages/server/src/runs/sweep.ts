import { HoldfastError } from '@holdfast/protocol'
import { type Database, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { tell } from './journal.ts'
import type { Run } from './run.ts'
import type { Kind } from './run-looks.ts'
import type { RunStore } from './run-store.ts'
import type { Wakes } from './wakes.ts'

export interface SweepOptions {
  db: Database
  log: StreamLog
  store: RunStore
  wakes: Wakes
  clock: { now(): number }
  worker: string
  leaseMs: number
  /** This process alone uses the store: it hears of everything, and only its own trouble leaves something behind. */
  exclusive: boolean
  kinds: () => readonly Kind[]
  /** Ends a run that does not work and whose cancel is on disk. */
  endUnwanted: (run: Run) => Promise<void>
  /** Cancels a run whose parent was cancelled. */
  cancel: (run: Run) => Promise<void>
  /** No server knows its version: it waits for one. */
  onParked: (run: Run) => void
}

const PARKED_AT_ONCE = 100
// Where nobody else is whose word could be lost.
const ALONE_MS = 60_000

/**
 * Looks for whatever word was lost of, when a process opens and every few seconds: so nothing waits for ever because a
 * process died between two commits, or a node did not hear. Says by that, too, that this worker is there.
 */
export class Sweep {
  readonly #options: SweepOptions
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** Looks where that is due: whether it did. */
  async tend(): Promise<boolean> {
    const { clock, exclusive } = this.#options
    if (exclusive && clock.now() - this.#sweptAt < ALONE_MS) return false
    await this.run()
    return true
  }

  async run(): Promise<void> {
    const { db, store, wakes, clock, worker, leaseMs, exclusive, kinds, endUnwanted, cancel } = this.#options
    const seenFor = exclusive ? Math.max(leaseMs, 3 * ALONE_MS) : leaseMs
    await db.commit([store.seen(worker, kinds(), seenFor, false)])
    for (const key of await store.stuckLines()) await db.commit([write(store.promote(key))])
    for (const run of await store.unwanted(kinds())) await endUnwanted(run)
    for (const run of await store.orphans()) await cancel(run).catch(unlessMoved)
    await wakes.sweep(kinds())
    await this.#parkUnknown()
    this.#sweptAt = clock.now()
  }

  /** Runs whose version nobody knows wait for a server that does, where everybody sees it. */
  async #parkUnknown(): Promise<void> {
    const { db, log, store, onParked } = this.#options
    for (let look = 1; look <= PARKED_AT_ONCE; look += 1) {
      const unknown = await store.unknownVersions()
      if (unknown.length === 0) return
      for (const run of unknown) {
        // One that was lost while a person had paused it waits for that person first.
        const isPaused = run.pausedAt !== null
        const wait = isPaused ? ({ kind: 'paused' } as const) : ({ kind: 'version' } as const)
        const statements = [store.hold(run, isPaused), ...store.setWaits(run, [wait])]
        await db
          .commit([write(...statements), tell(log, run.id, { type: 'waiting', waits: [wait] })])
          .catch(unlessMoved)
        onParked(run)
      }
    }
  }
}

/** It stands otherwise by now: whoever moved it saw to that. */
export function unlessMoved(error: unknown): void {
  const codes = ['CONFLICT', 'FENCED', 'ALREADY_ENDED', 'STREAM_SEALED']
  if (!(error instanceof HoldfastError && codes.includes(error.code))) throw error
}

import { isHoldfastError } from '@holdfast/protocol'
import type { RunWait } from '@holdfast/protocol/runs'
import { type Database, type Statement, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import type { CommandStore } from './command-store.ts'
import { type RunEventInput, tell } from './journal.ts'
import type { LimitStore } from './limit-store.ts'
import type { Run } from './run.ts'
import type { Kind } from './run-looks.ts'
import type { RunStore } from './run-store.ts'
import type { StepStore } from './step-store.ts'

export interface WakesOptions {
  db: Database
  log: StreamLog
  store: RunStore
  steps: StepStore
  commands: CommandStore
  limits: LimitStore
  /** A run is queued again. */
  onWoken: (run: Run) => void
}

/** That it is queued, told as it stands. */
export function queuedEvent({ name, version, queue, priority }: Run): RunEventInput {
  return { type: 'queued', name, version, queue, priority }
}

/**
 * Queues runs again when what they waited for has come. Each look is at the rows as they are, and its change holds only
 * if they are still so: whoever is told twice, or at the same moment as others, does nothing twice.
 */
export class Wakes {
  readonly #options: WakesOptions

  constructor(options: WakesOptions) {
    this.#options = options
  }

  /** Queues a run that waits, as it was seen, while `holds` does; `false` where it stands otherwise by now. */
  async wake(run: Run, ...holds: Statement[]): Promise<boolean> {
    const { db, log, store, onWoken } = this.#options
    const statements = write(store.wake(run), ...holds, store.clearWaits(run))
    try {
      await db.commit([statements, tell(log, run.id, queuedEvent(run))])
    } catch (error) {
      if (isHoldfastError(error, 'CONFLICT')) return false
      throw error
    }
    onWoken({ ...run, status: 'queued' })
    return true
  }

  /** Its time has come. */
  async onTime(run: Run): Promise<void> {
    const { db, store, onWoken } = this.#options
    if (run.status === 'waiting') return void (await this.wake(run))
    await db.commit([write(store.due(run))])
    onWoken(run)
  }

  /** Whether anything it waits for has come; then it is queued. */
  async recheck(id: string): Promise<void> {
    const { store } = this.#options
    const run = await store.get(id)
    if (run?.status !== 'waiting' || run.pausedAt !== null) return
    for (const wait of await store.waits(id)) {
      if (await this.#hasCome(run, wait)) {
        await this.wake(run)
        return
      }
    }
  }

  /** As many of those who wait for a place there as there are places. */
  async recheckProvider(provider: string): Promise<void> {
    const { limits } = this.#options
    const free = await limits.free(provider)
    if (free === 0) return
    // The next step of whoever gave it back may be on its way to the store: nobody comes back for a place that is gone.
    const hasRoom = limits.hasRoom(provider)
    for (const run of await limits.waitingFor(provider, Math.min(free ?? MOST, MOST))) await this.wake(run, hasRoom)
  }

  /** Whatever waits, and word of what it waits for was lost. `kinds`: what servers that are alive know. */
  async sweep(kinds: readonly Kind[]): Promise<void> {
    const { store, limits } = this.#options
    for (const provider of await limits.waitedFor()) await this.recheckProvider(provider)
    for (const id of await store.whoseWaitIsOver()) await this.recheck(id)
    for (const run of await store.parkedByVersion(kinds)) await this.wake(run)
  }

  async #hasCome(run: Run, wait: RunWait): Promise<boolean> {
    const { store, steps, commands, limits } = this.#options
    switch (wait.kind) {
      case 'event':
        return (await commands.waiting(run.id, wait.name, 1)).length > 0
      case 'child': {
        const child = await store.get(wait.name)
        return child === null || child.endedAt !== null
      }
      case 'provider':
        return (await limits.free(wait.name)) !== 0
      case 'decision':
        return (await steps.own(run, wait.name))?.status !== 'unknown'
      default:
        // Time, and people.
        return false
    }
  }
}

// Of many who wait for one place each, looked at together.
const MOST = 100

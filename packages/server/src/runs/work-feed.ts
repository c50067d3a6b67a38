import type { Clock } from '@holdfast/protocol'
import { type RunStatus, type WorkChange, workStream } from '@holdfast/protocol/runs'
import type { Database } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'

export interface WorkFeedOptions {
  db: Database
  log: StreamLog
  clock: Clock
}

// Lists are told so often at most, and of so many runs at once.
const TELL_MS = 250
const TOLD_MOST = 200

/**
 * Tells lists of runs what changed, a few times a second whatever happens. It is word and no record: what a crash takes
 * of it is made up for by the next change, and everything stands in the runs' rows and streams.
 */
export class WorkFeed {
  readonly #options: WorkFeedOptions
  readonly #changed = new Map<string, WorkChange>()
  readonly #settings = new Map<string, { kind: 'queue' | 'provider' | 'schedule'; name: string }>()
  #more = false
  #callOff: (() => void) | null = null
  #isOpen = true

  constructor(options: WorkFeedOptions) {
    this.#options = options
  }

  changed(id: string, status: RunStatus, queue: string, percent: number | null): void {
    if (this.#changed.size < TOLD_MOST || this.#changed.has(id)) this.#changed.set(id, { id, status, queue, percent })
    else this.#more = true
    this.#tellSoon()
  }

  set(kind: 'queue' | 'provider' | 'schedule', name: string): void {
    this.#settings.set(`${kind} ${name}`, { kind, name })
    this.#tellSoon()
  }

  /** Tells what waits, and nothing more. */
  async close(): Promise<void> {
    this.#isOpen = false
    this.#callOff?.()
    await this.#tell()
  }

  #tellSoon(): void {
    if (!this.#isOpen) return
    this.#callOff ??= this.#options.clock.after(TELL_MS, () => void this.#tell())
  }

  async #tell(): Promise<void> {
    this.#callOff = null
    const runs = [...this.#changed.values()]
    const settings = [...this.#settings.values()]
    const more = this.#more
    this.#changed.clear()
    this.#settings.clear()
    this.#more = false
    if (runs.length === 0 && settings.length === 0) return
    const events = [
      ...(runs.length > 0 ? [{ type: 'runs_changed', runs, more } as const] : []),
      ...settings.map((setting) => ({ type: 'settings_changed', ...setting }) as const),
    ]
    const { db, log } = this.#options
    // While the store takes nothing there is nothing new to look at, either.
    await db.commit([log.appendEvents(workStream, {}, events)]).catch(() => {})
  }
}

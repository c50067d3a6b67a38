import type { Clock } from '@holdfast/protocol'
import type { Attempts } from './attempts.ts'
import type { RunStore } from './run-store.ts'
import type { Timers } from './timers.ts'
import type { Watch } from './watch.ts'

export interface LeasesOptions {
  store: RunStore
  attempts: Attempts
  watch: Watch
  timers: Timers
  clock: Clock
  worker: string
  leaseMs: number
  /** This process alone uses the store. */
  exclusive: boolean
  /** Runs of this worker came to light that it does not work on. */
  onLost: () => void
  /** Called now and then: what word was lost of is looked for. */
  onTended: () => Promise<void>
  onError: (error: unknown) => void
}

// How often a node looks whether its attempts are still its own and wanted: word of a cancel may be lost.
const LOOK_MS = 2_500
// A store that did not answer is asked again after this, so that leases are renewed as soon as it is back.
const RETRY_MS = 1_000

/**
 * Keeps the leases of this worker. A lease that ran out while nobody could renew it says nothing about its worker: after
 * the store was away all who live renew theirs first, and only then are runs taken over.
 */
export class Leases {
  readonly #options: LeasesOptions
  #answeredAt = Number.NEGATIVE_INFINITY

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  /** Takes back what a process of before left, and begins to tend. Fails where the store cannot be asked. */
  async open(): Promise<void> {
    const { store, watch, timers, leaseMs, exclusive } = this.#options
    if (exclusive) {
      const left = (await store.working()).filter(({ isOutside }) => !isOutside)
      await Promise.all(left.map((run) => watch.lose(run, true)))
    }
    await this.#renew()
    timers.every(leaseMs / 3, () => this.#attempt(() => this.#tend()), Math.min(RETRY_MS, leaseMs / 3))
    if (!exclusive) timers.every(LOOK_MS, () => this.#attempt(() => this.#look()))
  }

  /** Renews what is this worker's, and looks at what the others have. Never rejects. */
  async renew(): Promise<void> {
    await this.#attempt(() => this.#renew())
  }

  async #tend(): Promise<void> {
    const { attempts, exclusive, onTended } = this.#options
    if (!exclusive || attempts.size > 0) await this.#renew()
    await onTended()
  }

  async #renew(): Promise<void> {
    const { store, attempts, watch, worker } = this.#options
    const before = attempts.all()
    const working = await store.keepLeases(worker)
    attempts.follow(before, working)
    this.#answered()
    if (working.some((row) => !attempts.has(row))) this.#options.onLost()
    await watch.look()
  }

  async #look(): Promise<void> {
    const { store, attempts, worker } = this.#options
    const before = attempts.all()
    if (before.length > 0) attempts.follow(before, await store.workingOf(worker))
  }

  /**
   * A write was answered; that the store can be read says nothing, for others cannot renew by that. Between two of them
   * there was not time enough for a lease to run out, or else others are given time to renew.
   */
  #answered(): void {
    const { clock, watch, leaseMs, exclusive } = this.#options
    const now = clock.now()
    if (now - this.#answeredAt > leaseMs / 2 && !exclusive) watch.trustIn(leaseMs / 3)
    this.#answeredAt = now
  }

  async #attempt(task: () => Promise<void>): Promise<boolean> {
    try {
      await task()
      return true
    } catch (error) {
      this.#options.onError(error)
      return false
    }
  }
}

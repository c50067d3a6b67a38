import type { Clock } from '@holdfast/protocol'

// To say goodbye takes about a tenth of a millisecond; thousands whose tokens were made together would hold all others up.
const AT_A_TIME = 100
// Timers do not hear of a clock that is set, nor of a machine that slept: it is looked at this often.
const LOOK_MS = 30_000

/**
 * When what was opened with a token ends. One timer for all connections, and a set for each moment: tokens expire at
 * whole seconds, so that many share one.
 */
export class Expiries<Item> {
  readonly #clock: Clock
  readonly #onExpired: (item: Item) => void
  readonly #at = new Map<number, Set<Item>>()
  #next = Number.POSITIVE_INFINITY
  #cancel = () => {}

  constructor(clock: Clock, onExpired: (item: Item) => void) {
    this.#clock = clock
    this.#onExpired = onExpired
  }

  /** `expiresAt`: Unix ms; `null` for what never does. */
  add(item: Item, expiresAt: number | null | undefined): void {
    if (expiresAt === null || expiresAt === undefined) return
    const items = this.#at.get(expiresAt)
    if (items) items.add(item)
    else this.#at.set(expiresAt, new Set([item]))
    if (expiresAt < this.#next) this.#waitUntil(expiresAt)
  }

  /** Harmless where it is not there. */
  remove(item: Item, expiresAt: number | null | undefined): void {
    if (expiresAt === null || expiresAt === undefined) return
    const items = this.#at.get(expiresAt)
    if (!items?.delete(item) || items.size > 0) return
    this.#at.delete(expiresAt)
    if (expiresAt === this.#next) this.#wait()
  }

  #wait(): void {
    let next = Number.POSITIVE_INFINITY
    for (const moment of this.#at.keys()) next = Math.min(next, moment)
    this.#waitUntil(next)
  }

  #waitUntil(moment: number): void {
    this.#cancel()
    this.#cancel = () => {}
    this.#next = moment
    if (moment === Number.POSITIVE_INFINITY) return
    const ms = Math.min(LOOK_MS, Math.max(1, moment - this.#clock.now()))
    this.#cancel = this.#clock.after(ms, () => this.#expire(), { keepAlive: false })
  }

  #expire(): void {
    const now = this.#clock.now()
    let left = AT_A_TIME
    for (const [moment, items] of this.#at) {
      if (moment > now) continue
      for (const item of items) {
        if (left === 0) {
          this.#waitUntil(moment)
          return
        }
        left -= 1
        items.delete(item)
        this.#onExpired(item)
      }
      this.#at.delete(moment)
    }
    this.#wait()
  }
}

import type { Clock } from '@holdfast/protocol'

/** Somebody who is to be asked now and then whether they are still there. */
export interface Beating {
  beat(): void
}

export const HEARTBEAT_MS = 25_000
const SLOTS = 25

/**
 * One timer for the heartbeats of all connections. Each has its place on a wheel of 25 seconds, handed out in turn, so
 * that thousands that came at once are not asked at once.
 */
export class Heartbeats {
  readonly #clock: Clock
  readonly #slots: Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set())
  #size = 0
  #next = 0
  #now = 0
  #cancel: (() => void) | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `beating.beat()` is called every 25 seconds from here on. Answers its place, for `remove`. */
  add(beating: Beating): number {
    const place = this.#next % SLOTS
    this.#next += 1
    this.#slots[place]?.add(beating)
    this.#size += 1
    this.#cancel ??= this.#wait()
    return place
  }

  remove(beating: Beating, place: number): void {
    if (!this.#slots[place]?.delete(beating)) return
    this.#size -= 1
    if (this.#size > 0) return
    this.#cancel?.()
    this.#cancel = null
  }

  #wait(): () => void {
    return this.#clock.after(HEARTBEAT_MS / SLOTS, () => this.#turn(), { keepAlive: false })
  }

  #turn(): void {
    this.#cancel = this.#wait()
    const slot = this.#slots[this.#now % SLOTS] ?? []
    this.#now += 1
    for (const beating of slot) beating.beat()
  }
}

import type { Clock } from '@holdfast/protocol'

/** Heartbeats that may fail to come before a connection counts as silent. */
const BEATS = 2

/**
 * Notices that nothing is heard any more. It counts beats, not time: a clock that is set, or a timer that a sleeping
 * page runs late, makes nothing look silent.
 */
export class Liveness {
  readonly #clock: Clock
  readonly #onSilent: () => void
  #cancel: (() => void) | null = null
  #missed = 0

  constructor(clock: Clock, onSilent: () => void) {
    this.#clock = clock
    this.#onSilent = onSilent
  }

  /** Something was heard. */
  heard(): void {
    this.#missed = 0
  }

  /** Begins to listen; the other side says something at least this often, in ms. */
  start(beatMs: number): void {
    this.stop()
    this.#cancel = this.#clock.after(beatMs, () => {
      this.#missed += 1
      if (this.#missed > BEATS) this.#onSilent()
      else this.start(beatMs)
    })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}

import type { Clock } from '@holdfast/protocol'

/** Heartbeats that may fail to come before a connection counts as silent. */
const BEATS = 2
/** What a beat may be late by, in parts of one. */
const SPARE_PART = 0.25

/**
 * Notices that nothing is heard any more. It counts beats, not time: a clock that is set, or a timer that a sleeping
 * page runs late, makes nothing look silent.
 */
export class Liveness {
  readonly #clock: Clock
  readonly #onSilent: () => void
  #cancel: (() => void) | null = null
  /** 0 while nothing is listened to. */
  #beatMs = 0
  #missed = 0

  constructor(clock: Clock, onSilent: () => void) {
    this.#clock = clock
    this.#onSilent = onSilent
  }

  /** Something was heard: the beats are counted from here. */
  heard(): void {
    if (this.#beatMs > 0) this.start(this.#beatMs)
  }

  /** Begins to listen; the other side says something at least this often, in ms. */
  start(beatMs: number): void {
    this.#beatMs = beatMs
    this.#missed = 0
    this.#await()
  }

  stop(): void {
    this.#beatMs = 0
    this.#cancel?.()
    this.#cancel = null
  }

  #await(): void {
    this.#cancel?.()
    const wait = this.#missed < BEATS ? this.#beatMs : this.#beatMs * SPARE_PART
    this.#cancel = this.#clock.after(wait, () => {
      this.#missed += 1
      if (this.#missed > BEATS) this.#onSilent()
      else this.#await()
    })
  }
}

import { type Clock, sleep } from '@holdfast/protocol'

interface Host {
  active: number
  /** Called in turn as places come free. */
  waiting: (() => void)[]
  /** Until then nothing new is asked of it: it said so with `Retry-After`. Unix time. */
  quietUntil: number
}

/** How many requests a host gets at the same time, and when it wants none. */
export class HostGate {
  readonly #hosts = new Map<string, Host>()
  readonly #perHost: number
  readonly #clock: Clock

  constructor(perHost: number, clock: Clock) {
    this.#perHost = perHost
    this.#clock = clock
  }

  /** Waits for a place and resolves to the way to give it back. Rejects with the signal's reason. */
  async enter(host: string, signal: AbortSignal): Promise<() => void> {
    const state = this.#host(host)
    await this.#place(state, signal)
    try {
      for (let wait = state.quietUntil - this.#clock.now(); wait > 0; wait = state.quietUntil - this.#clock.now()) {
        await sleep(this.#clock, wait, signal)
      }
    } catch (error) {
      this.#leave(host, state)
      throw error
    }
    let left = false
    return () => {
      if (!left) this.#leave(host, state)
      left = true
    }
  }

  /** Nothing is asked of the host for so many milliseconds. */
  quiet(host: string, ms: number): void {
    const state = this.#host(host)
    state.quietUntil = Math.max(state.quietUntil, this.#clock.now() + ms)
  }

  #host(host: string): Host {
    const known = this.#hosts.get(host)
    if (known) return known
    const fresh: Host = { active: 0, waiting: [], quietUntil: 0 }
    this.#hosts.set(host, fresh)
    return fresh
  }

  #place(state: Host, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const take = () => {
        signal.removeEventListener('abort', onAbort)
        state.active++
        resolve()
      }
      const onAbort = () => {
        state.waiting = state.waiting.filter((waiting) => waiting !== take)
        reject(signal.reason)
      }
      if (state.active < this.#perHost) return take()
      signal.addEventListener('abort', onAbort, { once: true })
      state.waiting.push(take)
    })
  }

  #leave(host: string, state: Host): void {
    state.active--
    state.waiting.shift()?.()
    // A host nobody asks any more is forgotten, once it has no wish left.
    if (state.active === 0 && state.quietUntil <= this.#clock.now()) this.#hosts.delete(host)
  }
}

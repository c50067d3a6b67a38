import type { Clock } from '@holdfast/protocol'
import type { ClaimRequest } from './outside-work.ts'
import type { Run } from './run.ts'
import type { Candidate, Kind } from './run-looks.ts'

export interface OutsideClaimsOptions {
  clock: Clock
  onWake: (listener: () => void) => () => void
  /** The first ones that may be claimed, in their order. */
  candidates: (kinds: readonly Kind[], most: number) => Promise<Candidate[]>
  /** `null` where it cannot be had any more. */
  take: (candidate: Candidate, request: ClaimRequest) => Promise<Run | null>
  giveBack: (run: Run) => Promise<void>
}

interface Waiter {
  request: ClaimRequest
  settle: (run: Run | null) => void
  fail: (error: unknown) => void
  isOver: boolean
}

/** Whoever waits for runs of the same kinds: the first of them gets the first that comes. */
interface Line {
  waiters: Waiter[]
  looking: boolean
  again: boolean
}

// Looked at for one who waits: others claim at the same moment.
const CANDIDATES = 8
const LOOKS = 10

/**
 * Workers outside that wait for a run. However many wait for the same kinds, one look at the store serves them when
 * something falls due: the next looks only where the one before it got something.
 */
export class OutsideClaims {
  readonly #options: OutsideClaimsOptions
  readonly #lines = new Map<string, Line>()
  #stopListening: (() => void) | null = null
  #isOpen = true

  constructor(options: OutsideClaimsOptions) {
    this.#options = options
  }

  /** Resolves to a run, or to `null` after `waitMs`, when `signal` is aborted, or when nobody is served any more. */
  claim(request: ClaimRequest, waitMs: number, signal: AbortSignal): Promise<Run | null> {
    if (!this.#isOpen || signal.aborted) return Promise.resolve(null)
    if (waitMs <= 0) return this.#next(request, () => !signal.aborted)
    const key = JSON.stringify(request.kinds)
    const line = this.#lines.get(key) ?? { waiters: [], looking: false, again: false }
    this.#lines.set(key, line)
    this.#stopListening ??= this.#options.onWake(() => this.#wakeAll())
    return new Promise((resolve, reject) => {
      const leave = () => waiter.settle(null)
      const over = () => {
        waiter.isOver = true
        callOff()
        signal.removeEventListener('abort', leave)
        line.waiters = line.waiters.filter((each) => each !== waiter)
      }
      const waiter: Waiter = {
        request,
        isOver: false,
        settle: (run) => {
          if (waiter.isOver) return
          over()
          resolve(run)
        },
        fail: (error) => {
          over()
          reject(error)
        },
      }
      line.waiters.push(waiter)
      signal.addEventListener('abort', leave, { once: true })
      const callOff = this.#options.clock.after(waitMs, leave)
      void this.#look(key, line)
    })
  }

  close(): void {
    this.#isOpen = false
    this.#stopListening?.()
    for (const line of this.#lines.values()) for (const waiter of [...line.waiters]) waiter.settle(null)
    this.#lines.clear()
  }

  #wakeAll(): void {
    for (const [key, line] of this.#lines) void this.#look(key, line)
  }

  /** One look at a time; asked for meanwhile, another follows. */
  async #look(key: string, line: Line): Promise<void> {
    line.again = true
    if (line.looking) return
    line.looking = true
    try {
      while (line.again && line.waiters.length > 0) {
        line.again = false
        await this.#serve(line)
      }
    } catch (error) {
      for (const waiter of [...line.waiters]) waiter.fail(error)
    } finally {
      line.looking = false
      if (line.waiters.length === 0) this.#forget(key, line)
    }
  }

  async #serve(line: Line): Promise<void> {
    for (let first = line.waiters[0]; first; first = line.waiters[0]) {
      const { request, settle } = first
      const waiter = first
      const run = await this.#next(request, () => !waiter.isOver)
      if (run) settle(run)
      // Where the first one left meanwhile, the next has not been looked for.
      else if (!waiter.isOver) return
    }
  }

  /** The first that can be had; given back where nobody wants it any more by then. */
  async #next(request: ClaimRequest, isWanted: () => boolean): Promise<Run | null> {
    const { candidates, take, giveBack } = this.#options
    for (let looks = 0; looks < LOOKS && isWanted(); looks += 1) {
      const found = await candidates(request.kinds, CANDIDATES)
      for (const candidate of found) {
        const run = isWanted() ? await take(candidate, request) : null
        if (run && isWanted()) return run
        if (run) await giveBack(run)
      }
      // All of them were taken by others, and there are more.
      if (found.length < CANDIDATES) return null
    }
    return null
  }

  #forget(key: string, line: Line): void {
    if (this.#lines.get(key) === line) this.#lines.delete(key)
    if (this.#lines.size > 0) return
    this.#stopListening?.()
    this.#stopListening = null
  }
}

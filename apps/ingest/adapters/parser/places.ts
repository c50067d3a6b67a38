/**
 * How many files are read at the same time: `warm` as long as every file is quick, so that few processes load and
 * compile what all of them need, and one more for each file that has become slow while others wait, up to `most`. So
 * a file that hangs until its time is up holds nobody up for longer than `slowMillis`.
 */
import type { Clock } from '@holdfast/protocol'

export interface PlacesOptions {
  most: number
  warm: number
  slowMillis: number
  clock: Clock
}

/** Given back once, when its file is read. */
export interface Place {
  giveBack(): void
}

interface Reading {
  since: number
  /** Found slow: it has a place beside the warm ones. */
  isSlow: boolean
}

interface Waiting {
  start(place: Place): void
  reject(error: unknown): void
}

export class Places {
  readonly #options: PlacesOptions
  /** In the order of their start. */
  readonly #reading = new Set<Reading>()
  readonly #waiting = new Set<Waiting>()
  #slow = 0
  #cancelLook: (() => void) | null = null

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  /** Resolves when it is this call's turn, in the order of the calls; rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<Place> {
    if (this.#hasRoom) return Promise.resolve(this.#start())
    const turn = new Promise<Place>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiting)
        if (this.#waiting.size === 0) this.#stopLooking()
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        leave()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        start: (place) => {
          leave()
          resolve(place)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
    })
    this.#lookForSlow()
    return turn
  }

  /** Who waits is told the error. */
  close(error: Error): void {
    for (const waiting of this.#waiting) waiting.reject(error)
  }

  get #hasRoom(): boolean {
    const { most, warm } = this.#options
    return this.#reading.size < Math.min(most, warm + this.#slow)
  }

  #start(): Place {
    const reading: Reading = { since: this.#options.clock.now(), isSlow: false }
    this.#reading.add(reading)
    return { giveBack: () => this.#end(reading) }
  }

  #end(reading: Reading): void {
    this.#reading.delete(reading)
    if (reading.isSlow) this.#slow -= 1
    this.#startNext()
  }

  #startNext(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom) return
      waiting.start(this.#start())
    }
  }

  /** One timer while anybody waits and another place could be made, for the file that would be slow first. */
  #lookForSlow(): void {
    const { most, warm, slowMillis, clock } = this.#options
    if (this.#cancelLook || this.#waiting.size === 0 || warm + this.#slow >= most) return
    const oldest = this.#oldest()
    if (!oldest) return
    this.#cancelLook = clock.after(Math.max(0, oldest.since + slowMillis - clock.now()), () => {
      this.#cancelLook = null
      // Quick files come and go meanwhile: only what still runs can have become slow.
      const slow = this.#oldest()
      if (slow && clock.now() - slow.since >= slowMillis) {
        slow.isSlow = true
        this.#slow += 1
        this.#startNext()
      }
      this.#lookForSlow()
    })
  }

  #stopLooking(): void {
    this.#cancelLook?.()
    this.#cancelLook = null
  }

  #oldest(): Reading | undefined {
    for (const reading of this.#reading) if (!reading.isSlow) return reading
    return undefined
  }
}

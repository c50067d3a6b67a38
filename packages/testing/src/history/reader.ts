import { type Offset, parseOffset, sleep, systemClock } from '@holdfast/protocol'
import type { History, Reading } from './history.ts'
import type { Manner } from './manners/manner.ts'
import type { Place } from './place.ts'
import type { Random } from './random.ts'
import { lookAtState } from './state-watcher.ts'

export interface ReaderOptions {
  name: string
  stream: string
  /** Whether the stream has a state to join by. */
  hasState: boolean
  place: Place
  manners: readonly Manner[]
  history: History
  random: Random
  /** No more new readings: the one at hand is read to its end. */
  finishing: AbortSignal
  /** Ends it where it stands. */
  stop: AbortSignal
}

/**
 * Somebody who reads a stream as people do: changes the manner in mid-stream, is cut off, comes back with the last
 * offset, goes away and begins anew. It keeps what it was given exactly as it came; whether that is right is not for
 * it to say.
 */
export class Reader {
  readonly #options: ReaderOptions
  #reading: Reading | null = null
  #position: Offset = '-1'
  #isAtEnd = false

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  get stream(): string {
    return this.#options.stream
  }

  get position(): Offset {
    return this.#position
  }

  /** Whether it was told that the stream ended. */
  get isAtEnd(): boolean {
    return this.#isAtEnd
  }

  /** Resolves when it was stopped, or has read a sealed stream to its end while finishing. */
  async run(): Promise<void> {
    const { random, stop, finishing } = this.#options
    let failures = 0
    while (!stop.aborted) {
      if (finishing.aborted && !this.#reading && this.#isAtEnd) return
      const reading = this.#reading ?? (await this.#begin())
      const before = reading?.deliveries.length ?? 0
      const end = reading ? await this.#follow(reading) : 'lost'
      if (end === 'refused') return
      if (reading && (end === 'sealed' || (random.chance(0.15) && !finishing.aborted))) {
        reading.left = end !== 'sealed'
        this.#reading = null
        // It stands nowhere until it begins anew.
        if (reading.left) this.#position = ''
      }
      // The end of a sealed stream is read again and again, and not as fast as can be.
      if (end === 'sealed') await sleep(systemClock, random.int(100, 300), stop).catch(() => {})
      failures = reading && reading.deliveries.length > before ? 0 : failures + 1
      await sleep(systemClock, random.int(0, Math.min(150, 5 * 2 ** failures)), stop).catch(() => {})
    }
  }

  /** Begins at the start, at the tail, or where the state is of. */
  async #begin(): Promise<Reading | null> {
    const { random, hasState, history, name, stream, manners } = this.#options
    this.#isAtEnd = false
    const words =
      hasState && manners.some(({ knowsState }) => knowsState) ? ['-1', 'now', 'state'] : ['-1', '-1', 'now']
    const from = hasState && random.chance(0.3) ? await lookAtState(this.#options) : random.pick(words)
    if (from === null) return null
    this.#position = from
    this.#reading = history.begin(name, stream, from)
    return this.#reading
  }

  async #follow(reading: Reading) {
    const { place, stream, history, name, random, manners, stop } = this.#options
    const from = this.#position
    const manner = random.pick(manners.filter(({ knowsState }) => from !== 'state' || knowsState))
    const leave = new AbortController()
    // It changes the manner after some time, or after some deliveries; now and then it sits through an outage.
    const sits = random.chance(0.3)
    const cancel = systemClock.after(sits ? random.int(1000, 8000) : random.int(20, 500), () => leave.abort())
    let left = sits ? random.int(50, 1000) : random.int(1, 12)
    const signal = AbortSignal.any([stop, leave.signal])
    const byEventId = parseOffset(from) !== null && random.chance(0.5)
    const end = await manner.follow({
      ...{ place, history, stream, from, byEventId, signal, reader: name, manner: manner.name },
      take: (delivery) => {
        if (signal.aborted) return
        reading.deliveries.push({ manner: manner.name, ...delivery })
        this.#position = delivery.offset
        this.#isAtEnd = delivery.sealed
        left -= 1
        if (left <= 0 && !delivery.sealed) leave.abort()
      },
    })
    cancel()
    // What came after it had turned away it has not seen, the end included.
    return this.#isAtEnd ? 'sealed' : end === 'sealed' ? 'lost' : end
  }
}

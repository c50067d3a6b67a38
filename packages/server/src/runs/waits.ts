import type { Clock } from '@holdfast/protocol'
import type { RunWait } from '@holdfast/protocol/runs'

/** Something an attempt cannot go on without. */
interface Wait<Found> {
  wait: RunWait
  /** When it is over by time, on the attempt's clock; `null`: never. */
  until: number | null
  /** Looks whether it has come; `undefined` while it has not. */
  look: () => Promise<Found | undefined>
}

interface Entry {
  wait: RunWait
  until: number | null
  look: () => Promise<boolean>
  fail: (error: unknown) => void
  looking: boolean
  again: boolean
}

export interface WaitsOptions {
  clock: Clock
  /** The attempt gives its worker free, all of it waiting for these. Whether it did; CONFLICT: something has come. */
  suspend: (waits: readonly RunWait[], until: number | null) => Promise<boolean>
}

// What is over so soon is waited for here: coming back through all the steps would take longer.
const SOON_MS = 2_000

/**
 * What an attempt waits for. As long as some step of it works, or what it waits for comes soon, it waits here; once all
 * of it waits it gives its worker free.
 */
export class Waits {
  readonly #options: WaitsOptions
  readonly #entries = new Set<Entry>()
  #active = 0
  #awaited = false
  #callOff: (() => void) | null = null
  #isOver = false

  constructor(options: WaitsOptions) {
    this.#options = options
  }

  /** While `work` goes on the attempt does not give its worker free. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#active += 1
    try {
      return await work()
    } finally {
      this.#active -= 1
      this.#settleSoon()
    }
  }

  /** Resolves with what was found. Rejects when the attempt gives its worker free, or is stopped. */
  async until<Found>({ wait, until, look }: Wait<Found>): Promise<Found> {
    const found = await look()
    if (found !== undefined) return found
    const { promise, resolve, reject } = Promise.withResolvers<Found>()
    const entry: Entry = {
      wait,
      until,
      look: async () => {
        const found = await look()
        if (found !== undefined) resolve(found)
        return found !== undefined
      },
      fail: reject,
      looking: false,
      again: false,
    }
    if (this.#isOver) throw new Error('the attempt is over')
    this.#entries.add(entry)
    this.#settleSoon()
    try {
      return await promise
    } finally {
      this.#entries.delete(entry)
    }
  }

  /** Something may have come. Cheap, at any time. */
  nudge(): void {
    for (const entry of [...this.#entries]) void this.#look(entry)
  }

  /** Nothing is waited for any more. */
  fail(error: unknown): void {
    this.#isOver = true
    this.#callOff?.()
    for (const entry of this.#entries) entry.fail(error)
    this.#entries.clear()
  }

  /** A place at that provider is free: resolves when whoever waits for one has looked. */
  async nudgeProvider(provider: string): Promise<void> {
    const waiting = [...this.#entries].filter(({ wait }) => wait.kind === 'provider' && wait.name === provider)
    for (const entry of waiting) await this.#look(entry)
  }

  /** One look at a time; what is asked for meanwhile brings another. */
  async #look(entry: Entry): Promise<void> {
    entry.again = true
    if (entry.looking) return
    entry.looking = true
    try {
      while (entry.again && this.#entries.has(entry)) {
        entry.again = false
        await this.during(entry.look)
      }
    } catch (error) {
      entry.fail(error)
    } finally {
      entry.looking = false
    }
  }

  /** Once whatever goes on at this moment has come to rest. */
  #settleSoon(): void {
    if (this.#awaited || this.#isOver || this.#entries.size === 0) return
    this.#awaited = true
    setImmediate(() => {
      this.#awaited = false
      void this.#settle()
    })
  }

  async #settle(): Promise<void> {
    if (this.#isOver || this.#entries.size === 0) return
    const { clock, suspend } = this.#options
    const times = [...this.#entries].flatMap(({ until }) => (until === null ? [] : [until]))
    const first = times.length > 0 ? Math.min(...times) : null
    this.#callOff?.()
    this.#callOff = null
    if (first !== null && (this.#active > 0 || first - clock.now() <= SOON_MS)) {
      this.#callOff = clock.after(Math.max(0, first - clock.now()), () => this.nudge())
      if (first - clock.now() <= SOON_MS) return
    }
    if (this.#active > 0) return
    const suspended = await this.during(() => suspend(distinct(this.#entries), first)).catch((error) => {
      this.fail(error)
      return true
    })
    if (!suspended) this.nudge()
  }
}

/** What several places of the code wait for is waited for once; each of them looks for itself when the code comes back. */
function distinct(entries: Iterable<Entry>): RunWait[] {
  const waits = new Map<string, RunWait>()
  for (const { wait } of entries) {
    const key = `${wait.kind} ${'name' in wait ? wait.name : ''}`
    if (!waits.has(key)) waits.set(key, wait)
  }
  return [...waits.values()]
}

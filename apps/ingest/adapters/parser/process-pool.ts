/** The parsing processes: started when one is asked for and none is idle, ended when there is nothing to do for them. */
import { ParserProcess, type ProcessOptions } from './parser-process.ts'

/** Idle for longer than this, a process beyond the warm ones is ended; it was for files behind a slow one. */
const SPARE_IDLE_MS = 3_000
/** The same for the last ones: an ingestion's pauses are shorter, and the next ingestion is a matter of chance. */
const IDLE_MS = 30_000

interface Idle {
  process: ParserProcess
  since: number
}

export class ProcessPool {
  readonly #options: ProcessOptions
  readonly #warm: number
  /** Usable and without a task; the one used last is taken first, so that few stay when there is little to do. */
  readonly #idle: Idle[] = []
  readonly #processes = new Set<ParserProcess>()
  #cancelSweep: (() => void) | null = null

  /** `warm`: how many are kept over short pauses. */
  constructor(options: ProcessOptions, warm: number) {
    this.#options = options
    this.#warm = warm
  }

  take(): ParserProcess {
    const process = this.#takeIdle() ?? this.#start()
    if (this.#idle.length === 0) this.#stopSweeping()
    return process
  }

  putBack(process: ParserProcess): void {
    this.#idle.push({ process, since: this.#options.clock.now() })
    this.#sweepLater()
  }

  /** Kills all of them; resolves when they are gone. */
  async close(): Promise<void> {
    this.#stopSweeping()
    const processes = [...this.#processes]
    for (const process of processes) process.kill()
    await Promise.all(processes.map((process) => process.closed))
  }

  #takeIdle(): ParserProcess | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.process.isUsable) return idle.process
    }
    return undefined
  }

  #start(): ParserProcess {
    const process = new ParserProcess(this.#options)
    this.#processes.add(process)
    void process.closed.then(() => this.#processes.delete(process))
    return process
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.after(SPARE_IDLE_MS, () => this.#sweep(), { keepAlive: false })
  }

  #sweep(): void {
    this.#cancelSweep = null
    const now = this.#options.clock.now()
    // The ones idle for longest stand first.
    for (let first = this.#idle[0]; first; first = this.#idle[0]) {
      if (now - first.since < (this.#usable > this.#warm ? SPARE_IDLE_MS : IDLE_MS)) break
      this.#idle.shift()
      first.process.kill()
    }
    if (this.#idle.length > 0) this.#sweepLater()
  }

  get #usable(): number {
    let count = 0
    for (const { isUsable } of this.#processes) count += isUsable ? 1 : 0
    return count
  }

  #stopSweeping(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = null
  }
}

/**
 * The parser of strangers' files: every file is read in a process apart from the server, under caps of time and
 * memory. A pool of such processes is started as work comes; what a file does to its process it does to no other.
 *
 * ```ts
 * const parser = createProcessParser({ concurrency: 2 })
 * const probe = await parser.probe('/inbox/report.pdf', signal)
 * ```
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { type Clock, HoldfastError, systemClock } from '@holdfast/protocol'
import type { Chunk, Extraction, FileType, Parser, Probe, Rejection } from '../../ports.ts'
import type { Task, TaskResult } from './messages.ts'
import { type Outcome, ParserProcess, type ProcessOptions } from './parser-process.ts'

/** Changes whenever the same file would give other passages. */
export const PARSER_VERSION = 'p1'

export interface ProcessParserOptions {
  /** Processes that read at the same time. Default 2. */
  concurrency?: number
  /** Bytes; a larger file is TOO_LARGE. Default 64 MiB. */
  maxFileBytes?: number
  /** Milliseconds for one call on one file, time spent in `onBatch` not counted. Default 60 000. */
  maxMillis?: number
  /** Bytes of resident memory of one process. Default 300 MB. */
  maxRssBytes?: number
  /** A process is replaced after this many calls. Default 2000. */
  recycleAfterFiles?: number
  /** A process is replaced when it holds more than this after a call, bytes. Default 150 MB. */
  recycleRssBytes?: number
  /** Folder for Node's compile cache, owned by the server alone: halves a process's start and saves it 15 MB. */
  compileCache?: string
  clock?: Clock
  /** Names of partial files. Default: random. */
  newId?: () => string
  /** The program of the processes. */
  entry?: URL
}

/** Starts nothing until the first call. `close` kills what runs; calls that wait or run then reject. */
export function createProcessParser(options: ProcessParserOptions = {}): Parser {
  return new ProcessParser(options)
}

interface Waiting {
  start(): void
  reject(error: unknown): void
}

class ProcessParser implements Parser {
  readonly version = PARSER_VERSION
  readonly concurrency: number
  readonly #maxFileBytes: number
  readonly #newId: () => string
  readonly #processOptions: ProcessOptions
  /** Usable and without a task; the one used last is taken first, so that few stay warm when there is little to do. */
  readonly #idle: ParserProcess[] = []
  readonly #processes = new Set<ParserProcess>()
  readonly #waiting = new Set<Waiting>()
  #active = 0
  #isClosed = false

  constructor(options: ProcessParserOptions) {
    this.concurrency = options.concurrency ?? 2
    this.#maxFileBytes = options.maxFileBytes ?? 64 * 1024 * 1024
    this.#newId = options.newId ?? randomUUID
    this.#processOptions = {
      clock: options.clock ?? systemClock,
      entry: options.entry ?? new URL('./child.ts', import.meta.url),
      maxMillis: options.maxMillis ?? 60_000,
      maxRssBytes: options.maxRssBytes ?? 300e6,
      recycleAfterFiles: options.recycleAfterFiles ?? 2000,
      recycleRssBytes: options.recycleRssBytes ?? 150e6,
      compileCache: options.compileCache,
    }
  }

  probe(file: string, signal: AbortSignal): Promise<Probe | Rejection> {
    return this.#perform({ kind: 'probe', file, maxFileBytes: this.#maxFileBytes }, signal) as Promise<
      Probe | Rejection
    >
  }

  async extract(file: string, type: FileType, output: string, signal: AbortSignal): Promise<Extraction | Rejection> {
    const partial = `${output}.${this.#newId()}.partial`
    const task: Task = { kind: 'extract', file, type, output, partial, maxFileBytes: this.#maxFileBytes }
    return this.#perform(task, signal) as Promise<Extraction | Rejection>
  }

  chunk(
    document: string,
    onBatch: (chunks: Chunk[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number | Rejection> {
    return this.#perform({ kind: 'chunk', document }, signal, onBatch) as Promise<number | Rejection>
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const error = closedError()
    for (const waiting of this.#waiting) waiting.reject(error)
    this.#waiting.clear()
    const processes = [...this.#processes]
    for (const process of processes) process.kill()
    await Promise.all(processes.map((process) => process.closed))
  }

  async #perform(task: Task, signal: AbortSignal, onBatch?: (chunks: Chunk[]) => Promise<void>): Promise<TaskResult> {
    signal.throwIfAborted()
    await this.#turn(signal)
    if (signal.aborted || this.#isClosed) {
      this.#passTurn()
      throw this.#isClosed ? closedError() : signal.reason
    }
    const process = this.#takeProcess()
    const outcome = await this.#watch(process, process.run(task, onBatch), task, signal)
    if (this.#isClosed) throw closedError()
    if ('result' in outcome) return outcome.result
    if ('error' in outcome) throw outcome.error
    const { code, message } = outcome.outputFailed
    throw new HoldfastError(code === 'ENOSPC' || code === 'EDQUOT' ? 'STORAGE_FULL' : 'INTERNAL_ERROR', message)
  }

  /** The outcome, or the signal's reason as soon as it is aborted: the process is killed and nobody waits for it. */
  async #watch(process: ParserProcess, running: Promise<Outcome>, task: Task, signal: AbortSignal): Promise<Outcome> {
    const aborted = new Promise<Outcome>((resolve) => {
      const onAbort = () => {
        process.kill()
        resolve({ error: signal.reason })
      }
      signal.addEventListener('abort', onAbort, { once: true })
      void running.finally(() => signal.removeEventListener('abort', onAbort))
    })
    void running.then(() => this.#release(process, task))
    return Promise.race([running, aborted])
  }

  /** Resolves when this call may use a process. */
  #turn(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#active < this.concurrency) {
      this.#active += 1
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        leave()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        start: () => {
          leave()
          resolve()
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
    })
  }

  #takeProcess(): ParserProcess {
    for (let process = this.#idle.pop(); process; process = this.#idle.pop()) {
      if (process.isUsable) return process
    }
    const process = new ParserProcess(this.#processOptions)
    this.#processes.add(process)
    void process.closed.then(() => this.#processes.delete(process))
    return process
  }

  /** Gives the place on: at once where the process goes on, else when it has gone and its memory with it. */
  async #release(process: ParserProcess, task: Task): Promise<void> {
    if (process.isUsable) this.#idle.push(process)
    else {
      await process.closed
      if (task.kind === 'extract') await rm(task.partial, { force: true }).catch(() => {})
    }
    this.#passTurn()
  }

  #passTurn(): void {
    this.#active -= 1
    const [next] = this.#waiting
    if (!next) return
    this.#active += 1
    next.start()
  }
}

function closedError(): HoldfastError {
  return new HoldfastError('UNAVAILABLE', 'The parser is closed.')
}

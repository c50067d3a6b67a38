/**
 * The parser of strangers' files: every file is read in a process apart from the server, under caps of time and
 * memory. What a file does to its process it does to no other; places.ts says when another process is started.
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
import type { Outcome, ParserProcess, ProcessOptions } from './parser-process.ts'
import { type Place, Places } from './places.ts'
import { ProcessPool } from './process-pool.ts'

/** Changes whenever the same file would give other passages. */
export const PARSER_VERSION = 'p1'

export interface ProcessParserOptions {
  /** Processes that read at the same time, at most. Default 3. */
  concurrency?: number
  /**
   * How many of them read as long as no file is slow; the others stand by for files that wait behind a slow one. More
   * than one is faster on a machine with cores to spare, and takes up to 200 MB each. Default 1.
   */
  warm?: number
  /** A file that has been read for longer than this, in milliseconds, is slow. Default 3000. */
  slowMillis?: number
  /** Bytes; a larger file is TOO_LARGE. Default 64 MiB. */
  maxFileBytes?: number
  /** Milliseconds for one call on one file, time spent in `onBatch` not counted. Default 60 000. */
  maxMillis?: number
  /** Bytes of resident memory of one process. Default 300 MB. */
  maxRssBytes?: number
  /** A process is replaced after this many calls. Default 20 000. */
  recycleAfterFiles?: number
  /** A process is replaced when it holds more than this after a call, bytes. Default 210 MB. */
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

class ProcessParser implements Parser {
  readonly version = PARSER_VERSION
  readonly concurrency: number
  readonly #maxFileBytes: number
  readonly #newId: () => string
  readonly #pool: ProcessPool
  readonly #places: Places
  #isClosed = false

  constructor(options: ProcessParserOptions) {
    const { concurrency = 3, warm = 1, slowMillis = 3000, clock = systemClock } = options
    this.concurrency = concurrency
    this.#maxFileBytes = options.maxFileBytes ?? 64 * 1024 * 1024
    this.#newId = options.newId ?? randomUUID
    this.#places = new Places({ most: concurrency, warm: Math.min(warm, concurrency), slowMillis, clock })
    this.#pool = new ProcessPool(processOptions(options, clock), Math.min(warm, concurrency))
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
    this.#places.close(closedError())
    await this.#pool.close()
  }

  async #perform(task: Task, signal: AbortSignal, onBatch?: (chunks: Chunk[]) => Promise<void>): Promise<TaskResult> {
    signal.throwIfAborted()
    if (this.#isClosed) throw closedError()
    const place = await this.#places.take(signal)
    if (signal.aborted || this.#isClosed) {
      place.giveBack()
      throw this.#isClosed ? closedError() : signal.reason
    }
    const process = this.#pool.take()
    const running = process.run(task, onBatch)
    void running.then(() => this.#release(process, task, place))
    const outcome = await orAborted(process, running, signal)
    if (this.#isClosed) throw closedError()
    if ('result' in outcome) return outcome.result
    if ('error' in outcome) throw outcome.error
    const { code, message } = outcome.outputFailed
    throw new HoldfastError(code === 'ENOSPC' || code === 'EDQUOT' ? 'STORAGE_FULL' : 'INTERNAL_ERROR', message)
  }

  /** Gives the place on: at once where the process goes on, else when it has gone and its memory with it. */
  async #release(process: ParserProcess, task: Task, place: Place): Promise<void> {
    if (process.isUsable) this.#pool.putBack(process)
    else {
      await process.closed
      if (task.kind === 'extract') await rm(task.partial, { force: true }).catch(() => {})
    }
    place.giveBack()
  }
}

/** The outcome, or the signal's reason as soon as it is aborted: the process is killed and nobody waits for it. */
function orAborted(process: ParserProcess, running: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  const aborted = new Promise<Outcome>((resolve) => {
    const onAbort = () => {
      process.kill()
      resolve({ error: signal.reason })
    }
    signal.addEventListener('abort', onAbort, { once: true })
    void running.finally(() => signal.removeEventListener('abort', onAbort))
  })
  return Promise.race([running, aborted])
}

function processOptions(options: ProcessParserOptions, clock: Clock): ProcessOptions {
  return {
    clock,
    entry: options.entry ?? new URL('./child.ts', import.meta.url),
    maxMillis: options.maxMillis ?? 60_000,
    maxRssBytes: options.maxRssBytes ?? 300e6,
    recycleAfterFiles: options.recycleAfterFiles ?? 20_000,
    recycleRssBytes: options.recycleRssBytes ?? 210e6,
    compileCache: options.compileCache,
  }
}

function closedError(): HoldfastError {
  return new HoldfastError('UNAVAILABLE', 'The parser is closed.')
}

/**
 * One parsing process as the server sees it: started for its first task, given one task at a time, ended with
 * SIGKILL where it has to end (what it reads may have it in a loop, so it is not asked). How it died says what
 * became of its task.
 */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Clock } from '@holdfast/protocol'
import type { Chunk, Rejection } from '../../ports.ts'
import { type Command, MEMORY_MARKER, type Report, type Task, type TaskResult } from './messages.ts'

export interface ProcessOptions {
  clock: Clock
  entry: URL
  maxMillis: number
  maxRssBytes: number
  recycleAfterFiles: number
  recycleRssBytes: number
  /** Folder where Node keeps compiled code; without it every process strips and compiles the sources anew. */
  compileCache: string | undefined
}

/** What came of a task in its process. */
export type Outcome = { result: TaskResult } | { error: unknown } | { outputFailed: { code: string; message: string } }

interface Running {
  id: number
  settle(outcome: Outcome): void
  onBatch: ((chunks: Chunk[]) => Promise<void>) | undefined
  cancelTimer: () => void
  /** Milliseconds of the time cap used up before the timer that runs now. */
  spent: number
  timerStartedAt: number
}

/** What a killed process was killed for; decides its task's outcome. */
type KillReason = { rejection: Rejection } | null

/** The end of what a process wrote to standard error: enough for the line that tells why it died. */
const STDERR_KEPT = 8192

export class ParserProcess {
  readonly #options: ProcessOptions
  readonly #child: ChildProcess
  readonly #closed: Promise<void>
  #running: Running | null = null
  #taskId = 0
  #files = 0
  #stderr = ''
  #killedFor: KillReason = null
  #isUsable = true

  constructor(options: ProcessOptions) {
    this.#options = options
    this.#child = start(options)
    this.#child.on('message', (report: Report) => void this.#onReport(report))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
    })
    this.#closed = new Promise((resolve) => {
      // `close`, not `exit`: by then what it wrote last has arrived, and its files are closed.
      this.#child.once('close', (code, signal) => resolve(this.#onClose(code, signal)))
      this.#child.on('error', (error) => {
        this.#isUsable = false
        // It never started: no `close` will follow.
        if (this.#child.pid === undefined) resolve(this.#finish({ result: crashed(error.message) }))
      })
    })
    unref(this.#child)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it may be given another task. */
  get isUsable(): boolean {
    return this.#isUsable && this.#child.connected
  }

  /** Resolves when the process is gone. */
  get closed(): Promise<void> {
    return this.#closed
  }

  run(task: Task, onBatch?: (chunks: Chunk[]) => Promise<void>): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#taskId += 1
      this.#files += 1
      this.#running = {
        id: this.#taskId,
        settle: resolve,
        onBatch,
        cancelTimer: () => {},
        spent: 0,
        timerStartedAt: 0,
      }
      this.#startTimer(this.#running)
      this.#send({ type: 'task', id: this.#taskId, task })
    })
  }

  /** Ends it at once, busy or idle. A task that still runs is answered with `rejection`. */
  kill(rejection: Rejection = { rejected: 'PARSER_CRASHED' }): void {
    this.#killedFor ??= { rejection }
    this.#isUsable = false
    // Somebody may wait for its end, which is near: that much keeps the server's loop running.
    this.#child.ref()
    stderrOf(this.#child)?.ref()
    this.#child.kill('SIGKILL')
  }

  async #onReport(report: Report): Promise<void> {
    const running = this.#running
    if (running?.id !== report.id) return
    if (report.type === 'batch') return this.#passOn(running, report.chunks)
    if (report.type === 'output_failed') return this.#finish({ outputFailed: report })
    const { recycleAfterFiles, recycleRssBytes } = this.#options
    if (report.tainted || report.rss > recycleRssBytes || this.#files >= recycleAfterFiles) this.kill()
    this.#finish({ result: report.result })
  }

  /** The process waits meanwhile, and the time its reader takes is not counted against the file. */
  async #passOn(running: Running, chunks: Chunk[]): Promise<void> {
    this.#stopTimer(running)
    try {
      await running.onBatch?.(chunks)
    } catch (error) {
      // It waits for an answer that will not come.
      this.kill()
      return this.#finish({ error })
    }
    if (this.#running !== running) return
    this.#startTimer(running)
    this.#send({ type: 'next', id: running.id })
  }

  #onClose(code: number | null, signal: NodeJS.Signals | null): void {
    this.#isUsable = false
    if (this.#running) this.#finish({ result: this.#killedFor?.rejection ?? this.#deathOf(code, signal) })
  }

  #deathOf(code: number | null, signal: NodeJS.Signals | null): Rejection {
    if (this.#stderr.includes(MEMORY_MARKER) || /heap out of memory|allocation failed/i.test(this.#stderr)) {
      return { rejected: 'MEMORY_LIMIT' }
    }
    return crashed(signal ? `It ended with ${signal}.` : `It ended with exit code ${code}.`)
  }

  #finish(outcome: Outcome): void {
    const running = this.#running
    if (!running) return
    this.#running = null
    this.#stopTimer(running)
    running.settle(outcome)
  }

  #startTimer(running: Running): void {
    const { clock, maxMillis } = this.#options
    running.timerStartedAt = clock.now()
    running.cancelTimer = clock.after(Math.max(0, maxMillis - running.spent), () => {
      this.kill({ rejected: 'TIMEOUT', detail: `Over ${Math.round(maxMillis / 1000)} s.` })
    })
  }

  #stopTimer(running: Running): void {
    running.cancelTimer()
    running.spent += this.#options.clock.now() - running.timerStartedAt
  }

  #send(command: Command): void {
    // A failed send means that the process is going; `close` settles the task.
    this.#child.send(command, () => {})
  }
}

/**
 * Measured on 300 and on 1500 mixed files. What a process reads it reads once: the last tier of optimisation costs
 * more than it gives back (a quarter of the time over 300 files, the grammars' WASM above all, and 70 MB), and with
 * garbage let grow to several times what lives (15 to 30 MB) a process takes 60 MB more for no gain in time.
 */
const V8_FLAGS = ['--no-turbofan', '--liftoff-only', '--heap-growing-percent=60', '--max-semi-space-size=8']

function crashed(detail: string): Rejection {
  return { rejected: 'PARSER_CRASHED', detail }
}

function start({ entry, maxRssBytes, compileCache }: ProcessOptions): ChildProcess {
  const megabytes = Math.floor(maxRssBytes / 1e6)
  return fork(fileURLToPath(entry), [String(maxRssBytes)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // The heap's own limit lies below the cap, so that it collects harder before the watchdog has to act.
    execArgv: [`--max-old-space-size=${Math.floor(megabytes * 0.7)}`, ...V8_FLAGS, '--no-warnings'],
    env: childEnvironment(compileCache),
    // In a group of its own: a Ctrl-C in the server's terminal is not for it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  } as Parameters<typeof fork>[2] & object)
}

/** No secret of the server's environment reaches a process that reads strangers' files. */
function childEnvironment(compileCache: string | undefined): NodeJS.ProcessEnv {
  // glibc gives each thread an arena of its own and keeps what was freed in them: tens of megabytes of nothing.
  const env: NodeJS.ProcessEnv = { MALLOC_ARENA_MAX: '1' }
  // Windows programs do not start without them.
  for (const name of ['SystemRoot', 'TEMP', 'TMP']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  if (compileCache !== undefined) env.NODE_COMPILE_CACHE = compileCache
  return env
}

/** An idle process does not keep the server running; while one works, the timer of its cap does. */
function unref(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
  stderrOf(child)?.unref()
}

/** It is a socket, which the types of `ChildProcess` do not say. */
function stderrOf(child: ChildProcess): Socket | null {
  return child.stderr as Socket | null
}

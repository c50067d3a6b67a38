/**
 * The inside of a parsing process: takes one task after the other from its parent, under the eyes of a watchdog, and
 * ends when the parent goes away.
 */
import { flushCompileCache } from 'node:module'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import type { Chunk } from '../../ports.ts'
import { ASLEEP_FLAG, BUSY_FLAG, type Command, type Report, type Task, type TaskResult } from './messages.ts'
import { OutputError } from './output.ts'
import type { WatchdogData } from './watchdog.ts'

/** Does a task. `onBatch` resolves when the parent wants more. What it throws ends its process, not the server. */
export type Handler = (task: Task, onBatch: (chunks: Chunk[]) => Promise<void>) => Promise<TaskResult>

/** Called once, by the program of the process, whose first argument is its memory cap in bytes. */
export function serveTasks(handle: Handler): void {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const loaded = new Set<string>()
  let tainted = false
  let next: { id: number; resolve: () => void } | null = null

  startWatchdog(flags)
  process.on('disconnect', () => process.exit(0))
  // A Ctrl-C, or a stop of the whole service, reaches this process too; when to end is for the server to say.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // A library may leave a promise behind that fails after its call was answered. That is not the next file's fault.
  process.on('unhandledRejection', () => {
    tainted = true
  })
  process.on('message', (command: Command) => {
    if (command.type === 'task') void run(command.id, command.task)
    else if (next?.id === command.id) next.resolve()
  })

  async function run(id: number, task: Task): Promise<void> {
    Atomics.store(flags, BUSY_FLAG, 1)
    if (Atomics.load(flags, ASLEEP_FLAG) === 1) Atomics.notify(flags, BUSY_FLAG)
    const report = await perform(id, task)
    Atomics.store(flags, BUSY_FLAG, 0)
    tell(report)
    // It may be killed at any moment: what was compiled for its first task of a kind is stored right after that.
    const libraries = task.kind === 'extract' ? task.type : task.kind
    if (!loaded.has(libraries)) flushCompileCache()
    loaded.add(libraries)
  }

  async function perform(id: number, task: Task): Promise<Report> {
    try {
      const result = await handle(task, (chunks) => {
        tell({ type: 'batch', id, chunks })
        return new Promise((resolve) => {
          next = { id, resolve }
        })
      })
      return { type: 'result', id, result, rss: process.memoryUsage.rss(), tainted }
    } catch (error) {
      if (error instanceof OutputError) return { type: 'output_failed', id, code: error.code, message: error.message }
      // An error nobody foresaw may have left a library half way: the process is not used again.
      return { type: 'result', id, result: unforeseen(error), rss: process.memoryUsage.rss(), tainted: true }
    }
  }
}

function unforeseen(error: unknown): TaskResult {
  const message = error instanceof Error ? error.message : String(error)
  const memory =
    error instanceof RangeError && /allocation failed|invalid (string|array|typed array) length/i.test(message)
  if (memory || (error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG') return { rejected: 'MEMORY_LIMIT' }
  return { rejected: 'PARSER_CRASHED', detail: message.slice(0, 300) }
}

function tell(report: Report): void {
  if (process.connected) process.send?.(report)
}

function startWatchdog(flags: Int32Array<SharedArrayBuffer>): void {
  const workerData: WatchdogData = {
    flags: flags.buffer,
    maxRssBytes: Number(process.argv[2]),
    parentPid: process.ppid,
  }
  const watchdog = new Worker(new URL('./watchdog.ts', import.meta.url), {
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, codeRangeSizeMb: 4 },
  })
  watchdog.unref()
  // Without its watchdog a process would read on without a cap.
  watchdog.on('exit', () => process.exit(70))
}

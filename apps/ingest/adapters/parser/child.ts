/**
 * The program of a parsing process: takes one task after the other from its parent, and ends when the parent goes
 * away. It trusts nothing it reads; what it cannot handle ends the process, and only the process.
 */
import { flushCompileCache } from 'node:module'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import type { Command, Report, Task, TaskResult } from './messages.ts'
import { OutputError } from './output.ts'
import type { WatchdogData } from './watchdog.ts'

const send = process.send?.bind(process)
if (!send) throw new Error('This program is started by the server, with a channel to it.')

const busy = new Int32Array(new SharedArrayBuffer(4))
let tainted = false
const loaded = new Set<string>()
let next: { id: number; resolve: () => void } | null = null

startWatchdog()
process.on('disconnect', () => process.exit(0))
// A Ctrl-C, or a stop of the whole service, reaches this process too; when to end is for the server to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('message', (command: Command) => {
  if (command.type === 'task') void run(command.id, command.task)
  else if (next?.id === command.id) next.resolve()
})
// A library may leave a promise behind that fails after its call has been answered. That is not the next file's fault.
process.on('unhandledRejection', () => {
  tainted = true
})

async function run(id: number, task: Task): Promise<void> {
  setBusy(1)
  const report = await perform(id, task)
  setBusy(0)
  tell(report)
  keepCompiled(task)
}

async function perform(id: number, task: Task): Promise<Report> {
  try {
    const result = await handle(id, task)
    return { type: 'result', id, result, rss: process.memoryUsage.rss(), tainted }
  } catch (error) {
    if (error instanceof OutputError) return { type: 'output_failed', id, code: error.code, message: error.message }
    // An error nobody foresaw may have left a library half way: the process is not used again.
    return { type: 'result', id, result: unforeseen(error), rss: process.memoryUsage.rss(), tainted: true }
  }
}

/** Libraries are loaded by the task that first needs them: an idle process stays small. */
async function handle(id: number, task: Task): Promise<TaskResult> {
  switch (task.kind) {
    case 'probe':
      return (await import('./probe.ts')).probe(task.file, task.maxFileBytes)
    case 'extract':
      return (await import('./extract.ts')).extract(task)
    case 'chunk': {
      const { chunkDocument } = await import('./chunk.ts')
      return chunkDocument(task.document, (chunks) => {
        tell({ type: 'batch', id, chunks })
        return new Promise((resolve) => {
          next = { id, resolve }
        })
      })
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

/** It may be killed at any moment: what was compiled for its first task of a kind is stored right after that. */
function keepCompiled(task: Task): void {
  const libraries = task.kind === 'extract' ? task.type : task.kind
  if (loaded.has(libraries)) return
  loaded.add(libraries)
  flushCompileCache()
}

function tell(report: Report): void {
  if (process.connected) send?.(report)
}

function setBusy(value: 0 | 1): void {
  Atomics.store(busy, 0, value)
  Atomics.notify(busy, 0)
}

function startWatchdog(): void {
  const workerData: WatchdogData = {
    busy: busy.buffer as SharedArrayBuffer,
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

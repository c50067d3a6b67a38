/**
 * A thread beside a parsing process's main thread, because a heap cap sees neither Buffers nor WASM memory, and a
 * main thread caught in a loop sees nothing at all. While a task runs it looks every 50 ms at the whole process's
 * resident memory and at whether the parent still lives, and ends the process where either is not well; between
 * tasks it sleeps.
 */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { MEMORY_MARKER } from './messages.ts'

export interface WatchdogData {
  /** One Int32: 1 while a task runs, else 0. */
  busy: SharedArrayBuffer
  maxRssBytes: number
  parentPid: number
}

const INTERVAL_MS = 50

const { busy, maxRssBytes, parentPid } = workerData as WatchdogData
const flag = new Int32Array(busy)

for (;;) {
  // Sleeps for good while the flag is 0 and is woken when it is set; while it is 1, this is the pause between looks.
  Atomics.wait(flag, 0, 0)
  if (process.memoryUsage.rss() > maxRssBytes) end(MEMORY_MARKER)
  if (isOrphan()) end('parser: its server is gone')
  Atomics.wait(flag, 0, 1, INTERVAL_MS)
}

function isOrphan(): boolean {
  if (process.ppid !== parentPid) return true
  try {
    // Where a child keeps its parent's number for life (Windows), asking for the parent is the only way to know.
    process.kill(parentPid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function end(why: string): void {
  try {
    writeSync(2, `${why}\n`)
  } finally {
    // Whatever became of the words: with the parent gone, nobody holds the other end.
    process.kill(process.pid, 'SIGKILL')
  }
}

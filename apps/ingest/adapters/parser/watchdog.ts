/**
 * A thread beside a parsing process's main thread, because a heap cap sees neither Buffers nor WASM memory, and a
 * main thread caught in a loop sees nothing at all. While a task runs it looks every 50 ms at the whole process's
 * resident memory and at whether the parent still lives, and ends the process where either is not well. A second
 * without tasks sends it to sleep; until then it looks on, since to be woken for each of many small tasks costs more.
 */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { workerData } from 'node:worker_threads'
import { ASLEEP_FLAG, BUSY_FLAG, MEMORY_MARKER } from './messages.ts'

export interface WatchdogData {
  /** Two Int32: 1 while a task runs, else 0; 1 while this thread has to be woken for the next one, else 0. */
  flags: SharedArrayBuffer
  maxRssBytes: number
  parentPid: number
}

const INTERVAL_MS = 50
const LOOKS_BEFORE_SLEEP = 20

// This thread never ends by itself, and so would never keep what it compiled: 16 MB for each process.
flushCompileCache()
watch(workerData as WatchdogData)

function watch({ flags, maxRssBytes, parentPid }: WatchdogData): never {
  const words = new Int32Array(flags)
  for (let idle = 0; ; ) {
    idle = Atomics.load(words, BUSY_FLAG) === 1 ? 0 : idle + 1
    if (idle > LOOKS_BEFORE_SLEEP) {
      // In this order: a task that begins now sees the flag, or is seen by the wait.
      Atomics.store(words, ASLEEP_FLAG, 1)
      Atomics.wait(words, BUSY_FLAG, 0)
      Atomics.store(words, ASLEEP_FLAG, 0)
      idle = 0
    }
    if (process.memoryUsage.rss() > maxRssBytes) end(MEMORY_MARKER)
    if (isOrphan(parentPid)) end('parser: its server is gone')
    // Only a pause: nobody changes or wakes this word while it is 0.
    Atomics.wait(words, ASLEEP_FLAG, 0, INTERVAL_MS)
  }
}

function isOrphan(parentPid: number): boolean {
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

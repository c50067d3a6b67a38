/**
 * The program of a parsing process. It trusts nothing it reads; what it cannot handle ends the process, and only the
 * process. Libraries are loaded by the task that first needs them, so that an idle process stays small.
 */
import { constants, setPriority } from 'node:os'
import { serveTasks } from './serve-tasks.ts'

// Who watches comes first: when every core is busy, the server answers and this waits.
setPriority(constants.priority.PRIORITY_LOW)

serveTasks(async (task, onBatch) => {
  switch (task.kind) {
    case 'probe':
      return (await import('./probe.ts')).probe(task.file, task.maxFileBytes)
    case 'extract':
      return (await import('./extract.ts')).extract(task)
    case 'chunk':
      return (await import('./chunk.ts')).chunkDocument(task.document, onBatch)
  }
})

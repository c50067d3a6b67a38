/**
 * What the server and its parsing processes say to each other. One task at a time per process; every message names
 * the task it belongs to, so that a late one of an abandoned task is recognised and dropped.
 */
import type { Chunk, Extraction, FileType, Probe, Rejection } from '../../ports.ts'

/** What a parsing process is asked to do. */
export type Task =
  | { kind: 'probe'; file: string; maxFileBytes: number }
  /** `partial` is the file beside `output` that becomes `output` when it is whole. */
  | { kind: 'extract'; file: string; type: FileType; output: string; partial: string; maxFileBytes: number }
  | { kind: 'chunk'; document: string }

export type TaskResult = Probe | Extraction | Rejection | number

/** Parent to child. */
export type Command =
  | { type: 'task'; id: number; task: Task }
  /** Answers a batch: send the next one. */
  | { type: 'next'; id: number }

/** Child to parent. */
export type Report =
  | { type: 'batch'; id: number; chunks: Chunk[] }
  | {
      type: 'result'
      id: number
      result: TaskResult
      /** Resident memory of the process after the task, bytes. */
      rss: number
      /** Something of this task was left running: the process is not used again. */
      tainted: boolean
    }
  /** The output could not be written: no fault of the file. `code` is the system's, for instance `ENOSPC`. */
  | { type: 'output_failed'; id: number; code: string; message: string }

/** The most chunks in one batch. */
export const BATCH_SIZE = 200

/** Written to standard error by the watchdog before it ends its process. */
export const MEMORY_MARKER = 'parser: over the memory cap'

/** Places of the two flags a parsing process shares with its watchdog. */
export const BUSY_FLAG = 0
export const ASLEEP_FLAG = 1

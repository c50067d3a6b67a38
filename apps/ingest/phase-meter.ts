import type { Clock } from '@holdfast/protocol'
import type { IngestionEventEmitter } from './emitter.ts'
import type { FileCounts } from './file-store.ts'
import type { FileCode, Rejection } from './ports.ts'
import { FILE_CODES } from './ports.ts'
import type { Phase, PhaseMetrics } from './streams.ts'

interface Mark {
  at: number
  files: number
}

// Rates are of the last few seconds: long enough to be calm, short enough to be true.
const RATE_WINDOW_MS = 5_000
// An estimate from less than this is a guess.
const ESTIMATE_AFTER_MS = 1_500
const ESTIMATE_AFTER_FRACTION = 0.02

/** Counts what a phase does and reports it: percent, rate and time left, from what was done in this attempt. */
export class PhaseMeter {
  readonly #emitter: IngestionEventEmitter
  readonly #projectId: string
  readonly #phase: Phase
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #startFraction: number
  readonly #working = new Set<string>()
  readonly #marks: Mark[] = []
  readonly #metrics: PhaseMetrics

  constructor(options: {
    emitter: IngestionEventEmitter
    projectId: string
    phase: Phase
    clock: Clock
    /** What is known when the phase begins or is taken up. */
    start: Pick<
      PhaseMetrics,
      'filesTotal' | 'filesDone' | 'filesFailed' | 'filesSkipped' | 'bytesTotal' | 'bytesDone' | 'chunks'
    >
  }) {
    this.#emitter = options.emitter
    this.#projectId = options.projectId
    this.#phase = options.phase
    this.#clock = options.clock
    this.#metrics = { ...options.start, currentFile: null, ratePerSecond: 0, secondsLeft: null }
    this.#startedAt = this.#clock.now()
    this.#startFraction = this.#fraction()
    this.#marks.push({ at: this.#startedAt, files: 0 })
  }

  begin(path: string): void {
    this.#working.add(path)
    this.#metrics.currentFile = path
    this.#report()
  }

  done(path: string, bytes: number, chunks = 0): void {
    this.#metrics.filesDone += 1
    this.#metrics.chunks += chunks
    this.#finish(path, bytes)
  }

  rejected(path: string, bytes: number, { rejected }: Rejection): void {
    if (isFailure(rejected)) this.#metrics.filesFailed += 1
    else this.#metrics.filesSkipped += 1
    this.#finish(path, bytes)
  }

  /** Reports the end of the phase. */
  complete(): void {
    this.#metrics.currentFile = null
    this.#metrics.secondsLeft = 0
    this.#emitter.emitProgressUpdate(this.#projectId, this.#phase, 100, { ...this.#metrics })
  }

  #finish(path: string, bytes: number): void {
    this.#metrics.bytesDone = Math.min(this.#metrics.bytesTotal, this.#metrics.bytesDone + bytes)
    this.#working.delete(path)
    this.#metrics.currentFile = this.#working.values().next().value ?? null
    this.#report()
  }

  #report(): void {
    this.#measure()
    this.#emitter.emitProgressUpdate(this.#projectId, this.#phase, this.#fraction() * 100, { ...this.#metrics })
  }

  #measure(): void {
    const now = this.#clock.now()
    const files = this.#dealtWith()
    this.#marks.push({ at: now, files })
    while (this.#marks.length > 2 && now - (this.#marks[1]?.at ?? now) > RATE_WINDOW_MS) this.#marks.shift()
    const first = this.#marks[0]
    const seconds = (now - (first?.at ?? now)) / 1000
    this.#metrics.ratePerSecond = seconds > 0 ? round((files - (first?.files ?? 0)) / seconds) : 0
    const gone = this.#fraction() - this.#startFraction
    const elapsed = now - this.#startedAt
    const known = elapsed >= ESTIMATE_AFTER_MS && gone >= ESTIMATE_AFTER_FRACTION
    this.#metrics.secondsLeft = known ? round(((elapsed / gone) * (1 - this.#fraction())) / 1000) : null
  }

  /** Half by files, half by bytes: many small files and few large ones both count. */
  #fraction(): number {
    const { filesTotal, bytesTotal, bytesDone } = this.#metrics
    if (filesTotal === 0) return 0
    const byFiles = Math.min(1, this.#dealtWith() / filesTotal)
    return bytesTotal === 0 ? byFiles : (byFiles + bytesDone / bytesTotal) / 2
  }

  #dealtWith(): number {
    const { filesDone, filesFailed, filesSkipped } = this.#metrics
    return filesDone + filesFailed + filesSkipped
  }
}

/** The counters a phase starts with, from what stands in the table: `passed` are the statuses that lie behind it. */
export function countersFrom(counts: FileCounts, passed: readonly ('extracted' | 'chunked' | 'done')[]) {
  const { byStatus } = counts
  const sum = (of: 'files' | 'bytes') => passed.reduce((total, status) => total + byStatus[status][of], 0)
  return {
    filesTotal: counts.total,
    filesDone: sum('files'),
    filesFailed: byStatus.failed.files,
    filesSkipped: byStatus.skipped.files,
    bytesTotal: counts.bytes,
    bytesDone: sum('bytes') + byStatus.failed.bytes + byStatus.skipped.bytes,
    chunks: counts.chunks,
  }
}

function isFailure(code: FileCode): boolean {
  return FILE_CODES[code].status === 'failed'
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

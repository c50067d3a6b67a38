import { type ErrorCode, isHoldfastError } from '@holdfast/protocol'
import type { Committed } from '../db/database.ts'
import type { Retention } from './retention.ts'
import { type Snapshots, snapshotIsDue } from './snapshots.ts'
import type { StreamRegistry } from './stream-registry.ts'
import type { StreamsTable } from './streams-table.ts'

// Streams that wait for their snapshot. One that finds no room is found again by the next look at all streams.
const WAITING = 10_000

interface Parts {
  streams: StreamsTable
  registry: StreamRegistry
  snapshots: Snapshots
  retention: Retention
  onError: (error: unknown) => void
}

/**
 * Folds in the background as streams grow, one after the other: whoever joins finds a snapshot, also where nobody
 * ever asked for the state before. What has a snapshot can be trimmed, so that follows at once.
 */
export class Snapshotter {
  readonly #parts: Parts
  readonly #waiting = new Set<string>()
  #working: Promise<void> | null = null
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Word of commits. Costs a division each, and a look at the definitions once in 256 events. */
  heard(committed: readonly Committed[]): void {
    for (const { stream, after, tail } of committed) {
      if (snapshotIsDue(sequenceOf(after), sequenceOf(tail))) this.add(stream)
    }
  }

  add(stream: string): void {
    if (this.#closed || this.#waiting.size >= WAITING || !this.#parts.registry.find(stream)) return
    this.#waiting.add(stream)
    this.#working ??= this.#work()
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.clear()
    await this.idle()
  }

  async #work(): Promise<void> {
    for (const stream of this.#waiting) {
      this.#waiting.delete(stream)
      // Not within the turn that told of the commit: that one is for whoever waits for it.
      await new Promise(setImmediate)
      await this.#fold(stream).catch(this.#parts.onError)
    }
    this.#working = null
  }

  async #fold(stream: string): Promise<void> {
    const { streams, registry, snapshots, retention } = this.#parts
    const definition = registry.find(stream)
    try {
      const row = await streams.live(stream)
      if (!row || !definition) return
      await snapshots.fold(definition, row)
      await retention.trim(definition, row)
    } catch (error) {
      // Deleted meanwhile, or its history is gone: nothing to keep a snapshot of.
      if (!isHoldfastError(error) || !NOTHING_TO_KEEP.has(error.code)) throw error
    }
  }
}

const NOTHING_TO_KEEP = new Set<ErrorCode>(['STREAM_GONE', 'NO_FOLD', 'OFFSET_GONE'])

/** Of an offset of our own, which needs no looking at: its last 16 digits. */
function sequenceOf(offset: string): number {
  return Number(offset.slice(17))
}

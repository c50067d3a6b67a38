import { formatOffset } from '@holdfast/protocol'
import type { CommitResult, Committed, Write } from './database.ts'

/** What a commit's appends and removals have to tell, once it is on disk. Shared by the adapters. */
export function committedBy(writes: readonly Write[], result: CommitResult): Committed[] {
  const told: Committed[] = []
  for (const [index, { appended, removed }] of writes.entries()) {
    if (removed) {
      const { stream, tail } = removed
      told.push({ stream, after: tail, tail, events: [], sealed: false, removed: true })
    }
    if (!appended) continue
    const row = result[index]?.[appended.statement]?.[0]
    if (!row) throw new Error(`the append to ${appended.stream} gave no position`)
    const incarnation = Number(row.incarnation)
    const tail = Number(row.tail)
    told.push({
      stream: appended.stream,
      after: formatOffset({ incarnation, seq: tail - appended.events.length }),
      tail: formatOffset({ incarnation, seq: tail }),
      events: appended.events,
      sealed: appended.sealed,
    })
  }
  return told
}

/** Listeners for commits; adapters hold one of these. */
export class CommitListeners {
  readonly #listeners = new Set<(committed: readonly Committed[]) => void>()

  add(listener: (committed: readonly Committed[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(committed: readonly Committed[]): void {
    if (committed.length === 0) return
    for (const listener of this.#listeners) listener(committed)
  }
}

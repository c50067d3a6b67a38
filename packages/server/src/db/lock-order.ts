import type { Write } from './database.ts'

/** The stream whose row a write locks, if any. */
export function lockedStream({ appended, removed, locks }: Write): string | undefined {
  return appended?.stream ?? removed?.stream ?? locks
}

/**
 * What locks a stream's row comes last, in the order of the names; the rest stays as it was given. Two commits that
 * touch the same streams then never wait for each other in a circle.
 */
export function inLockOrder(writes: readonly Write[]): readonly Write[] {
  if (writes.length === 1) return writes
  const first = writes.filter((write) => lockedStream(write) === undefined)
  if (first.length >= writes.length - 1 && lockedStream(writes.at(-1) as Write) !== undefined) return writes
  const last = writes.flatMap((write) => {
    const stream = lockedStream(write)
    return stream === undefined ? [] : [{ stream, write }]
  })
  last.sort((a, b) => (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0))
  return [...first, ...last.map(({ write }) => write)]
}

import type { WatchedNow } from './watching.tsx'

/** The one that is furthest among those that run, else the one that ended last. */
export function leadOf(entries: readonly WatchedNow[]): WatchedNow | undefined {
  const running = entries.filter(({ outcome, trouble }) => outcome === null && trouble === null)
  if (running.length === 0) return entries.toSorted((a, b) => endOf(b) - endOf(a))[0]
  return running.toSorted((a, b) => (b.figures?.percent ?? -1) - (a.figures?.percent ?? -1))[0]
}

function endOf({ outcome }: WatchedNow): number {
  return outcome ? Date.parse(outcome.at) : 0
}

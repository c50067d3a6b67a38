/** Ingestions that somebody watches in this browser. Pure: what is kept, and how it changes. */

export interface Watched {
  projectId: string
  ingestionId: string
  /** The project's name, as it was when watching began. */
  name: string
  /** Unix ms. */
  since: number
  /** How it ended; `null` while it goes on, as far as this browser knows. */
  outcome: Outcome | null
}

export interface Outcome {
  status: 'done' | 'failed' | 'cancelled'
  files: number
  failed: number
  /** ISO 8601. */
  at: string
}

/** More would be a list nobody reads: those that ended first make room, then the oldest. */
export const MOST_WATCHED = 40

/** What was stored, as far as it can be understood; anything else is no entry. */
export function parseWatched(text: string | null): Watched[] {
  if (text === null) return []
  try {
    const given: unknown = JSON.parse(text)
    return Array.isArray(given) ? given.filter(isWatched).slice(0, MOST_WATCHED) : []
  } catch {
    return []
  }
}

/** Begins to watch, at the head of the list; what is watched already stays as it is. */
export function added(list: readonly Watched[], entry: Watched): readonly Watched[] {
  if (list.some(({ ingestionId }) => ingestionId === entry.ingestionId)) return list
  const next = [entry, ...list]
  while (next.length > MOST_WATCHED) {
    const ended = next.findLastIndex(({ outcome }) => outcome !== null)
    next.splice(ended === -1 ? next.length - 1 : ended, 1)
  }
  return next
}

export function removed(list: readonly Watched[], ingestionIds: readonly string[]): readonly Watched[] {
  return list.filter(({ ingestionId }) => !ingestionIds.includes(ingestionId))
}

/** Puts entries back where they stood in `before`, among what is there now. */
export function restored(
  list: readonly Watched[],
  before: readonly Watched[],
  ingestionIds: readonly string[],
): readonly Watched[] {
  const there = new Map(list.map((entry) => [entry.ingestionId, entry]))
  const known = new Set(before.map(({ ingestionId }) => ingestionId))
  const newer = list.filter(({ ingestionId }) => !known.has(ingestionId))
  const older = before.flatMap((entry) => {
    const now = there.get(entry.ingestionId)
    return now ? [now] : ingestionIds.includes(entry.ingestionId) ? [entry] : []
  })
  return [...newer, ...older].slice(0, MOST_WATCHED)
}

/** Keeps how one ended; the first word of it stands. */
export function settled(list: readonly Watched[], ingestionId: string, outcome: Outcome): readonly Watched[] {
  return list.map((entry) =>
    entry.ingestionId === ingestionId && entry.outcome === null ? { ...entry, outcome } : entry,
  )
}

function isWatched(entry: unknown): entry is Watched {
  if (typeof entry !== 'object' || entry === null) return false
  const { projectId, ingestionId, name, since, outcome } = entry as Record<string, unknown>
  const isText = [projectId, ingestionId, name].every((text) => typeof text === 'string')
  return isText && typeof since === 'number' && (outcome === null || isOutcome(outcome))
}

function isOutcome(outcome: unknown): outcome is Outcome {
  if (typeof outcome !== 'object' || outcome === null) return false
  const { status, files, failed, at } = outcome as Record<string, unknown>
  const isEnd = status === 'done' || status === 'failed' || status === 'cancelled'
  return isEnd && typeof files === 'number' && typeof failed === 'number' && typeof at === 'string'
}

import type { RunSummary } from '@holdfast/protocol/runs'

/** Where an entry goes: right before or right after another one. */
export type Anchor = { before: string } | { after: string }

/** Whether an entry stands in the order by now (Unix ms): others begin at their time. */
export function isMovable({ status, position, dueAt }: RunSummary, now = Date.now()): boolean {
  return status === 'queued' && position !== null && Date.parse(dueAt) <= now
}

/** Where the entry at `from` goes that is put at `to`, counted without it; `null` where it stays. Pure. */
export function anchorOf(ids: readonly string[], from: number, to: number): Anchor | null {
  const rest = ids.filter((_, index) => index !== from)
  const target = Math.max(0, Math.min(rest.length, to))
  if (target === from) return null
  const next = rest[target]
  if (next !== undefined) return { before: next }
  const previous = rest[target - 1]
  return previous === undefined ? null : { after: previous }
}

/** The entries with one of them moved, and the positions counted anew. Pure; the same where the anchor is not there. */
export function withMove(entries: readonly RunSummary[], id: string, anchor: Anchor): RunSummary[] {
  const moved = entries.find((entry) => entry.id === id)
  const rest = entries.filter((entry) => entry.id !== id)
  const at = 'before' in anchor ? indexOf(rest, anchor.before) : indexOf(rest, anchor.after) + 1
  if (!moved || at < 0 || ('after' in anchor && at === 0)) return [...entries]
  const order = [...rest.slice(0, at), moved, ...rest.slice(at)]
  const positions = entries.map(({ position }) => position)
  return order.map((entry, index) => ({ ...entry, position: positions[index] ?? null }))
}

function indexOf(entries: readonly RunSummary[], id: string): number {
  return entries.findIndex((entry) => entry.id === id)
}

/** Which place a row that is dragged would take, from the middles of the others, px. Pure. */
export function placeAt(middles: readonly number[], y: number): number {
  return middles.filter((middle) => middle < y).length
}

const EPOCH = Date.UTC(2024, 9, 9)
const INTERVAL_MS = 20_000
const MAX_JITTER_SECONDS = 3_600
const CURSOR = /^\d{1,15}$/

/**
 * The number of the interval of 20 seconds that `now` lies in. It says nothing of the stream: it makes the URLs of
 * live reads differ as time goes on, so that no cache answers one for ever. Source: Durable Streams PROTOCOL.md, 10.1.
 */
export function currentCursor(now: number): string {
  return String(Math.floor((now - EPOCH) / INTERVAL_MS))
}

/**
 * The cursor for a reader that came with one of its own: the current one, or, where the reader's is as far, one a
 * random stretch beyond it (up to an hour). Whatever is no cursor counts as none.
 */
export function cursorAfter(own: unknown, now: number, random: () => number): string {
  const current = currentCursor(now)
  if (!collides(own, now)) return current
  const seconds = 1 + Math.floor(random() * MAX_JITTER_SECONDS)
  return String(Number(own) + Math.max(1, Math.floor((seconds * 1000) / INTERVAL_MS)))
}

/** Whether a reader with this cursor must be given another than the current one. */
export function collides(own: unknown, now: number): boolean {
  return typeof own === 'string' && CURSOR.test(own) && Number(own) >= Number(currentCursor(now))
}

import { type Offset, parseOffset } from '@holdfast/protocol'

/**
 * Names a stretch of a stream and how it stood: `"<incarnation>:<start>:<end>"`, then `:c` where it reached the end of
 * an ended stream and `:t` where it reached the tail of an open one. An ended stream thereby never looks unchanged,
 * and no page keeps saying that it was the last. Source: Durable Streams PROTOCOL.md, 10.1.
 */
export function etagOf(page: { after: Offset; offset: Offset; upToDate: boolean; sealed: boolean }): string {
  const start = parseOffset(page.after)
  const end = parseOffset(page.offset)
  const state = page.sealed ? ':c' : page.upToDate ? ':t' : ''
  return `"${end?.incarnation}:${start?.seq}:${end?.seq}${state}"`
}

/** Whether a validator sent with `If-None-Match` is this one. Compared weakly. Source: RFC 9110, 13.1.2. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

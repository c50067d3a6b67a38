import { compareOffsets, type Offset } from '@holdfast/protocol'

/**
 * Where a part of a stream stands for a reader: `next`, to be taken; `known`, to be dropped; `gap`, when something
 * before it is missing and reading begins again at the position. Source: PROTOCOL.md, W6.
 */
export function placeOf(
  position: Offset,
  { after, offset }: { after: Offset; offset: Offset },
): 'next' | 'known' | 'gap' {
  // Asked for by an offset of the history it continues, a fork answers with its own name for that place, from the first
  // frame on; what it sends begins there. So does a stream that was asked for from its start, or from now.
  if (after === position || !isOfOneHistory(position, after)) return 'next'
  return compareOffsets(offset, position) <= 0 ? 'known' : 'gap'
}

/** Whether what stands at `position` still has to be sent to somebody who is handed what follows `handedOn`. */
export function isBefore(position: Offset, handedOn: Offset): boolean {
  // Of another history, or no offset at all: only the server knows.
  return isOfOneHistory(position, handedOn) ? compareOffsets(position, handedOn) < 0 : position !== handedOn
}

/** Whether `offset` is further than `position`, or of another history. */
export function isBeyond(offset: Offset, position: Offset): boolean {
  return isOfOneHistory(offset, position) ? compareOffsets(offset, position) > 0 : offset !== position
}

/** An offset begins with its history's number. */
function isOfOneHistory(a: Offset, b: Offset): boolean {
  return a.split('_')[0] === b.split('_')[0]
}

/**
 * A position in a stream: the position *after* the event that carried it. Opaque to callers, sorts as text, never
 * reused. `<16 digits incarnation>_<16 digits sequence>`; another incarnation means another history. Both numbers
 * stay below 2^53, because 16 digits of nines would not survive a JavaScript number.
 *
 * Source: Durable Streams PROTOCOL.md, section "Offsets".
 */
export type Offset = string & { readonly __offset?: never }

/** The start of whatever history the stream has. A request word: servers never mint it. */
export const OFFSET_START = '-1'
/** The tail at the moment of asking. A request word: servers never mint it. */
export const OFFSET_NOW = 'now'

export interface Position {
  /** Which life of the stream's name; given out by one sequence of the store. */
  incarnation: number
  /** How many events stand before this position. */
  seq: number
}

const SHAPE = /^(\d{16})_(\d{16})$/

export function formatOffset(position: Position): Offset {
  return `${pad(position.incarnation)}_${pad(position.seq)}`
}

/** The position an offset names, or `null` where the text is not an offset. */
export function parseOffset(text: string): Position | null {
  const match = SHAPE.exec(text)
  if (!match) return null
  const incarnation = Number(match[1])
  const seq = Number(match[2])
  if (!Number.isSafeInteger(incarnation) || !Number.isSafeInteger(seq)) return null
  return { incarnation, seq }
}

/** Negative, zero or positive as `a` stands before, at or after `b`. Text order is the order. */
export function compareOffsets(a: Offset, b: Offset): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function pad(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a part of an offset: ${value}`)
  return String(value).padStart(16, '0')
}

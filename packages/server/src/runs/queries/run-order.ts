import { HoldfastError } from '@holdfast/protocol'
import type { StoredStatus } from '../run.ts'
import { type Sql, text } from '../sql.ts'
import { ENDED_STATUSES, OPEN_STATUSES } from './run-filter.ts'

/**
 * The orders a list may have.
 *
 * - `newest`, `oldest`: by when they were queued first.
 * - `longest`: first what has begun and not ended, the one that began first before the others; then what has ended, by how
 *   long it took; then what has not begun.
 * - `priority`: first what has not ended, in the order of the queues; then what has, newest first.
 */
export const RUN_SORTS = ['newest', 'oldest', 'longest', 'priority'] as const
export type RunSort = (typeof RUN_SORTS)[number]

/** A stretch of an order: which runs it is about, and what they are sorted by, then by id. */
export interface Stretch {
  where?: Sql
  stored?: readonly StoredStatus[]
  value: Sql
  descending: boolean
  /** An index holds the order itself. */
  walks?: boolean
}

const NEWEST: Stretch = { value: text('created_at'), descending: true }

export const STRETCHES: Record<RunSort, readonly Stretch[]> = {
  newest: [NEWEST],
  oldest: [{ value: text('created_at'), descending: false }],
  longest: [
    { where: text('started_at IS NOT NULL'), stored: OPEN_STATUSES, value: text('started_at'), descending: false },
    {
      where: text('ended_at IS NOT NULL'),
      // One that ended before it began took less than any other.
      value: text('COALESCE(ended_at - started_at, -1)'),
      descending: true,
      walks: true,
    },
    { where: text('started_at IS NULL'), stored: OPEN_STATUSES, value: text('created_at'), descending: false },
  ],
  priority: [
    { stored: OPEN_STATUSES, value: text('rank'), descending: false },
    { ...NEWEST, stored: ENDED_STATUSES },
  ],
}

/** Where the next page of a list begins: behind the run of this id, in a stretch of its order. */
export interface Position {
  stretch: number
  value: number
  id: string
}

/** Opaque to clients; good for the list it was given for. */
export function cursorOf(list: string, { stretch, value, id }: Position): string {
  return Buffer.from(JSON.stringify([list, stretch, value, id])).toString('base64url')
}

/** Throws INVALID_INPUT for a text that is no cursor of that list. */
export function parseCursor(cursor: string | null, list: string, stretches: number): Position | null {
  if (cursor === null) return null
  try {
    const [of, stretch, value, id, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const isPlace = Number.isSafeInteger(stretch) && stretch >= 0 && stretch < stretches && Number.isSafeInteger(value)
    // No store has text with a zero in it.
    const isId = typeof id === 'string' && !id.includes('\0')
    if (of === list && isPlace && isId && rest.length === 0) return { stretch, value, id }
  } catch {
    // Not ours: refused below, like one of another list.
  }
  const message = 'not a cursor of this list'
  throw new HoldfastError('INVALID_INPUT', `cursor: ${message}`, { errors: [{ field: 'cursor', message }] })
}

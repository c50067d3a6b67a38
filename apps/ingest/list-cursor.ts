import { HoldfastError } from '@holdfast/protocol'
import type { ListPosition } from './project-store.ts'

/** Where the next page of a sorted list begins. Opaque to clients; good for the order it was given for, and no other. */
export function cursorOf({ key, id }: ListPosition, sort: string): string {
  return JSON.stringify([sort, key, id])
}

/**
 * Throws INVALID_INPUT for anything that is not a cursor of that order: of another one, or with a key (`isText` or a whole
 * number) that nothing is sorted by there.
 */
export function parseCursor(cursor: string | null, sort: string, isText: boolean): ListPosition | null {
  if (cursor === null) return null
  try {
    const [of, key, id, ...rest] = JSON.parse(cursor)
    const isKey = isText ? typeof key === 'string' : Number.isSafeInteger(key)
    if (of === sort && isKey && typeof id === 'string' && rest.length === 0) return { key, id }
  } catch {
    // Not ours: refused below, like one of the wrong shape.
  }
  throw new HoldfastError('INVALID_INPUT', 'That cursor is not one of this list.')
}

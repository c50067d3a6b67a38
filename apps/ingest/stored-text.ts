import type { Dialect } from '@holdfast/server'

/**
 * Text as a store can keep it. PostgreSQL has no U+0000 and no half of a character: a space and U+FFFD stand for them,
 * unit by unit, so that positions stay what they are. What extractors write has neither; titles, names of projects and
 * words typed into a filter may. Source: PostgreSQL documentation, 8.3 Character Types.
 */
export function storedText(dialect: Dialect): (text: string) => string {
  return dialect === 'postgres' ? (text) => text.toWellFormed().replaceAll('\0', ' ') : (text) => text
}

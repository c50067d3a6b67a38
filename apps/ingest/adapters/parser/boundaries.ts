/** Where a document's own structure says that something new begins. */
import type { ExtractedDocument } from '../../ports.ts'

/** From `start` up to the next boundary the text stands under `path`. */
export interface Boundary {
  start: number
  path: string[]
  /** A page is turned, or a section (heading, code symbol) begins. */
  kind: 'page' | 'section'
}

/** Headings and pages of a document, in the order of the text. */
export function documentBoundaries({ headings, pages }: ExtractedDocument): Boundary[] {
  const marks = [
    ...headings.map((heading) => ({ start: heading.start, heading })),
    ...pages.map((page) => ({ start: page.start, heading: null })),
  ].sort((a, b) => a.start - b.start)
  const open: { level: number; title: string }[] = []
  return marks.map(({ start, heading }) => {
    if (heading) {
      while ((open.at(-1)?.level ?? 0) >= heading.level) open.pop()
      open.push(heading)
    }
    return { start, path: open.map(({ title }) => title), kind: heading ? 'section' : 'page' }
  })
}

/** Sorted, inside the text, the first at 0, none inside a surrogate pair. */
export function normalise(text: string, boundaries: Boundary[]): Boundary[] {
  const inside = boundaries
    .filter(({ start }) => start >= 0 && start < text.length)
    .map((boundary) => ({ ...boundary, start: wholeCharacter(text, boundary.start) }))
    // Stable: of several at one place the last one says what follows.
    .sort((a, b) => a.start - b.start)
  return [{ start: 0, path: [], kind: 'section' }, ...inside]
}

/** `at`, or one less where it would part the two halves of a character. */
export function wholeCharacter(text: string, at: number): number {
  const before = text.charCodeAt(at - 1)
  const after = text.charCodeAt(at)
  return at > 0 && before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff ? at - 1 : at
}

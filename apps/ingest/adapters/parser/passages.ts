/**
 * Cuts text into passages. First into units (paragraphs; pieces of a paragraph that is too long), then units are put
 * together as long as they fit and belong together. Linear in the text, and never holds more than the unit at hand.
 */
import { type Boundary, wholeCharacter } from './boundaries.ts'
import { splitLong } from './split-long.ts'

/** All in UTF-16 code units. A passage is closed rather than grown over FULL, and never grows over MOST. */
export const FULL = 1200
export const MOST = 2000
/** At a new section or page, a passage of this length is closed even though more would fit. */
const CLOSED_AT_SECTION: Record<Manner, number> = { prose: 500, code: 300 }
/** Shorter than this a passage says too little: it takes the next unit up to MOST. */
const TOO_SHORT = 300
/** A function up to this length stays in one piece. */
const WHOLE_SYMBOL = 1500

/** Share of the rest below which a unit is a scrap. */
const SCRAP = 0.2

export type Manner = 'prose' | 'code'

export interface Passage {
  start: number
  end: number
  path: string[]
}

interface Unit extends Passage {
  /** What begins with it. */
  joint: Boundary['kind'] | 'paragraph'
  /** Nothing but a heading: it goes with what follows. */
  isHeading: boolean
}

/** `boundaries` as `normalise` returns them. */
export function* passages(text: string, boundaries: Boundary[], manner: Manner): Generator<Passage> {
  let open: Passage | null = null
  for (const unit of withHeadings(units(text, boundaries, manner))) {
    if (open && belongs(text, open, unit, manner)) {
      open = { start: open.start, end: unit.end, path: sharedPath(open, unit) }
    } else {
      if (open) yield open
      open = { start: unit.start, end: unit.end, path: unit.path }
    }
  }
  if (open) yield open
}

function belongs(text: string, open: Passage, unit: Unit, manner: Manner): boolean {
  const length = open.end - open.start
  const joined = unit.end - open.start
  if (joined > MOST) return false
  // A closing bracket on its own is no passage.
  if (manner === 'code' && unit.end - unit.start < 40 && !/\w/.test(text.slice(unit.start, unit.end))) return true
  if (unit.joint !== 'paragraph' && length >= CLOSED_AT_SECTION[manner]) return false
  return joined <= FULL || length < TOO_SHORT
}

/** Puts headings to the unit that follows them, so that no passage ends with a heading. */
function* withHeadings(source: Iterable<Unit>): Generator<Unit> {
  let heading: Unit | null = null
  for (const unit of source) {
    if (heading === null) {
      if (unit.isHeading) heading = unit
      else yield unit
    } else if (unit.end - heading.start <= FULL + TOO_SHORT) {
      const whole: Unit = { ...unit, start: heading.start, joint: heading.joint }
      heading = unit.isHeading ? whole : null
      if (!unit.isHeading) yield whole
    } else {
      yield heading
      heading = unit.isHeading ? unit : null
      if (!unit.isHeading) yield unit
    }
  }
  if (heading) yield heading
}

function* units(text: string, boundaries: Boundary[], manner: Manner): Generator<Unit> {
  for (const [index, { start, path, kind }] of boundaries.entries()) {
    const end = boundaries[index + 1]?.start ?? text.length
    let joint: Unit['joint'] = kind
    for (const block of blocks(text, start, end, manner)) {
      for (const [from, to] of splitLong(text, block.start, block.end, manner)) {
        const isHeading = joint === 'section' && path.length > 0 && manner === 'prose' && isBareHeading(text, from, to)
        yield { start: from, end: to, path, joint, isHeading }
        joint = 'paragraph'
      }
    }
  }
}

/** Paragraphs: runs of lines that are not blank, trimmed. A short code symbol is taken as one. */
function* blocks(text: string, start: number, end: number, manner: Manner): Generator<{ start: number; end: number }> {
  const first = skipBlank(text, start, end)
  if (manner === 'code' && end - first <= WHOLE_SYMBOL) {
    const last = trimEnd(text, first, end)
    if (last > first) yield { start: indented(text, first, start), end: last }
    return
  }
  for (let at = first; at < end; ) {
    const stop = paragraphEnd(text, at, end)
    yield { start: manner === 'code' ? indented(text, at, start) : at, end: trimEnd(text, at, stop) }
    at = skipBlank(text, stop, end)
  }
}

/** Where the first blank line after `start` begins, or `end`. */
function paragraphEnd(text: string, start: number, end: number): number {
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) {
    const next = text.indexOf('\n', at + 1)
    const lineEnd = next === -1 || next > end ? end : next
    if (skipBlank(text, at + 1, lineEnd) === lineEnd) return at
  }
  return end
}

const BLANK = /\s/
const isBlank = (text: string, at: number) => {
  const unit = text.charCodeAt(at)
  return unit === 32 || (unit <= 13 && unit >= 9) || (unit > 127 && BLANK.test(text.charAt(at)))
}

function skipBlank(text: string, start: number, end: number): number {
  let at = start
  while (at < end && isBlank(text, at)) at += 1
  return at
}

function trimEnd(text: string, start: number, end: number): number {
  let at = end
  while (at > start && isBlank(text, at - 1)) at -= 1
  return at
}

/** The start of the line `at` stands on where only blanks are before it: code keeps its indentation. */
function indented(text: string, at: number, least: number): number {
  let start = at
  while (start > least && (text[start - 1] === ' ' || text[start - 1] === '\t') && at - start < 200) start -= 1
  return start === least || text[start - 1] === '\n' ? wholeCharacter(text, start) : at
}

/** One line, or two of which the second is only the underline of the first. */
function isBareHeading(text: string, start: number, end: number): boolean {
  if (end - start > 400) return false
  const lines = text.slice(start, end).split('\n')
  return lines.length === 1 || (lines.length === 2 && /^\s*(=+|-+)\s*$/.test(lines[1] ?? ''))
}

/** What both stand under; a scrap (a closing bracket, the line that opens a class) does not take the path away. */
function sharedPath(open: Passage, unit: Passage): string[] {
  const length = open.end - open.start
  const added = unit.end - unit.start
  if (added < length * SCRAP) return open.path
  if (length < added * SCRAP) return unit.path
  return commonPath(open.path, unit.path)
}

function commonPath(a: string[], b: string[]): string[] {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return a.slice(0, length)
}

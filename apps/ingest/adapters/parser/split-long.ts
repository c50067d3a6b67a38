/** Cuts a paragraph that is too long for one passage into pieces of about equal length, at its best joints. */
import { wholeCharacter } from './boundaries.ts'
import type { Manner } from './passages.ts'

/** A paragraph up to this length stays whole; a piece of a longer one is never longer. */
const LONGEST = 1200
const WANTED = 1000

/** Joints from best to worst; a cut is made after the match. */
const PROSE: RegExp[] = [/[.!?…]["'”’»)\]]*\s+|[。！？]|\n\s*(?=[-*+•]|\d+[.)])/g, /\n/g, /[;:,，、；]\s*/g, /\s+/g]
const CODE: RegExp[] = [/\n(?=\S)/g, /\n/g, /[;,{}]\s*/g, /\s+/g]

/** Spans without blanks around them; together they hold everything that is not blank. `start` may be a blank. */
export function* splitLong(text: string, start: number, end: number, manner: Manner): Generator<[number, number]> {
  let at = start
  while (end - at > LONGEST) {
    // Anew for each piece: joints are never just where they are wanted, and the last piece would be a scrap.
    const wanted = Math.ceil((end - at) / Math.ceil((end - at) / WANTED))
    const cut = bestCut(text, at, wanted, manner === 'code' ? CODE : PROSE)
    yield* trimmed(text, at, cut, manner)
    at = cut
  }
  yield* trimmed(text, at, end, manner)
}

function bestCut(text: string, start: number, wanted: number, joints: RegExp[]): number {
  const from = Math.floor(wanted * 0.6)
  const window = text.slice(start, start + LONGEST)
  for (const joint of joints) {
    let best = 0
    for (const match of window.matchAll(joint)) {
      const at = match.index + match[0].length
      if (at >= from && at < window.length && Math.abs(at - wanted) < Math.abs(best - wanted)) best = at
    }
    if (best > 0) return wholeCharacter(text, start + best)
  }
  return wholeCharacter(text, start + wanted)
}

function* trimmed(text: string, start: number, end: number, manner: Manner): Generator<[number, number]> {
  const piece = text.slice(start, end)
  const body = piece.trim()
  if (body === '') return
  const lead = piece.length - piece.trimStart().length
  // In code the blanks a line begins with belong to it.
  const kept = manner === 'code' ? piece.lastIndexOf('\n', lead - 1) + 1 : lead
  yield [start + (lead === 0 ? 0 : kept), start + lead + body.length]
}

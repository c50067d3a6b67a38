import type { Command } from '@holdfast/ui'

/** A command that was found, and which letters of its label were meant. */
export interface FoundCommand {
  command: Command
  /** Begin and end of each stretch of the label. */
  marks: [from: number, to: number][]
}

export interface FoundGroup {
  title: string
  found: FoundCommand[]
}

/** How many of a group are shown while nothing was typed. */
const AT_FIRST = 5
const AT_MOST = 24
const RECENT = 'Recent'

/**
 * What the palette shows for a text: nothing typed, what was used last and a few of each group; otherwise what has
 * every word of it, the best first: the label's beginning, a word's beginning, initials (`kb` for Keeping bees), a part,
 * letters in order. `recent` are ids, the last used first.
 */
export function rankCommands(commands: readonly Command[], text: string, recent: readonly string[]): FoundGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return atFirst(commands, recent)
  const scored = commands.flatMap((command, index) => {
    const fit = fitOf(command, words)
    if (fit === null) return []
    // Of two that fit alike the one used later, then the one that was there before.
    const used = recent.indexOf(command.id)
    const score = fit.score + (used === -1 ? 0 : 8 - Math.min(used, 7)) - index / 1000
    return [{ command, marks: fit.marks, score }]
  })
  scored.sort((a, b) => b.score - a.score)
  return groups(scored.slice(0, AT_MOST))
}

function atFirst(commands: readonly Command[], recent: readonly string[]): FoundGroup[] {
  const used = recent
    .flatMap((id) => commands.find((command) => command.id === id) ?? [])
    .slice(0, AT_FIRST)
    .map((command) => ({ command, marks: [] }))
  const isUsed = new Set(used.map(({ command }) => command.id))
  const rest = groups(commands.filter(({ id }) => !isUsed.has(id)).map((command) => ({ command, marks: [] }))).map(
    ({ title, found }) => ({ title, found: found.slice(0, AT_FIRST) }),
  )
  return used.length > 0 ? [{ title: RECENT, found: used }, ...rest] : rest
}

/** In the order of the best of each. */
function groups(found: readonly FoundCommand[]): FoundGroup[] {
  const byTitle = new Map<string, FoundCommand[]>()
  for (const { command, marks } of found) {
    const group = byTitle.get(command.group) ?? []
    group.push({ command, marks })
    byTitle.set(command.group, group)
  }
  return [...byTitle].map(([title, group]) => ({ title, found: group }))
}

interface Fit {
  score: number
  marks: [number, number][]
}

function fitOf(command: Command, words: readonly string[]): Fit | null {
  const label = command.label.toLowerCase()
  const other = `${command.group} ${command.words ?? ''}`.toLowerCase()
  let score = 0
  const marks: Fit['marks'] = []
  for (const word of words) {
    const fit = fitLabel(label, word)
    if (fit) {
      score += fit.score
      marks.push(...fit.marks)
    } else if (other.includes(word)) {
      score += 15
    } else {
      return null
    }
  }
  return { score: score / words.length, marks: marks.sort((a, b) => a[0] - b[0]) }
}

function fitLabel(label: string, word: string): Fit | null {
  if (label.startsWith(word)) return { score: 100, marks: [[0, word.length]] }
  const starts = startsOf(label)
  const start = starts.find((at) => label.startsWith(word, at))
  if (start !== undefined) return { score: 80, marks: [[start, start + word.length]] }
  const initials = starts.map((at) => label[at]).join('')
  const first = word.length > 1 ? initials.indexOf(word) : -1
  if (first !== -1) {
    return { score: 70, marks: starts.slice(first, first + word.length).map((at) => [at, at + 1]) }
  }
  const part = label.indexOf(word)
  if (part !== -1) return { score: 50, marks: [[part, part + word.length]] }
  return word.length > 2 ? inOrder(label, word) : null
}

function startsOf(label: string): number[] {
  return [...label.matchAll(/[\p{L}\p{N}]+/gu)].map(({ index }) => index)
}

/** The letters in their order with anything in between; the wider they stand apart the worse. */
function inOrder(label: string, word: string): Fit | null {
  const marks: Fit['marks'] = []
  let at = -1
  for (const letter of word) {
    at = label.indexOf(letter, at + 1)
    if (at === -1) return null
    marks.push([at, at + 1])
  }
  const spread = at - (marks[0]?.[0] ?? 0) - word.length + 1
  // Letters far apart are in most long labels, and mean nothing.
  return spread > word.length * 2 ? null : { score: 30 - spread, marks }
}

import { stemmer } from 'stemmer'
import type { Term } from './search-query.ts'

/** A word of a text with its place: UTF-16 code units, end exclusive. */
export interface Word {
  /** What forms of one word have in common: no case, no accents, English endings taken off. */
  stem: string
  start: number
  end: number
}

/** Words that have to stand one after the other; of the last one the beginning may be enough. */
export interface WantedWords {
  stems: string[]
  isBeginning: boolean
}

const WORD = /[\p{L}\p{N}\p{M}]+/gu
const ACCENTS = /[\u0300-\u036f]/g
// PostgreSQL takes at most 2,046 bytes, and no word is that long.
const LONGEST = 255
// Texts say the same words over and over, and a stem takes much longer than a look. Short ones only: of a longer one V8
// would hold on to the whole text it was cut from.
const KNOWN_MAX = 20_000
const KNOWN_LENGTH = 12
const known = new Map<string, string>()

/** The words of a text, by the rules of SQLite's `porter unicode61 remove_diacritics 2`. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const stem = stemOf(word)
    if (stem !== '') words.push({ stem, start: index, end: index + word.length })
  }
  return words
}

function stemOf(word: string): string {
  const seen = known.get(word)
  if (seen !== undefined) return seen
  const stem = newStemOf(word)
  if (known.size >= KNOWN_MAX) known.clear()
  if (word.length <= KNOWN_LENGTH) known.set(word, stem)
  return stem
}

function newStemOf(word: string): string {
  const plain = word.normalize('NFD').replace(ACCENTS, '').normalize('NFC').toLowerCase()
  return /^[a-z0-9]+$/.test(plain) && plain.length <= 64 ? stemmer(plain) : plain.slice(0, LONGEST).toWellFormed()
}

/** The terms of a query as words; of the last one the beginning is enough, from three letters on. */
export function wantedWords(terms: readonly Term[]): WantedWords[] {
  return terms.flatMap(({ text, isQuoted }, index) => {
    const stems = wordsOf(text).map(({ stem }) => stem)
    if (stems.length === 0) return []
    return [{ stems, isBeginning: index === terms.length - 1 && !isQuoted && text.length >= 3 }]
  })
}

/** Where a text has any of these, in order; what overlaps is one place. */
export function placesOf(wanted: readonly WantedWords[], text: string): [number, number][] {
  const words = wordsOf(text)
  const places: [number, number][] = []
  for (const [first, { start }] of words.entries()) {
    const length = Math.max(...wanted.map((one) => (standsAt(one, words, first) ? one.stems.length : 0)))
    const end = words[first + length - 1]?.end
    if (length === 0 || end === undefined) continue
    const last = places.at(-1)
    if (last && start < last[1]) last[1] = Math.max(last[1], end)
    else places.push([start, end])
  }
  return places
}

function standsAt({ stems, isBeginning }: WantedWords, words: readonly Word[], first: number): boolean {
  return stems.every((stem, index) => {
    const word = words[first + index]
    if (!word) return false
    return isBeginning && index === stems.length - 1 ? word.stem.startsWith(stem) : word.stem === stem
  })
}

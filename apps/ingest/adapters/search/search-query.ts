// More words than this make no query a person typed.
const TERMS_MAX = 32

/** A word, or the words of a phrase that stand together, separated by one space. */
export interface Term {
  text: string
  /** It stood in double quotes: these words and no other form of their beginning. */
  isQuoted: boolean
}

/** What somebody typed, as terms: words, and phrases in double quotes. */
export function parseQuery(text: string): Term[] {
  const terms = new Map<string, Term>()
  for (const [, phrase, loose] of text.slice(0, 2000).matchAll(/"([^"]*)"?|([^"]+)/g)) {
    const found =
      phrase === undefined
        ? words(loose ?? '').map((word) => ({ text: word, isQuoted: false }))
        : [{ text: words(phrase).join(' '), isQuoted: true }]
    for (const term of found) if (term.text !== '' && !terms.has(term.text)) terms.set(term.text, term)
  }
  return [...terms.values()].slice(0, TERMS_MAX)
}

/** An FTS5 query: every term is quoted, so nothing typed is an operator. The last word matches by its beginning. */
export function ftsQuery(terms: readonly Term[], join: 'AND' | 'OR', columns: string): string {
  const quoted = terms.map(({ text, isQuoted }, index) => {
    const mayGoOn = index === terms.length - 1 && !isQuoted && text.length >= 3
    return `"${text}"${mayGoOn ? '*' : ''}`
  })
  return `{${columns}} : (${quoted.join(` ${join} `)})`
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []
}

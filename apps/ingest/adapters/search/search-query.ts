// More words than this make no query a person typed.
const WORDS_MAX = 32

/** What somebody typed, as terms: words, and phrases in double quotes. */
export function parseQuery(text: string): string[] {
  const terms: string[] = []
  for (const [, phrase, loose] of text.slice(0, 2000).matchAll(/"([^"]*)"?|([^"]+)/g)) {
    if (phrase !== undefined) terms.push(words(phrase).join(' '))
    else terms.push(...words(loose ?? ''))
  }
  return [...new Set(terms.filter((term) => term !== ''))].slice(0, WORDS_MAX)
}

/** An FTS5 query: every term is quoted, so nothing typed is an operator. The last word matches by its beginning. */
export function ftsQuery(terms: readonly string[], join: 'AND' | 'OR', column: string): string {
  const quoted = terms.map((term, index) => {
    const isLastWord = index === terms.length - 1 && !term.includes(' ') && term.length >= 3
    return `"${term}"${isLastWord ? '*' : ''}`
  })
  return `{${column}} : (${quoted.join(` ${join} `)})`
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []
}

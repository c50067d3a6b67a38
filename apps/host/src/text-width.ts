// A file's name may hold whatever its maker liked: an escape sequence must not reach the terminal, nor a mark that
// turns the direction of what follows.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu
const ZERO_WIDTH = /^[\p{Mn}\p{Me}]$/u
// Source: Unicode Standard Annex #11, East Asian Width: the classes W and F.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$|^\p{Emoji_Presentation}$/u

/** The text with everything a terminal would act on replaced. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd')
}

/** Columns a printable text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** The end of a text that fits into so many columns, with a mark where its beginning is left out. */
export function keepEnd(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  const characters = [...text]
  let width = 1
  let from = characters.length
  while (from > 0) {
    const next = characterWidth(characters[from - 1] ?? '')
    if (width + next > columns) break
    width += next
    from -= 1
  }
  return `…${characters.slice(from).join('')}`
}

function characterWidth(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

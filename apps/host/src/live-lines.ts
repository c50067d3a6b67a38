import { stripVTControlCharacters } from 'node:util'
import type { Output } from './terminal.ts'
import { textWidth } from './text-width.ts'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
// Terminals that know it show the whole change at once. Source: the synchronized output extension, DEC mode 2026.
const BEGIN_FRAME = '\x1b[?2026h'
const END_FRAME = '\x1b[?2026l'
const ERASE_LINE_END = '\x1b[K'
const ERASE_BELOW = '\x1b[J'

/** Lines at the end of a terminal's output that are redrawn in place: only when they changed, in one write. */
export class LiveLines {
  readonly #output: Output
  readonly #columns: () => number
  #drawn: string[] = []

  constructor(output: Output, columns: () => number) {
    this.#output = output
    this.#columns = columns
  }

  draw(lines: readonly string[]): void {
    if (lines.length === this.#drawn.length && lines.every((line, index) => line === this.#drawn[index])) return
    const isFirst = this.#drawn.length === 0
    const text = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('')
    this.#output.write(`${isFirst ? HIDE_CURSOR : ''}${BEGIN_FRAME}${this.#toTop()}${text}${ERASE_BELOW}${END_FRAME}`)
    this.#drawn = [...lines]
  }

  /** Lines that stay, above those that are redrawn. */
  print(lines: readonly string[]): void {
    const text = [...lines, ...this.#drawn].map((line) => `${line}${ERASE_LINE_END}\n`).join('')
    this.#output.write(`${BEGIN_FRAME}${this.#toTop()}${text}${ERASE_BELOW}${END_FRAME}`)
  }

  /** Leaves the lines where they are, gives the cursor back, and begins anew below. */
  finish(): void {
    if (this.#drawn.length === 0) return
    this.#drawn = []
    this.#output.write(SHOW_CURSOR)
  }

  /** A terminal that became narrower has wrapped what was drawn. */
  #toTop(): string {
    const columns = Math.max(1, this.#columns())
    const rows = this.#drawn.reduce((sum, line) => {
      return sum + Math.max(1, Math.ceil(textWidth(stripVTControlCharacters(line)) / columns))
    }, 0)
    return rows === 0 ? '' : `\x1b[${rows}A\r`
  }
}

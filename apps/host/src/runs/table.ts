import { stripVTControlCharacters } from 'node:util'
import { style } from '../terminal.ts'
import { textWidth } from '../text-width.ts'

const GAP = '  '
// Less than this of a column says nothing.
const SHORTEST_LAST = 12

export interface Column<Row> {
  title: string
  /** Printable text; may be painted. */
  text(row: Row): string
  /** Numbers stand under one another. */
  right?: boolean
}

/**
 * Rows under titles, as wide as what they hold. The last column ends at `columns` where that is given, with a mark where
 * something is left out; the others are never cut: ids are to be copied.
 */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number | null): string {
  const cells = rows.map((row) => columns.map((column) => column.text(row)))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => widthOf(row[index] ?? ''))),
  )
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => {
        const isLast = index === texts.length - 1
        if (isLast && columns[index]?.right !== true) return width === null ? text : cut(text, width - offsetOf(widths))
        const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(text)))
        return columns[index]?.right ? padding + text : text + padding
      })
      .join(GAP)
      .trimEnd()
  const titles = style.dim(line(columns.map(({ title }) => title)))
  return `${[titles, ...cells.map(line)].join('\n')}\n`
}

/** Where the last column begins. */
function offsetOf(widths: readonly number[]): number {
  return widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0)
}

function widthOf(text: string): number {
  return textWidth(stripVTControlCharacters(text))
}

function cut(text: string, room: number): string {
  const columns = Math.max(SHORTEST_LAST, room)
  if (widthOf(text) <= columns) return text
  let shown = ''
  for (const character of stripVTControlCharacters(text)) {
    if (textWidth(shown) + textWidth(character) + 1 > columns) break
    shown += character
  }
  return `${shown.trimEnd()}…`
}

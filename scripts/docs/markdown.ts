/** A place in a document that is not right. */
export interface Finding {
  path: string
  line: number
  what: string
}

export interface Table {
  /** Of its header, counted from 1. */
  line: number
  /** In lower case. */
  header: string[]
  rows: { line: number; cells: string[] }[]
}

/** The tables of a Markdown text; cells without their backticks and with `\|` as a bar. */
export function tablesOf(text: string): Table[] {
  const tables: Table[] = []
  const lines = withoutFences(text).split('\n')
  for (const [index, line] of lines.entries()) {
    if (!/^\s*\|?[\s:|-]*---[\s:|-]*$/.test(line) || index === 0) continue
    const header = cellsOf(lines[index - 1] ?? '').map((cell) => cell.toLowerCase())
    const rows: Table['rows'] = []
    for (let at = index + 1; lines[at]?.trim().startsWith('|'); at += 1) {
      rows.push({ line: at + 1, cells: cellsOf(lines[at] ?? '') })
    }
    tables.push({ line: index, header, rows })
  }
  return tables
}

function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\||\|$/g, '')
  return inner.split(/(?<!\\)\|/).map((cell) =>
    cell
      .trim()
      .replace(/^`(.*)`$/, '$1')
      .replaceAll('\\|', '|'),
  )
}

/** The text with code blanked out, so that what stands in it is not taken for more than an example. */
export function withoutCode(text: string): string {
  return withoutFences(text).replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length))
}

function withoutFences(text: string): string {
  return text.replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1\s*$/gm, (fence) => fence.replace(/[^\n]/g, ' '))
}

/** The line an index of a text stands on, counted from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** The names under which a document's headings can be linked to, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, title = ''] of withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '')
    const anchor = plain.trim().replace(/\s/g, '-')
    let name = anchor
    for (let more = 1; anchors.has(name); more += 1) name = `${anchor}-${more}`
    anchors.add(name)
  }
  return anchors
}

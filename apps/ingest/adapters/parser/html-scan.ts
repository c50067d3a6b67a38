/**
 * HTML to text by one pass over its tags, without a tree: for pages too large or nested too deeply for one. It keeps
 * headings, paragraphs, list items and table rows; it does not tell the main text from what is around it. Linear in
 * the page and safe on any input.
 */
import type { Content } from './extract.ts'
import { markdownHeadings } from './markdown.ts'

/** What stands between these is not read. */
const UNREAD = new Set(['script', 'style', 'noscript', 'template', 'svg', 'iframe', 'object', 'title'])
const LINES = new Set(['br', 'tr', 'li', 'dt', 'dd', 'option'])
const INLINE = new Set([
  ...['a', 'abbr', 'b', 'bdi', 'bdo', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'img', 'ins', 'kbd'],
  ...[
    'label',
    'mark',
    'q',
    's',
    'samp',
    'small',
    'span',
    'strike',
    'strong',
    'sub',
    'sup',
    'time',
    'tt',
    'u',
    'var',
    'wbr',
  ],
])

export function scanHtml(html: string): Content {
  const parts: string[] = []
  const tag = /<(?:!--|(\/?)([a-z][a-z0-9-]*))/gi
  let at = 0
  while (at < html.length) {
    tag.lastIndex = at
    const found = tag.exec(html)
    parts.push(words(html.slice(at, found?.index ?? html.length)))
    if (!found) break
    const name = (found[2] ?? '').toLowerCase()
    const isClosing = found[1] === '/'
    parts.push(markFor(name, isClosing))
    at = afterTag(html, found.index, name, isClosing)
  }
  const text = tidy(parts.join(''))
  const headings = markdownHeadings(text)
  return { text, headings, title: titleOf(html) ?? headings[0]?.title ?? null }
}

/** Where reading goes on; the end where what was opened is never closed. */
function afterTag(html: string, start: number, name: string, isClosing: boolean): number {
  const end = name === '' ? html.indexOf('-->', start) : html.indexOf('>', start)
  if (end === -1) return html.length
  if (name === '') return end + 3
  if (isClosing || !UNREAD.has(name) || html[end - 1] === '/') return end + 1
  const close = new RegExp(`</${name}`, 'gi')
  close.lastIndex = end
  const closing = close.exec(html)
  if (!closing) return html.length
  const after = html.indexOf('>', closing.index)
  return after === -1 ? html.length : after + 1
}

function markFor(name: string, isClosing: boolean): string {
  if (name === '' || INLINE.has(name)) return ''
  if (name === 'td' || name === 'th') return isClosing ? ' | ' : ''
  if (name === 'li' && !isClosing) return '\n- '
  if (LINES.has(name)) return '\n'
  const level = /^h([1-6])$/.exec(name)?.[1]
  return level && !isClosing ? `\n\n${'#'.repeat(Number(level))} ` : '\n\n'
}

/** Named references that occur in running text; others stay as they are written. */
const NAMED: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  shy: '',
  mdash: '—',
  ndash: '–',
  hellip: '…',
  bull: '•',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  copy: '©',
  reg: '®',
  trade: '™',
  deg: '°',
  middot: '·',
  sect: '§',
  euro: '€',
  times: '×',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  aacute: 'á',
  ccedil: 'ç',
  ntilde: 'ñ',
  oacute: 'ó',
  iacute: 'í',
  uacute: 'ú',
}

function words(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/&(?:#(x[0-9a-f]{1,6}|\d{1,7})|([a-z]{2,8}));/gi, (whole, code, name) => {
    if (name !== undefined) return NAMED[name] ?? whole
    const point = Number.parseInt(code.replace(/^x/i, ''), /^x/i.test(code) ? 16 : 10)
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point).toWellFormed() : '\ufffd'
  })
}

function titleOf(html: string): string | null {
  const start = html.slice(0, 100_000)
  const title = /<title[^>]{0,200}>([^<]{1,1000})/i.exec(start)?.[1]
  return title ? words(title).trim() || null : null
}

function tidy(text: string): string {
  return text
    .replace(/[ \t]{2,}/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

/** Headings and front matter of Markdown, found line by line: linear in the text, whatever it is. */
import type { ExtractedDocument } from '../../ports.ts'

type Heading = ExtractedDocument['headings'][number]

/** A heading's title is for people and paths; longer ones are cut. */
const MAX_TITLE = 200

/** ATX (`## Title`) and setext (underlined) headings, outside fenced code and front matter. */
export function markdownHeadings(text: string): Heading[] {
  const headings: Heading[] = []
  let fence: string | null = null
  let previous: { line: string; start: number } | null = null
  for (let start = frontMatterEnd(text); start < text.length; ) {
    const end = lineEnd(text, start)
    // Nothing that starts a heading or a fence is longer; a line of megabytes is not copied for it.
    const line = text.slice(start, Math.min(end, start + 1000)).trimEnd()
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    if (fence !== null) {
      if (mark && closes(fence, mark)) fence = null
    } else if (mark && !(mark[1]?.startsWith('`') && mark[2]?.includes('`'))) {
      fence = mark[1] ?? null
      previous = null
    } else {
      const heading: Heading | null = atxHeading(line, start) ?? setextHeading(line, previous)
      if (heading) headings.push(heading)
      previous = heading || line.trim() === '' ? null : { line, start }
    }
    start = end + 1
  }
  return headings
}

/** `title:` of YAML front matter. */
export function frontMatterTitle(text: string): string | null {
  const end = frontMatterEnd(text)
  const line = /^title:[ \t]*([^\r\n]{1,500})/m.exec(text.slice(0, Math.min(end, 20_000)))?.[1]?.trim()
  if (!line) return null
  const quoted = /^(["'])(.*)\1$/.exec(line)
  return (quoted ? quoted[2] : line)?.trim() || null
}

/** Where the text after the front matter starts; 0 where there is none. */
function frontMatterEnd(text: string): number {
  if (!/^---[ \t]*\r?\n/.test(text.slice(0, 100))) return 0
  const end = /\n(---|\.\.\.)[ \t]*(\r?\n|$)/.exec(text.slice(0, 50_000))
  return end ? end.index + end[0].length : 0
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

function closes(fence: string, mark: RegExpExecArray): boolean {
  const closing = mark[1] ?? ''
  return closing[0] === fence[0] && closing.length >= fence.length && mark[2]?.trim() === ''
}

function atxHeading(line: string, start: number): Heading | null {
  const found = /^ {0,3}(#{1,6})[ \t]+(.*)$/.exec(line)
  const title = plainTitle((found?.[2] ?? '').replace(/(^|[ \t])#+$/, ''))
  return found?.[1] && title ? { level: found[1].length, title, start } : null
}

/** A line under text: `===` makes it a first-level heading, `---` a second-level one. Only over a single line. */
function setextHeading(line: string, previous: { line: string; start: number } | null): Heading | null {
  if (previous === null || !/^ {0,3}(=+|-{2,})$/.test(line)) return null
  if (/^\s*([-*+>|]|\d+[.)])|^ {4}|^\t/.test(previous.line)) return null
  const title = plainTitle(previous.line)
  return title ? { level: line.trim().startsWith('=') ? 1 : 2, title, start: previous.start } : null
}

/** The words of a heading, without its Markdown marks. */
export function plainTitle(source: string): string {
  return source
    .slice(0, 1000)
    .replace(/!?\[([^\][]*)\]\([^()\s]*(?:\s+"[^"]*")?\)/g, '$1')
    .replace(/<\/?[a-z][^<>]*>/gi, '')
    .replace(/(\*\*|__|`+)(?=\S)|(?<=\S)(\*\*|__|`+)/g, '')
    .replace(/\\([\\`*_{}[\]()#+\-.!~|<>])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_TITLE)
    .toWellFormed()
}

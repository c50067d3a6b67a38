import { type Article, articleLines, wrap } from './prose.ts'
import type { Random } from './random.ts'

/** Front matter, headings down to the deepest, lists, tables, a fence with a heading's mark inside. */
export function writeMarkdown(article: Article, random: Random): string {
  const lines = [
    '---',
    `title: "${article.title}"`,
    `date: ${article.date}`,
    `tags: [${article.subject.id}]`,
    '---',
    '',
  ]
  lines.push(`# ${article.title}`, '', ...article.intro.flatMap((text) => [text, '']))
  for (const [index, section] of article.sections.entries()) {
    const level = index % 5 === 4 ? 6 : section.level
    lines.push(`${'#'.repeat(level)} ${section.heading}`, '')
    for (const text of section.paragraphs) lines.push(...wrap(text, 100), '')
    if (section.list) lines.push(...section.list.map((item) => `- ${item}`), '')
    if (section.table) lines.push(...tableLines([section.table.header, ...section.table.rows]), '')
    if (random.chance(0.3)) lines.push('```sh', '# not a heading', `tail -f ${article.subject.id}.log`, '```', '')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function tableLines([header = [], ...rows]: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)]
}

/** Lines of at most 72 characters with a blank line between paragraphs. */
export function writeText(article: Article, lineEnd = '\n'): string {
  return `${articleLines(article)
    .map((line) => wrap(line, 72).join(lineEnd))
    .join(lineEnd + lineEnd)}${lineEnd}`
}

/** All of it in one line, as exports of databases come. */
export function writeLongLine(article: Article): string {
  return `${articleLines(article).join(' ')}\n`
}

/** UTF-16 with its byte order mark. */
export function utf16(text: string, order: 'le' | 'be'): Buffer {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return order === 'le' ? bytes : bytes.swap16()
}

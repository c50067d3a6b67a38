import type { Article, Section, Table } from './prose.ts'
import { escapeXml } from './write-docx.ts'

/** A page of a site: navigation, header, article, aside, footer and a script that must not be read. */
export function writePage(article: Article, options: { charset?: string } = {}): string {
  const { title, author, date } = article
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="${options.charset ?? 'utf-8'}"><title>${escapeXml(title)}</title>
<style>body { font: 12pt/1.5 serif } table { border-collapse: collapse }</style></head>
<body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About</a></li><li><a href="/all">All articles</a></li></ul></nav>
<main><article>
<h1>${escapeXml(title)}</h1>
<p class="byline">${escapeXml(author)}, <time datetime="${date}">${date}</time></p>
${article.intro.map((text) => `<p>${inline(text)}</p>`).join('\n')}
${article.sections.map(sectionHtml).join('\n')}
</article></main>
<aside><h2>Related</h2><a href="/other">Another article</a></aside>
<footer><p>Published by the reading society. All pages may be copied.</p></footer>
<script>window.visits = (window.visits || 0) + 1</script>
</body>
</html>
`
}

function sectionHtml(section: Section): string {
  const blocks = [`<h${section.level}>${escapeXml(section.heading)}</h${section.level}>`]
  for (const text of section.paragraphs) blocks.push(`<p>${inline(text)}</p>`)
  if (section.list) blocks.push(`<ul>${section.list.map((item) => `<li>${escapeXml(item)}</li>`).join('')}</ul>`)
  if (section.table) blocks.push(tableHtml(section.table))
  return blocks.join('\n')
}

/** With some marks of emphasis and links, as written pages have. */
function inline(text: string): string {
  return escapeXml(text)
    .replace(/^(\w+ \w+)/, '<em>$1</em>')
    .replace(/ (water|time|night|day) /, ' <a href="/word/$1">$1</a> ')
}

function tableHtml({ header, rows }: Table): string {
  const row = (cells: string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`
  const body = rows.map((cells) => row(cells, 'td')).join('')
  return `<table><thead>${row(header, 'th')}</thead><tbody>${body}</tbody></table>`
}

/** The same words with the faults pages have: open tags, crossed tags, unquoted attributes, a stray end. */
export function writeBrokenPage(article: Article): string {
  const parts = [
    `<title>${escapeXml(article.title)}`,
    `</title><body bgcolor=white><h1>${escapeXml(article.title)}<h1>`,
  ]
  for (const section of article.sections) {
    parts.push(`<h2 class=head>${escapeXml(section.heading)}<p>`)
    for (const text of section.paragraphs) parts.push(`<b><i>${escapeXml(text)}</b></i><p><font size=2>`)
    if (section.table)
      parts.push(
        `<table><tr>${section.table.rows
          .flat()
          .map((cell) => `<td>${escapeXml(cell)}`)
          .join('')}`,
      )
  }
  return `${parts.join('\n')}</div></span>&nbsp;&copy &unknown; <!-- an open comment`
}

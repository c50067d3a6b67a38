/** HTML to text with headings: Markdown's block marks are kept, since they read well; its inline marks are not. */
import { taskListItems } from '@joplin/turndown-plugin-gfm'
import TurndownService from 'turndown'
import type { Content } from './extract.ts'
import { markdownHeadings } from './markdown.ts'

/** As much of a DOM node as is used here: the server's code has no DOM types. */
interface HtmlNode {
  getAttribute(name: string): string | null
  querySelector(selector: string): unknown
}

let service: TurndownService | undefined

/** `title` wins over the first heading. */
export function htmlToContent(html: string, title: string | null): Content {
  service ??= createService()
  // Turndown is given a string: the table rules fail on the nodes of another DOM.
  const text = tidy(service.turndown(html))
  const headings = markdownHeadings(text)
  return { text, headings, title: title || headings[0]?.title || null }
}

function createService(): TurndownService {
  const turndown = new TurndownService({
    headingStyle: 'atx',
    codeBlockStyle: 'fenced',
    bulletListMarker: '-',
    emDelimiter: '_',
    hr: '---',
  })
  turndown.use(taskListItems)
  turndown.escape = (text) => text
  turndown.remove(['script', 'style', 'noscript', 'template', 'iframe', 'object'])
  // A passage is read and quoted as words: addresses and emphasis are not part of them.
  turndown.addRule('plain', {
    filter: ['a', 'em', 'i', 'strong', 'b', 'del', 's', 'strike' as 'del'],
    replacement: (content) => (/^\s*↑\s*$/.test(content) ? '' : content),
  })
  turndown.addRule('picture', { filter: 'img', replacement: (_, node) => attribute(node, 'alt') })
  turndown.addRule('heading', {
    filter: ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
    replacement: (content, node) => {
      const title = content.replace(/\s+/g, ' ').trim()
      return title ? `\n\n${'#'.repeat(Number(node.nodeName.slice(1)))} ${title}\n\n` : ''
    },
  })
  addTableRules(turndown)
  return turndown
}

/**
 * A row becomes one line, `| a | b |`. The plugin's own rules leave many tables as HTML (those with code, lists or
 * headings inside) and add rows of dashes; neither is text to search or to quote.
 */
function addTableRules(turndown: TurndownService): void {
  turndown.addRule('cell', {
    filter: ['td', 'th'],
    replacement: (content, node) => {
      // Tables that lay out a page hold blocks, not values.
      if (isLayoutCell(content, node as unknown as HtmlNode)) return `\n\n${content}\n\n`
      return ` ${content.replace(/\s+/g, ' ').trim()} |`
    },
  })
  turndown.addRule('row', {
    filter: 'tr',
    replacement: (content) => (content.startsWith('\n') ? content : content.trim() ? `\n|${content.trimEnd()}` : ''),
  })
  turndown.addRule('rows', { filter: ['thead', 'tbody', 'tfoot'], replacement: (content) => content })
  turndown.addRule('table', { filter: 'table', replacement: (content) => `\n\n${content.trim()}\n\n` })
}

function isLayoutCell(content: string, cell: HtmlNode): boolean {
  return (content.length > 400 && content.includes('\n\n')) || Boolean(cell.querySelector('table'))
}

function attribute(node: unknown, name: string): string {
  return ((node as HtmlNode).getAttribute(name) ?? '').replace(/\s+/g, ' ').trim()
}

function tidy(text: string): string {
  return text
    .replace(/\u00a0/g, ' ')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

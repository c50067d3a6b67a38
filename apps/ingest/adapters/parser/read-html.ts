/** Reader of HTML: the page's main text where it has one, all of its text otherwise. */
import { Readability } from '@mozilla/readability'
import { parseHTML } from 'linkedom'
import type { Rejection } from '../../ports.ts'
import { decodeText } from './decode.ts'
import type { Content } from './extract.ts'
import { htmlToContent } from './html-to-text.ts'

/** Pages larger than this are data, not articles: finding their main text takes minutes. */
const MAX_ELEMENTS = 100_000
/** Main text shorter than this share of the page's text is a wrong guess (an index, a list of links). */
const MIN_SHARE = 0.3
const MIN_LENGTH = 200

export async function readHtml(bytes: Buffer): Promise<Content | Rejection> {
  const html = decodeText(bytes, declaredEncoding(bytes))
  if (html === null) return { rejected: 'UNSUPPORTED_TYPE' }
  try {
    const { main, title } = mainContent(html)
    return htmlToContent(main, title)
  } catch (error) {
    // Nested deeper than the stack is: what is between the tags is still text.
    if (!(error instanceof RangeError)) throw error
    return { text: stripTags(html), title: null }
  }
}

function declaredEncoding(bytes: Buffer): string | null {
  const start = bytes.subarray(0, 2048).toString('latin1')
  return /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]+)/i.exec(start)?.[1] ?? null
}

function mainContent(html: string): { main: string; title: string | null } {
  const document = parse(html)
  const title = document.querySelector('title')?.textContent ?? null
  for (const element of document.querySelectorAll('script,style,noscript,template,svg,iframe,object')) element.remove()
  const fallback = document.body?.innerHTML ?? html
  const whole = (document.body?.textContent ?? '').replace(/\s+/g, ' ').length
  const article = findArticle(document)
  if (article && article.length >= Math.max(MIN_LENGTH, whole * MIN_SHARE))
    return { main: article.content, title: article.title ?? title }
  return { main: withoutFrame(fallback), title }
}

/** A document, also of a piece of HTML that has no `<html>` around it. */
function parse(html: string): Document {
  const isWhole = /<body[\s>]/i.test(html)
  return parseHTML(isWhole ? html : `<!doctype html><html><head></head><body>${html}</body></html>`)
    .document as unknown as Document
}

function findArticle(document: Document): { content: string; title: string | null; length: number } | null {
  try {
    const article = new Readability(document, { maxElemsToParse: MAX_ELEMENTS, disableJSONLD: true }).parse()
    if (!article?.content) return null
    return { content: article.content, title: article.title || null, length: article.length ?? 0 }
  } catch (error) {
    if (error instanceof RangeError) throw error
    return null
  }
}

/** The page without what stands around every page of its site. */
function withoutFrame(html: string): string {
  const document = parse(html)
  const body = document.body.innerHTML
  for (const element of document.querySelectorAll('nav,header,footer,aside,form')) element.remove()
  const left = document.body.textContent?.trim() ?? ''
  return left === '' ? body : document.body.innerHTML
}

/** The text between the tags, by a scan that cannot be led astray. */
export function stripTags(html: string): string {
  const parts: string[] = []
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    parts.push(html.slice(at, open === -1 ? html.length : open))
    if (open === -1) break
    const close = html.indexOf('>', open)
    if (close === -1) break
    parts.push(' ')
    at = close + 1
  }
  return parts
    .join('')
    .replace(/[ \t]+/g, ' ')
    .trim()
}

/** Reader of HTML: the page's main text where it has one, all of its text otherwise. */
import { Readability } from '@mozilla/readability'
import { parseHTML } from 'linkedom'
import type { Rejection } from '../../ports.ts'
import { decodeText } from './decode.ts'
import type { Content } from './extract.ts'
import { scanHtml } from './html-scan.ts'
import { htmlToContent } from './html-to-text.ts'

/** UTF-16 code units. A tree takes some fifty times its page's size. */
const MAX_TREE = 1_500_000
/** Elements inside one another. No page for people comes near, and every tree walk is slow or fails beyond. */
const MAX_DEPTH = 500
/** Pages of more elements are data, not articles: to look for their main text takes minutes. */
const MAX_ELEMENTS = 100_000
/** Main text shorter than this share of the page's text is a wrong guess (an index, a list of links). */
const MIN_SHARE = 0.3
const MIN_LENGTH = 200

/** As much of a document as is used here: the server's code has no DOM types. */
interface HtmlDocument {
  body: { innerHTML: string; textContent: string | null } | null
  querySelector(selector: string): { textContent: string | null } | null
  querySelectorAll(selector: string): Iterable<{ remove(): void }>
}

/** Elements whose content nobody reads. */
const UNREAD = 'script,style,noscript,template,svg,iframe,object'

export async function readHtml(bytes: Buffer): Promise<Content | Rejection> {
  const html = decodeText(bytes, declaredEncoding(bytes))
  if (html === null) return { rejected: 'UNSUPPORTED_TYPE' }
  if (html.length > MAX_TREE || depth(html) > MAX_DEPTH) return scanHtml(html)
  try {
    const { main, title } = mainContent(html)
    return htmlToContent(main, title)
  } catch (error) {
    // Nested deeper than the stack is: what is between the tags is still text.
    if (!(error instanceof RangeError)) throw error
    return scanHtml(html)
  }
}

/** Tags that are often left open, or never closed: they do not nest. */
const FLAT =
  /^(p|li|dt|dd|td|th|tr|thead|tbody|tfoot|option|br|hr|img|input|link|meta|area|base|col|embed|source|track|wbr)$/i

/** How deep elements stand in one another at most, roughly, by counting tags. */
function depth(html: string): number {
  let open = 0
  let most = 0
  for (const [, slash, name] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    if (FLAT.test(name ?? '')) continue
    open = slash ? Math.max(0, open - 1) : open + 1
    if (open > most) most = open
  }
  return most
}

function declaredEncoding(bytes: Buffer): string | null {
  const start = bytes.subarray(0, 2048).toString('latin1')
  return /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]+)/i.exec(start)?.[1] ?? null
}

function mainContent(html: string): { main: string; title: string | null } {
  const document = parse(html)
  const title = document.querySelector('title')?.textContent ?? null
  for (const element of document.querySelectorAll(UNREAD)) element.remove()
  const whole = document.body?.textContent?.length ?? 0
  const article = findArticle(document)
  if (article && article.length >= Math.max(MIN_LENGTH, whole * MIN_SHARE)) {
    return { main: article.content, title: article.title ?? title }
  }
  return { main: withoutFrame(html), title }
}

/** A document, also of a piece of HTML: the library puts nothing around what lacks `<html>` or `<body>`. */
function parse(html: string): HtmlDocument {
  let whole = html
  if (!/<body[\s>]/i.test(html)) whole = `<html><body>${html.replace(/<\/?html[^>]*>/gi, '')}</body></html>`
  else if (!/<html[\s>]/i.test(html)) whole = `<html>${html}</html>`
  return parseHTML(whole).document as unknown as HtmlDocument
}

function findArticle(document: HtmlDocument): { content: string; title: string | null; length: number } | null {
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
  for (const element of document.querySelectorAll(UNREAD)) element.remove()
  const whole = document.body?.innerHTML ?? ''
  for (const element of document.querySelectorAll('title,nav,header,footer,aside,form')) element.remove()
  return document.body?.textContent?.trim() ? document.body.innerHTML : whole
}

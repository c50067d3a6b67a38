import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { HoldfastError } from '@holdfast/protocol'
import type { FoundFile } from '../../ports.ts'
import { documentRejection } from './documents.ts'
import { sourceError } from './http-client.ts'
import { type Listed, NotASitemapError, readSitemap } from './sitemap.ts'
import { formatBytes } from './storage.ts'
import type { WebContext } from './web-source.ts'

interface Collection {
  pages: URL[]
  rejected: FoundFile[]
}

/**
 * The pages a sitemap lists, those of the sitemaps it lists included, each once and in their order. Pages of another
 * site are rejected; so is, as one entry, whatever goes beyond the most pages of a source. Throws where the first
 * sitemap cannot be had or is none; one further down is a rejection.
 */
export async function collectPages(start: URL, context: WebContext, signal: AbortSignal): Promise<Collection> {
  const { limits, clock } = context.options
  const collection: Collection = { pages: [], rejected: [] }
  const known = new Set<string>([start.href])
  const sitemaps = [start]
  for (let index = 0; index < sitemaps.length; index++) {
    const sitemap = sitemaps[index]
    if (!sitemap) break
    try {
      for (const { kind, address } of await readListed(sitemap, context, signal)) {
        const url = onSameSite(address, sitemap, start, collection.rejected)
        if (!url || known.has(url.href)) continue
        if (kind === 'page' && collection.pages.length + collection.rejected.length >= limits.maxFiles) {
          collection.rejected.push(tooMany(start, `more than ${limits.maxFiles} pages`))
          return collection
        }
        known.add(url.href)
        if (kind === 'page') collection.pages.push(url)
        else if (sitemaps.length < limits.maxSitemaps) sitemaps.push(url)
        else collection.rejected.push({ ...tooMany(start, `more than ${limits.maxSitemaps} sitemaps`), path: url.href })
      }
    } catch (error) {
      if (index === 0) throw firstSitemapError(error, start, signal, clock.now())
      collection.rejected.push(documentRejection(error, sitemap, signal))
    }
  }
  return collection
}

function tooMany(sitemap: URL, what: string): FoundFile {
  return { path: sitemap.href, rejected: 'TOO_LARGE', detail: `The sitemap lists ${what}; the rest is left out.` }
}

function firstSitemapError(error: unknown, url: URL, signal: AbortSignal, now: number): unknown {
  if (error instanceof NotASitemapError) {
    return new HoldfastError('INVALID_INPUT', `There is no sitemap at ${url.href}. ${error.message}`)
  }
  return sourceError(error, url, signal, now)
}

/** What one sitemap lists: at most one more than the pages of a source, so that going beyond can be told. */
async function readListed(url: URL, context: WebContext, signal: AbortSignal): Promise<Listed[]> {
  const { limits } = context.options
  const get = { signal, timeoutMs: limits.documentMs }
  return context.client.get(url, get, async ({ body }) => {
    const listed: Listed[] = []
    for await (const entry of readSitemap(capped(await unzipped(body), limits.maxSitemapBytes))) {
      listed.push(entry)
      if (listed.length > limits.maxFiles + limits.maxSitemaps) break
    }
    return listed
  })
}

/** A `.xml.gz` is told by its first bytes; servers label it in every way there is. */
async function unzipped(body: Readable): Promise<AsyncIterable<Uint8Array>> {
  const iterator = body[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < 2) {
    const { done, value } = await iterator.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const whole = async function* () {
    yield head
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) return whole()
  return pipeline(Readable.from(whole()), createGunzip(), () => {})
}

async function* capped(content: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let total = 0
  for await (const chunk of content) {
    total += chunk.byteLength
    if (total > maxBytes) throw new HoldfastError('TOO_LARGE', `A sitemap may be at most ${formatBytes(maxBytes)}.`)
    yield chunk
  }
}

/** The URL where it is of the site the first sitemap is of; otherwise says so among the rejections. */
function onSameSite(address: string, base: URL, start: URL, rejected: FoundFile[]): URL | null {
  if (!URL.canParse(address, base)) return null
  const url = new URL(address, base)
  url.hash = ''
  if ((url.protocol === 'http:' || url.protocol === 'https:') && siteOf(url) === siteOf(start)) return url
  const detail = `It is not on ${start.host}, the site of the sitemap.`
  rejected.push({ path: url.href, rejected: 'DOWNLOAD_FAILED', detail })
  return null
}

/** http and https, with and without `www.`, are one site; another port or subdomain is another. */
function siteOf(url: URL): string {
  return url.host.replace(/^www\./, '')
}

import { HoldfastError } from '@holdfast/protocol'
import type { FoundFile, Source } from '../../ports.ts'
import { documentRejection, type FetchOptions, fetchDocument, Progress } from './documents.ts'
import { DownloadFolder } from './download-folder.ts'
import { type HttpClient, sourceError } from './http-client.ts'
import type { ResolvedOptions } from './options.ts'
import { collectPages } from './sitemap-pages.ts'

/** How many documents of a sitemap are under way together; a host never gets more than its own share of requests. */
const DOCUMENTS_AT_ONCE = 4

export interface WebContext {
  client: HttpClient
  options: ResolvedOptions
}

type Fetched = { root: string; rejected: FoundFile[] }

/** An http or https address as a URL, without its fragment. Throws INVALID_INPUT. */
export function parseWebAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || address.length > 8_192 || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HoldfastError('INVALID_INPUT', 'The address has to begin with http:// or https://.')
  }
  if (url.username !== '' || url.password !== '') {
    throw new HoldfastError('INVALID_INPUT', 'The address may not hold a user name or password.')
  }
  url.hash = ''
  return url
}

/** One document. Where it cannot be had, the source cannot: throws NOT_FOUND, FORBIDDEN, SOURCE_UNREACHABLE, … */
export async function fetchUrl(
  source: Source & { kind: 'url' },
  workDir: string,
  context: WebContext,
  { signal, onProgress }: FetchOptions,
): Promise<Fetched> {
  const url = parseWebAddress(source.url)
  const folder = await DownloadFolder.open(workDir, source)
  const progress = new Progress(onProgress)
  progress.total = 1
  progress.tell(url.href)
  try {
    await fetchDocument(url, { client: context.client, folder, limits: context.options.limits, progress, signal })
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'TOO_LARGE')) {
      throw sourceError(error, url, signal, context.options.clock.now())
    }
    return { root: folder.root, rejected: [documentRejection(error, url, signal)] }
  }
  progress.done(null)
  return { root: folder.root, rejected: [] }
}

/** Every page a sitemap lists. A page that cannot be had is a rejection; the sitemap itself missing is an error. */
export async function fetchSitemap(
  source: Source & { kind: 'sitemap' },
  workDir: string,
  context: WebContext,
  { signal, onProgress }: FetchOptions,
): Promise<Fetched> {
  const progress = new Progress(onProgress)
  progress.tell(source.url)
  const folder = await DownloadFolder.open(workDir, source)
  const { pages, rejected } = await collectPages(parseWebAddress(source.url), context, signal)
  progress.total = pages.length
  progress.tell(null)
  const { limits } = context.options
  const next = pages.values()
  const work = async () => {
    for (const url of next) {
      signal.throwIfAborted()
      try {
        if (progress.bytes >= limits.maxTotalBytes) throw new HoldfastError('TOO_LARGE', 'The source is too large.')
        await fetchDocument(url, { client: context.client, folder, limits, progress, signal })
      } catch (error) {
        rejected.push(documentRejection(error, url, signal))
      }
      progress.done(url.href)
    }
  }
  await allOrFirstFailure(Array.from({ length: DOCUMENTS_AT_ONCE }, work))
  rejected.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  return { root: folder.root, rejected }
}

/** Waits for all of them even where one fails, so that nothing goes on writing behind the caller's back. */
async function allOrFirstFailure(work: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

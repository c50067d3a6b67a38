import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '@holdfast/protocol'
import type { FoundFile, Source } from '../../ports.ts'
import { type FetchOptions, Progress } from './documents.ts'
import { downloadFolder } from './download-folder.ts'
import { type HttpClient, type HttpResponse, HttpStatusError, retryAfterMs, sourceError } from './http-client.ts'
import type { ResolvedOptions } from './options.ts'
import { readJson, syncTree, writeJson } from './storage.ts'
import { unpackTarball } from './tarball.ts'

export interface RepositoryName {
  owner: string
  name: string
  ref: string | null
}

const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})$/
const NAME = /^[A-Za-z0-9._-]{1,100}$/
// git check-ref-format, and nothing that means something in a URL.
const REF = /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|\/$|\/\.))[^\s~^:?*[\\\p{Cc}]{1,255}$/u

/**
 * `owner/name`, or an address on GitHub such as `https://github.com/owner/name/tree/v1`: everything behind `/tree/` is
 * the branch, tag or commit, since branches may hold slashes. Throws INVALID_INPUT.
 */
export function parseRepository(source: Source & { kind: 'repository' }, apiBaseUrl: string): RepositoryName {
  const text = source.repository.trim()
  const segments = text.includes('://') ? addressSegments(text, apiBaseUrl) : text.split('/')
  const [owner = '', rawName = '', tree, ...rest] = segments
  const name = rawName.replace(/\.git$/, '')
  const isTree = tree === 'tree' && rest.length > 0 && text.includes('://')
  if (!OWNER.test(owner) || !NAME.test(name) || /^\.+$/.test(name) || (tree !== undefined && !isTree)) {
    throw new HoldfastError('INVALID_INPUT', 'Name the repository as owner/name or by its address on GitHub.')
  }
  const ref = source.ref ?? (isTree ? rest.join('/') : null)
  if (ref !== null && !REF.test(ref)) throw new HoldfastError('INVALID_INPUT', 'That is no branch, tag or commit.')
  return { owner, name, ref }
}

function addressSegments(address: string, apiBaseUrl: string): string[] {
  const url = URL.canParse(address) ? new URL(address) : null
  const hosts = ['github.com', 'www.github.com', new URL(apiBaseUrl).hostname.replace(/^api\./, '')]
  if (!url || !/^https?:$/.test(url.protocol) || !hosts.includes(url.hostname)) {
    throw new HoldfastError('INVALID_INPUT', 'Name the repository as owner/name or by its address on GitHub.')
  }
  try {
    return decodeURIComponent(url.pathname)
      .replace(/^\/+|\/+$/g, '')
      .split('/')
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', 'The address of the repository is not valid.', { cause })
  }
}

/**
 * Downloads a repository's files as GitHub packs them (`GET /repos/{owner}/{repo}/tarball/{ref}`) and unpacks them on
 * the way. The folder gets its name when all of it is there. Throws NOT_FOUND, FORBIDDEN, TOO_MANY_REQUESTS,
 * SOURCE_UNREACHABLE, TOO_LARGE or STORAGE_FULL.
 */
export async function fetchRepository(
  source: Source & { kind: 'repository' },
  workDir: string,
  { client, options }: { client: HttpClient; options: ResolvedOptions },
  { signal, onProgress }: FetchOptions,
): Promise<{ root: string; rejected: FoundFile[] }> {
  const folder = downloadFolder(workDir)
  const root = path.join(folder, 'files')
  const partial = path.join(folder, 'partial')
  const complete = path.join(folder, 'complete.json')
  const known = await readComplete(complete, source)
  if (known) return { root, rejected: known }

  const repository = parseRepository(source, options.github.baseUrl)
  const url = tarballUrl(repository, options.github.baseUrl)
  const api = url.origin
  const headers = (hop: URL): Record<string, string> => (hop.origin === api ? apiHeaders(options.github.token) : {})
  const unpack = async (response: HttpResponse) => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: 0o700 })
    return unpackTarball(response.body, partial, { limits: options.limits, progress: new Progress(onProgress), signal })
  }
  const get = { signal, timeoutMs: options.limits.repositoryMs, headers }
  const rejected = await client.get(url, get, unpack).catch(async (error) => {
    await rm(folder, { recursive: true, force: true })
    throw repositoryError(error, repository, url, signal, options)
  })
  await syncTree(partial)
  await rename(partial, root)
  await writeJson(complete, { source, rejected })
  return { root, rejected }
}

async function readComplete(file: string, source: Source): Promise<FoundFile[] | null> {
  const known = (await readJson(file)) as { source: Source; rejected: FoundFile[] } | null
  return known && JSON.stringify(known.source) === JSON.stringify(source) ? known.rejected : null
}

function tarballUrl({ owner, name, ref }: RepositoryName, baseUrl: string): URL {
  const suffix = ref === null ? '' : `/${ref.split('/').map(encodeURIComponent).join('/')}`
  return new URL(`${baseUrl}/repos/${owner}/${name}/tarball${suffix}`)
}

function apiHeaders(token: string | undefined): Record<string, string> {
  return {
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
}

function repositoryError(
  error: unknown,
  { owner, name, ref }: RepositoryName,
  url: URL,
  signal: AbortSignal,
  options: ResolvedOptions,
): unknown {
  if (!(error instanceof HttpStatusError)) return sourceError(error, url, signal, options.clock.now())
  const { token } = options.github
  const what = `${owner}/${name}${ref === null ? '' : ` at ${ref}`}`
  if (error.status === 404) {
    const why = token === undefined ? 'Private ones need GITHUB_TOKEN.' : 'Or GITHUB_TOKEN does not give access to it.'
    return new HoldfastError('NOT_FOUND', `There is no repository ${what}. ${why}`)
  }
  if (error.status === 401) return new HoldfastError('FORBIDDEN', 'GitHub does not accept the GITHUB_TOKEN.')
  const wait = rateLimitSeconds(error, options.clock.now())
  if (wait !== null) {
    const hint = token === undefined ? ' With GITHUB_TOKEN it allows many more.' : ''
    return new HoldfastError('TOO_MANY_REQUESTS', `GitHub allows no more requests for now.${hint}`, {
      retryAfter: wait,
    })
  }
  return sourceError(error, url, signal, options.clock.now())
}

/** Seconds until GitHub answers again, `null` where the answer was not about its rate limit. */
function rateLimitSeconds({ status, headers }: HttpStatusError, now: number): number | null {
  if (status !== 403 && status !== 429) return null
  const after = retryAfterMs(headers['retry-after'], now)
  if (after !== null) return Math.ceil(after / 1000)
  const reset = Number(headers['x-ratelimit-reset'])
  if (headers['x-ratelimit-remaining'] === '0' && reset > 0) return Math.max(1, Math.ceil(reset - now / 1000))
  // What GitHub asks for where it names no time (REST API, "Best practices").
  return status === 429 ? 60 : null
}

import { realpathSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { SourceView } from '@holdfast/ingest/view'
import { usageStop } from '../command-line.ts'
import { Stop } from '../stop.ts'
import { printable } from '../text-width.ts'

/** What to ingest, as the server is asked for it and as people are told. */
export interface NamedSource {
  /** Body of `POST /api/projects/:id/ingestions`. */
  body: { path: string } | { url: string } | { sitemap: string } | { repository: string; ref?: string }
  label: string
  /** The project it goes into where none is named. */
  projectName: string
  /** The file or folder on this machine; `null` for what comes from elsewhere. */
  path: string | null
}

export interface SourceFlags {
  sitemap: boolean
  ref: string | undefined
}

// As GitHub has them; a folder of the same name on this machine goes first.
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/
const NAME_MAX_LENGTH = 200

/** Tells from one argument what is meant: a path that is there, an address, or a repository on GitHub. */
export function readSource(argument: string, { sitemap, ref }: SourceFlags, cwd: string): NamedSource {
  const source = nameSource(argument, sitemap, cwd)
  if (ref === undefined) return source
  if (!('repository' in source.body)) throw usageStop('ingest', '--ref names a branch, tag or commit of a repository')
  return { ...source, body: { ...source.body, ref }, label: `${source.label} at ${printable(ref)}` }
}

function nameSource(argument: string, sitemap: boolean, cwd: string): NamedSource {
  if (/^https?:\/\//i.test(argument)) return nameAddress(argument, sitemap)
  if (sitemap) throw usageStop('ingest', '--sitemap wants the address of a sitemap')
  const path = resolve(cwd, argument)
  if (statSync(path, { throwIfNoEntry: false })) {
    const projectName = printable(basename(path) || path).slice(0, NAME_MAX_LENGTH)
    return { body: { path }, label: printable(path), projectName, path }
  }
  if (REPOSITORY.test(argument)) return nameRepository(argument, argument)
  throw new Stop(`there is no file or folder at ${printable(path)}`)
}

function nameAddress(address: string, sitemap: boolean): NamedSource {
  if (!URL.canParse(address)) throw usageStop('ingest', `"${printable(address)}" is not an address`)
  const url = new URL(address)
  const base = { label: printable(url.href), projectName: url.host, path: null }
  if (sitemap) return { ...base, body: { sitemap: url.href } }
  const [owner, name, tree] = url.pathname.split('/').filter((segment) => segment !== '')
  const isRepository = /^(www\.)?github\.com$/.test(url.host) && name !== undefined
  if (isRepository && (tree === undefined || tree === 'tree')) return nameRepository(address, `${owner}/${name}`)
  return { ...base, body: { url: url.href } }
}

function nameRepository(repository: string, shown: string): NamedSource {
  const name = shown.replace(/\.git$/, '')
  return { body: { repository }, label: `${name} on GitHub`, projectName: name, path: null }
}

/** Whether an ingestion the server knows is of this source. */
export function isSameSource({ body, path }: NamedSource, known: SourceView): boolean {
  if (path !== null) return known.kind === 'path' && known.label === realpathSync(path)
  if ('url' in body) return known.kind === 'url' && known.label === body.url
  if ('sitemap' in body) return known.kind === 'sitemap' && known.label === body.sitemap
  if ('repository' in body) return known.kind === 'repository' && known.label === repositoryLabel(body)
  return false
}

/** As the server names it: `owner/name`, with `@ref` where one was asked for. */
function repositoryLabel({ repository, ref }: { repository: string; ref?: string }): string {
  const path = URL.canParse(repository) ? decodeURIComponent(new URL(repository).pathname) : repository
  const [owner, name = '', tree, ...rest] = path.replace(/^\/+|\/+$/g, '').split('/')
  const asked = ref ?? (tree === 'tree' ? rest.join('/') : '')
  return `${owner}/${name.replace(/\.git$/, '')}${asked === '' ? '' : `@${asked}`}`
}

import { realpath, rm } from 'node:fs/promises'
import { isIP } from 'node:net'
import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { FoundFile, Source, Sources } from '../../ports.ts'
import { createAddressCheck } from './address-check.ts'
import type { FetchOptions } from './documents.ts'
import { downloadFolder } from './download-folder.ts'
import { createHttpClient } from './http-client.ts'
import { resolveOptions, type SourcesOptions } from './options.ts'
import { createPathGuard, recheckFile } from './path-guard.ts'
import { createPlaces, uploadOf } from './places.ts'
import { fetchRepository, parseRepository } from './repository-source.ts'
import { createUploads } from './upload.ts'
import { walk } from './walk.ts'
import { fetchSitemap, fetchUrl, parseWebAddress } from './web-source.ts'

type FetchedSource = { root: string; rejected: FoundFile[] }

/** The port with the one thing more that whoever creates it has to do. */
export interface ManagedSources extends Sources {
  /** Ends every download under way and closes the connections. */
  close(): Promise<void>
}

/**
 * Files from uploads, folders of this machine, the web and GitHub. What comes from where, what is left out and what
 * is refused stands in this folder's README.md. Throws where an option is not valid, naming it.
 *
 * ```ts
 * const sources = createSources({ dataDir: '/var/lib/holdfast', roots: ['/srv/documents'] })
 * const source = await sources.validate({ kind: 'path', path: '/srv/documents/handbook' })
 * const { root } = await sources.fetch(source, workDir, { signal, onProgress })
 * for await (const file of sources.walk(root, signal)) …
 * ```
 */
export function createSources(given: SourcesOptions): ManagedSources {
  const options = resolveOptions(given)
  const isPermitted = addressCheck(options.allowPrivateAddresses)
  const guard = createPathGuard(options)
  const places = createPlaces(options.dataDir, guard)
  const uploads = createUploads(options)
  const client = createHttpClient(options)
  const context = { client, options }

  /** Refuses at once what the connection would refuse later: an address written out in the URL. */
  function checkAddress(address: string): void {
    const url = parseWebAddress(address)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isLocalName = /(?:^|\.)localhost\.?$/i.test(host) && !isPermitted('127.0.0.1')
    if (isLocalName || (isIP(host) !== 0 && !isPermitted(host))) {
      throw new HoldfastError('INVALID_INPUT', `${url.host} is not among the networks the server may fetch from.`)
    }
  }

  async function fetch(source: Source, workDir: string, fetchOptions: FetchOptions): Promise<FetchedSource> {
    fetchOptions.signal.throwIfAborted()
    switch (source.kind) {
      case 'upload': {
        const { signal, onProgress } = fetchOptions
        const onFile = ({ path: current, ...done }: { path: string; files: number; bytes: number }) =>
          onProgress({ ...done, total: source.files, current })
        const root = await uploads.filesOf(source.uploadId, { signal, onFile })
        return { root: await realpath(root), rejected: [] }
      }
      case 'path':
        return { root: await guard.check(source.path), rejected: [] }
      case 'url':
        return realRoot(await fetchUrl(source, workDir, context, fetchOptions))
      case 'sitemap':
        return realRoot(await fetchSitemap(source, workDir, context, fetchOptions))
      case 'repository':
        return realRoot(await fetchRepository(source, workDir, context, fetchOptions))
    }
  }

  return {
    async validate(source) {
      switch (source.kind) {
        case 'upload':
          await uploads.check(source.uploadId)
          return source
        case 'path':
          return { kind: 'path', path: await guard.check(source.path) }
        case 'url':
        case 'sitemap':
          checkAddress(source.url)
          return { kind: source.kind, url: parseWebAddress(source.url).href }
        case 'repository': {
          const { owner, name, ref } = parseRepository(source, options.github.baseUrl)
          return { kind: 'repository', repository: `${owner}/${name}`, ...(ref === null ? {} : { ref }) }
        }
      }
    },

    fetch,

    walk: (root, signal) => walk(root, guard, signal),
    recheck: ({ kind }, absolutePath) => recheckFile(guard, absolutePath, kind !== 'path'),
    openUpload: (uploadId) => uploads.open(uploadId),
    placeOf: places.placeOf,
    pathOf: places.pathOf,

    async bring(source, place, workDir, signal) {
      const options = { signal, onProgress: () => {} }
      try {
        if (source.kind !== 'upload') await fetch(source, workDir, options)
        else await uploads.filesOf(uploadOf(place) ?? source.uploadId, { signal, onFile: () => {} })
      } catch (error) {
        // An upload that is nowhere: its files are not there, each for itself.
        if (source.kind !== 'upload' || !isHoldfastError(error, 'NOT_FOUND')) throw error
      }
    },

    async discard(source: Source, workDir: string) {
      if (source.kind === 'upload') await uploads.discard(source.uploadId)
      else if (source.kind !== 'path') await rm(downloadFolder(workDir), { recursive: true, force: true })
    },

    claim: (source) => (source.kind === 'upload' ? uploads.claim(source.uploadId) : []),
    release: (uploadId) => uploads.release(uploadId),

    close: () => client.close(),
  }
}

function addressCheck(networks: string[]) {
  try {
    return createAddressCheck(networks)
  } catch (cause) {
    throw new HoldfastError(
      'INVALID_INPUT',
      `allowPrivateAddresses holds what is no network: ${networks.join(', ')}.`,
      {
        cause,
      },
    )
  }
}

/** The walk tells a folder that has come to lead elsewhere by its real path. */
async function realRoot<Fetched extends { root: string }>(fetched: Fetched): Promise<Fetched> {
  return { ...fetched, root: await realpath(fetched.root) }
}

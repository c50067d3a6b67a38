import type { LookupFunction } from 'node:net'
import { type Clock, systemClock } from '@holdfast/protocol'
import type { UploadArchive } from './upload-archive.ts'

/** What one source may cost. Bytes and milliseconds. */
export interface SourceLimits {
  /** Largest single file that is uploaded, downloaded or unpacked. Default 256 MiB. */
  maxFileBytes: number
  /** Most files of one upload, sitemap or repository. Default 100,000. */
  maxFiles: number
  /** Largest sum of one upload, sitemap or repository (unpacked). Default 20 GiB. */
  maxTotalBytes: number
  /** Largest sitemap, unpacked. Default 50 MiB, the most sitemaps.org allows. */
  maxSitemapBytes: number
  /** Most sitemaps read through one index. Default 500. */
  maxSitemaps: number
  /** Longest time for one document or sitemap, its retries not counted. Default 2 minutes. */
  documentMs: number
  /** Longest time for one repository. Default 30 minutes. */
  repositoryMs: number
  /** Longest silence of a server before and within its answer. Default 30 seconds. */
  idleMs: number
  /** Requests at the same time to one host. Default 2. */
  requestsPerHost: number
  /** How often a request is made again after 429, 5xx or a broken connection. Default 3. */
  retries: number
  /** Longest `Retry-After` that is waited for; a longer one ends the file. Default 2 minutes. */
  longestWaitMs: number
}

export const DEFAULT_LIMITS: SourceLimits = {
  maxFileBytes: 256 * 1024 * 1024,
  maxFiles: 100_000,
  maxTotalBytes: 20 * 1024 * 1024 * 1024,
  maxSitemapBytes: 50 * 1024 * 1024,
  maxSitemaps: 500,
  documentMs: 120_000,
  repositoryMs: 30 * 60_000,
  idleMs: 30_000,
  requestsPerHost: 2,
  retries: 3,
  longestWaitMs: 120_000,
}

export interface SourcesOptions {
  /** DATA_DIR, absolute. Uploads are kept in its folder `uploads`; nothing else below it can be named as a source. */
  dataDir: string
  /** INGEST_ROOTS, absolute: the folders whose content may be ingested by path. */
  roots: string[]
  github?: {
    /** Default `https://api.github.com`. */
    baseUrl?: string
    /** Sent to that origin only, never to where it redirects. */
    token?: string | undefined
  }
  limits?: Partial<SourceLimits>
  /** Where uploads stand for all nodes. Default: nowhere but in DATA_DIR. */
  archive?: UploadArchive
  /** Default: the real one. */
  clock?: Clock
  /**
   * Networks downloads may reach although they are not public, as CIDRs (`10.0.0.0/8`). Default none: private,
   * loopback and link-local addresses are refused, by whatever name or redirect they are reached.
   */
  allowPrivateAddresses?: string[]
  /** Default `Holdfast/<version> (document ingestion)`. */
  userAgent?: string
  /** How names become addresses. Default: the system's resolver. */
  lookup?: LookupFunction
}

/** The same with every default filled in. */
export interface ResolvedOptions {
  dataDir: string
  roots: string[]
  github: { baseUrl: string; token: string | undefined }
  limits: SourceLimits
  archive: UploadArchive | undefined
  clock: Clock
  allowPrivateAddresses: string[]
  userAgent: string
  lookup: LookupFunction | undefined
}

export function resolveOptions(options: SourcesOptions): ResolvedOptions {
  return {
    dataDir: options.dataDir,
    roots: options.roots,
    github: {
      baseUrl: (options.github?.baseUrl ?? 'https://api.github.com').replace(/\/+$/, ''),
      token: options.github?.token || undefined,
    },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    archive: options.archive,
    clock: options.clock ?? systemClock,
    allowPrivateAddresses: options.allowPrivateAddresses ?? [],
    userAgent: options.userAgent ?? 'Holdfast/0.1 (document ingestion)',
    lookup: options.lookup,
  }
}

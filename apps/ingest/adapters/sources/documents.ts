import { isHoldfastError } from '@holdfast/protocol'
import type { FetchProgress, FileCode, FoundFile } from '../../ports.ts'
import type { DownloadFolder } from './download-folder.ts'
import { dispositionName, nameForUrl } from './file-names.ts'
import { failureText, type HttpClient, HttpStatusError } from './http-client.ts'
import type { SourceLimits } from './options.ts'

export interface FetchOptions {
  signal: AbortSignal
  onProgress: (progress: FetchProgress) => void
}

/** Counts what is fetched and tells it, at most once for every megabyte of a file. */
export class Progress {
  #files = 0
  #bytes = 0
  #untold = 0
  readonly #tell: FetchOptions['onProgress']
  total: number | null = null

  constructor(tell: FetchOptions['onProgress']) {
    this.#tell = tell
  }

  get bytes(): number {
    return this.#bytes
  }

  add(bytes: number, current: string): void {
    this.#bytes += bytes
    this.#untold += bytes
    if (this.#untold >= 1024 * 1024) this.tell(current)
  }

  /** A file is done, whether it was fetched, was there, or failed. */
  done(current: string | null): void {
    this.#files++
    this.tell(current)
  }

  tell(current: string | null): void {
    this.#untold = 0
    this.#tell({ files: this.#files, total: this.total, bytes: this.#bytes, current })
  }
}

/** Downloads one document into the folder, unless it is there. Throws what the client throws, TOO_LARGE, STORAGE_FULL. */
export async function fetchDocument(
  url: URL,
  context: {
    client: HttpClient
    folder: DownloadFolder
    limits: SourceLimits
    progress: Progress
    signal: AbortSignal
  },
): Promise<void> {
  const { client, folder, limits, progress } = context
  const present = folder.bytesOf(url.href)
  if (present !== null) {
    progress.add(present, url.href)
    return
  }
  await client.get(url, { signal: context.signal, timeoutMs: limits.documentMs }, async (response) => {
    let read = 0
    const onBytes = (bytes: number) => {
      read += bytes
      progress.add(bytes, url.href)
    }
    const name = nameForUrl(url, response.headers['content-type'], dispositionName(headerText(response.headers)))
    try {
      await folder.store(url.href, name, response.body, { maxBytes: limits.maxFileBytes, onBytes })
    } catch (error) {
      // It will be read anew or not at all.
      progress.add(-read, url.href)
      throw error
    }
  })
}

function headerText(headers: Record<string, string | string[] | undefined>): string | undefined {
  const value = headers['content-disposition']
  return Array.isArray(value) ? value[0] : value
}

/** A document that could not be had, as an entry of the table of files. An abort and a full disk are no such thing. */
export function documentRejection(error: unknown, url: URL, signal: AbortSignal): FoundFile {
  if (signal.aborted) throw signal.reason
  if (isHoldfastError(error) && error.code !== 'TOO_LARGE') throw error
  const rejected: FileCode = isHoldfastError(error) ? 'TOO_LARGE' : 'DOWNLOAD_FAILED'
  const detail = error instanceof HttpStatusError ? `The server answered ${error.status}.` : failureText(error)
  return { path: url.href, rejected, detail }
}

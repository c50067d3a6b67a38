import { rm } from 'node:fs/promises'
import path from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import { extract, type Header } from 'tar-stream'
import type { FoundFile } from '../../ports.ts'
import type { Progress } from './documents.ts'
import { isHidden, safeRelativeName } from './file-names.ts'
import { RequestRefusedError } from './http-client.ts'
import type { SourceLimits } from './options.ts'
import { createFile, formatBytes, writeStream } from './storage.ts'

// Text packs to a tenth, the emptiest of honest archives to a fiftieth; gzip itself reaches a thousandth.
const MAX_RATIO = 200
// Below that a high ratio harms nobody.
const RATIO_FROM = 32 * 1024 * 1024

interface UnpackOptions {
  limits: SourceLimits
  progress: Progress
  signal: AbortSignal
}

/**
 * Unpacks a gzipped tar as it arrives, without the one folder everything in it lies in. Only regular files are
 * written, by names that stay below `folder`; links and devices are rejections. Throws TOO_LARGE over the caps of
 * files, bytes and ratio, STORAGE_FULL, or the error of a broken archive.
 */
export async function unpackTarball(body: Readable, folder: string, options: UnpackOptions): Promise<FoundFile[]> {
  const rejected: FoundFile[] = []
  const tar = extract()
  const inflating = pipeline(body, ...inflate(options.limits), tar, { signal: options.signal })
  // Awaited below; an error comes out of the loop first.
  inflating.catch(() => {})
  let files = 0
  try {
    for await (const entry of tar) {
      if (entry.header.type !== 'directory') files++
      if (files > options.limits.maxFiles) {
        throw new HoldfastError('TOO_LARGE', `A repository may have at most ${options.limits.maxFiles} files.`)
      }
      // tar-stream's types name streamx, which brings none.
      const content = entry as unknown as AsyncIterable<Uint8Array>
      const rejection = await unpackEntry(entry.header, content, folder, options)
      if (rejection) rejected.push(rejection)
      entry.resume()
    }
  } catch (error) {
    tar.destroy()
    throw archiveError(await inflating.catch((cause) => cause), error, options.signal)
  }
  await inflating.catch((error) => {
    throw archiveError(error, error, options.signal)
  })
  if (files === 0) throw new RequestRefusedError('The archive is empty.')
  return rejected
}

/** Where the archive broke is told by the stream it came through; what we refused, by ourselves. */
function archiveError(fromStream: unknown, fromLoop: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (isHoldfastError(fromLoop)) return fromLoop
  const error = fromStream instanceof Error && 'code' in fromStream ? fromStream : fromLoop
  return isHoldfastError(error) || (error instanceof Error && 'code' in error)
    ? error
    : new RequestRefusedError('The archive is damaged.', { cause: error })
}

function inflate(limits: SourceLimits): [Transform, Transform, Transform] {
  let packed = 0
  let unpacked = 0
  const countPacked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      packed += chunk.byteLength
      done(null, chunk)
    },
  })
  const countUnpacked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacked += chunk.byteLength
      if (unpacked > limits.maxTotalBytes) {
        done(new HoldfastError('TOO_LARGE', `A repository may be at most ${formatBytes(limits.maxTotalBytes)}.`))
      } else if (unpacked > RATIO_FROM && unpacked > packed * MAX_RATIO) {
        done(new HoldfastError('TOO_LARGE', 'The archive would unpack to far more than its size allows.'))
      } else {
        done(null, chunk)
      }
    },
  })
  return [countPacked, createGunzip(), countUnpacked]
}

async function unpackEntry(
  header: Header,
  content: AsyncIterable<Uint8Array>,
  folder: string,
  { limits, progress }: UnpackOptions,
): Promise<FoundFile | null> {
  if (header.type === 'directory') return null
  const shown = header.name.slice(header.name.indexOf('/') + 1)
  const name = entryName(shown)
  if (name === null)
    return { path: shown, rejected: 'UNREADABLE', detail: 'Its name is not one to store a file under.' }
  // The walk would not read them, and a repository holds only what was meant to be in it: no rule leaves out more.
  if (isHidden(name)) return null
  if (header.type === 'symlink' || header.type === 'link') {
    return { path: name, rejected: 'LINK_OUTSIDE', detail: 'Links in a repository are not followed.' }
  }
  if (header.type !== 'file' && header.type !== 'contiguous-file') return { path: name, rejected: 'SPECIAL_FILE' }
  if (header.size > limits.maxFileBytes) {
    return { path: name, rejected: 'TOO_LARGE', detail: `It is ${formatBytes(header.size)}.` }
  }
  return writeEntry(path.join(folder, name), name, content, limits, progress)
}

function entryName(name: string): string | null {
  try {
    return safeRelativeName(name)
  } catch {
    return null
  }
}

async function writeEntry(
  file: string,
  name: string,
  content: AsyncIterable<Uint8Array>,
  limits: SourceLimits,
  progress: Progress,
): Promise<FoundFile | null> {
  const handle = await createFile(file).catch((error) => {
    if (isHoldfastError(error)) throw error
    return null
  })
  if (!handle) return { path: name, rejected: 'UNREADABLE', detail: 'Another file stands under the same name.' }
  try {
    const onBytes = (bytes: number) => progress.add(bytes, name)
    await writeStream(content, handle, { maxBytes: limits.maxFileBytes, onBytes })
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  progress.done(name)
  return null
}

import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, opendir, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { HoldfastError } from '@holdfast/protocol'

/**
 * Writes a stream to an open file and answers how many bytes it was. Nothing is held but the chunk in hand. Throws
 * TOO_LARGE over the cap, STORAGE_FULL when the disk is, and the stream's own error where that breaks.
 */
export async function writeStream(
  content: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  options: { maxBytes: number; onBytes?: (bytes: number) => void },
): Promise<number> {
  let total = 0
  for await (const chunk of content) {
    total += chunk.byteLength
    if (total > options.maxBytes) {
      throw new HoldfastError('TOO_LARGE', `A file may be at most ${formatBytes(options.maxBytes)}.`)
    }
    await writeAll(handle, chunk)
    options.onBytes?.(chunk.byteLength)
  }
  return total
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    try {
      written += (await handle.write(chunk, written)).bytesWritten
    } catch (error) {
      throw storageError(error)
    }
  }
}

/** A full disk as STORAGE_FULL, anything else as it is. */
export function storageError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError('STORAGE_FULL', 'There is no space left in DATA_DIR.', { cause: error })
  }
  return error
}

/** Writes a small JSON file whole or not at all; it is on disk when the promise resolves. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const temporary = `${file}.tmp`
  try {
    const handle = await open(temporary, 'w', 0o600)
    try {
      await handle.writeFile(JSON.stringify(value))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    throw storageError(error)
  }
  await syncFolder(path.dirname(file))
}

/** What `writeJson` wrote, or `null` where there is nothing of use. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return null
  }
}

/** Makes every file and folder below a folder durable. */
export async function syncTree(folder: string): Promise<void> {
  const waiting = new Set<Promise<void>>()
  const folders = [folder]
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    for await (const entry of await opendir(current)) {
      const name = path.join(current, entry.name)
      if (entry.isDirectory()) folders.push(name)
      else await enqueue(waiting, () => syncFile(name))
    }
    const parent = current
    await enqueue(waiting, () => syncFolder(parent))
  }
  await Promise.all(waiting)
}

// File systems group the fsyncs that come together, so a few at a time take little longer than one.
const SYNCS_AT_ONCE = 16

async function enqueue(waiting: Set<Promise<void>>, task: () => Promise<void>): Promise<void> {
  while (waiting.size >= SYNCS_AT_ONCE) await Promise.race(waiting)
  const running = task().finally(() => waiting.delete(running))
  // Whoever waits for the set sees the failure; until then it must not count as unhandled.
  running.catch(() => {})
  waiting.add(running)
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } catch (error) {
    throw storageError(error)
  } finally {
    await handle.close()
  }
}

/** Makes a folder's list of names durable. Windows has no such thing and refuses to open a folder. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    throw storageError(error)
  } finally {
    await handle.close()
  }
}

/** Creates a file that is not there yet, with the folders above it. Readable by nobody but the server's user. */
export async function createFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600).catch(async (error) => {
      if (error.code !== 'ENOENT') throw error
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      return open(file, 'wx', 0o600)
    })
  } catch (error) {
    throw storageError(error)
  }
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `256 MiB`, `1.5 GiB`, `300 bytes`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${Math.round(value * 10) / 10} ${UNITS[unit]}`
}

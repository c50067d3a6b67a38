/**
 * Looks into a .docx before the library that reads it does: that library unpacks what the archive holds into memory,
 * whatever it comes to. The sizes in an archive's directory are claims, so members are also unpacked once, counted
 * and thrown away, and the counting stops at the limit.
 */
import type { Readable } from 'node:stream'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import type { Rejection } from '../../ports.ts'

export interface ZipLimits {
  /** Bytes, all members together, unpacked. */
  maxInflated: number
  /** Unpacked over packed, for members of more than `ratioFrom` bytes: real text stays far below. */
  maxRatio: number
  ratioFrom: number
  maxEntries: number
}

export const ZIP_LIMITS: ZipLimits = { maxInflated: 100e6, maxRatio: 200, ratioFrom: 1e6, maxEntries: 5000 }

/** Deflate cannot do better than about 1032 to 1, so a member this small cannot hide anything large. */
const MAX_DEFLATE_RATIO = 1032

const OPTIONS = { lazyEntries: true, autoClose: false, validateEntrySizes: false }

/** Whether an open zip file holds a Word document; `unreadable` where its directory is damaged or missing. */
export async function isWordDocument(descriptor: number): Promise<boolean | 'unreadable'> {
  try {
    const zip = await yauzl.fromFdPromise(descriptor, OPTIONS)
    let seen = 0
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName === 'word/document.xml') return true
      seen += 1
      if (seen >= ZIP_LIMITS.maxEntries) return false
    }
    return false
  } catch {
    return 'unreadable'
  }
}

/** `null` when the archive is harmless. */
export async function scanZip(bytes: Buffer, limits: ZipLimits = ZIP_LIMITS): Promise<Rejection | null> {
  try {
    const zip = await yauzl.fromBufferPromise(bytes, OPTIONS)
    if (zip.entryCount > limits.maxEntries) return bomb(`${zip.entryCount} members`)
    return await scanEntries(zip, bytes.length, limits)
  } catch (error) {
    return { rejected: 'CORRUPT', detail: error instanceof Error ? error.message : String(error) }
  }
}

async function scanEntries(zip: ZipFile, packedSize: number, limits: ZipLimits): Promise<Rejection | null> {
  let inflated = 0
  let packed = 0
  for await (const entry of zip.eachEntry()) {
    if (entry.isEncrypted()) return { rejected: 'ENCRYPTED' }
    packed += entry.compressedSize
    // Members that lie over one another add up to more than the file.
    if (packed > packedSize) return bomb('its members overlap')
    const size = await inflatedSize(zip, entry, limits.maxInflated - inflated, limits)
    if (size === null) return bomb(`"${entry.fileName.slice(0, 100)}" unpacks to far more than its packed size`)
    inflated += size
    if (inflated > limits.maxInflated) return bomb(`over ${Math.round(limits.maxInflated / 1e6)} MB unpacked`)
  }
  return null
}

/** Bytes a member unpacks to, or `null` as soon as it passes the limits. */
async function inflatedSize(zip: ZipFile, entry: Entry, left: number, limits: ZipLimits): Promise<number | null> {
  if (entry.compressionMethod === 0) return entry.compressedSize
  const allowed = Math.min(left, Math.max(limits.ratioFrom, entry.compressedSize * limits.maxRatio))
  if (entry.uncompressedSize > allowed) return null
  if (entry.compressedSize * MAX_DEFLATE_RATIO < Math.min(allowed, limits.ratioFrom)) return entry.uncompressedSize
  return countBytes(await zip.openReadStreamPromise(entry), allowed)
}

async function countBytes(stream: Readable, allowed: number): Promise<number | null> {
  let size = 0
  for await (const piece of stream) {
    size += (piece as Buffer).length
    if (size > allowed) return null
  }
  return size
}

function bomb(detail: string): Rejection {
  return { rejected: 'ZIP_BOMB', detail }
}

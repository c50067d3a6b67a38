/**
 * One look at a file: how large it is, what it is, its hash. Reads it once, in pieces, and not at all when it is
 * over the cap. What a file is, its content says first (signatures, or whether it is text), its name second.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { extname } from 'node:path'
import type { FileCode, FileType, Probe, Rejection } from '../../ports.ts'
import { byteOrderMark, looksLikeText } from './decode.ts'
import { languageOfName, languageOfShebang } from './languages.ts'
import { isWordDocument } from './zip.ts'

const PIECE = 256 * 1024
let piece: Buffer | undefined

/** Never throws for anything about the file. */
export async function probe(file: string, maxBytes: number): Promise<Probe | Rejection> {
  let descriptor: number
  try {
    // Non-blocking: opening a pipe somebody put into the folder would otherwise wait for a writer for ever.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    return openFailure(error)
  }
  try {
    return await probeOpen(file, descriptor, maxBytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) return openFailure(error)
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** The rejection for a file that could not be opened or read. */
export function openFailure(error: unknown): Rejection {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESTALE') return { rejected: 'VANISHED' }
  const rejected: FileCode = code === 'EISDIR' || code === 'ENXIO' ? 'SPECIAL_FILE' : 'UNREADABLE'
  return { rejected, detail: code }
}

export function tooLarge(size: number, maxBytes: number): Rejection {
  return { rejected: 'TOO_LARGE', detail: `${size} bytes; the most that is read is ${maxBytes}.` }
}

async function probeOpen(file: string, descriptor: number, maxBytes: number): Promise<Probe | Rejection> {
  const stat = fstatSync(descriptor)
  if (!stat.isFile()) return { rejected: 'SPECIAL_FILE' }
  if (stat.size > maxBytes) return tooLarge(stat.size, maxBytes)
  const content = readThrough(descriptor, maxBytes)
  if (content.size > maxBytes) return tooLarge(content.size, maxBytes)
  if (content.isBlank) return { rejected: 'EMPTY' }
  const type = await sniff(file, descriptor, content)
  if (type === null) return { rejected: 'UNSUPPORTED_TYPE' }
  return { type, size: content.size, sha256: content.sha256 }
}

interface Content {
  size: number
  sha256: string
  /** Up to PIECE bytes. */
  head: Uint8Array
  hasNul: boolean
  isBlank: boolean
}

function readThrough(descriptor: number, maxBytes: number): Content {
  piece ??= Buffer.allocUnsafeSlow(PIECE)
  const hash = createHash('sha256')
  let head: Uint8Array = new Uint8Array()
  let size = 0
  let hasNul = false
  let isBlank = true
  for (;;) {
    const length = fillPiece(descriptor, piece)
    if (length === 0) break
    const bytes = piece.subarray(0, length)
    hash.update(bytes)
    // Only a file of several pieces needs its head kept: the buffer is about to be written over.
    if (size === 0) head = length < PIECE ? bytes : Uint8Array.from(bytes)
    size += length
    hasNul ||= bytes.includes(0)
    isBlank &&= hasOnlyBlanks(bytes)
    if (size > maxBytes || length < PIECE) break
  }
  return { size, sha256: hash.digest('hex'), head, hasNul, isBlank }
}

/** Fills the buffer as far as the file goes: a short read is not an end. */
function fillPiece(descriptor: number, buffer: Buffer): number {
  let length = 0
  while (length < buffer.length) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, null)
    if (read === 0) break
    length += read
  }
  return length
}

/** Nothing but spaces, line ends, NULs of UTF-16 and a byte order mark. */
function hasOnlyBlanks(bytes: Uint8Array): boolean {
  const start = byteOrderMark(bytes) === 'utf-8' ? 3 : byteOrderMark(bytes) ? 2 : 0
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0
    const isNulOfText = byte === 0 && start === 2
    if (!isNulOfText && byte !== 0x20 && (byte < 9 || byte > 13)) return false
  }
  return true
}

const MARKDOWN = new Set(['.md', '.markdown', '.mdown', '.mkd', '.mdx', '.qmd', '.rmd'])
const HTML = new Set(['.html', '.htm', '.xhtml', '.xht'])

async function sniff(file: string, descriptor: number, content: Content): Promise<FileType | null> {
  const { head } = content
  const extension = extname(file).toLowerCase()
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 1024)).toString('latin1')
  const isText = isTextual(content)

  // The header of a PDF may stand anywhere in the first kilobyte; a text that merely mentions it is no PDF.
  if (start.startsWith('%PDF-') || (start.includes('%PDF-') && (extension === '.pdf' || !isText))) return 'pdf'
  if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) return sniffZip(descriptor, extension)
  if (start.startsWith('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) return extension === '.docx' ? 'docx' : null
  if (start.startsWith('{\\rtf') || start.startsWith('%!PS')) return null
  if (isText && /^\s*(<!doctype\s+html|<html[\s>])/i.test(start.replace(/^(\xef\xbb\xbf|\xff\xfe)/, ''))) return 'html'
  // Damaged files: their name is all that is left of what they were, and extraction will say so.
  if (extension === '.pdf') return 'pdf'
  if (extension === '.docx') return 'docx'
  if (!isText) return null
  if (MARKDOWN.has(extension)) return 'markdown'
  if (HTML.has(extension)) return 'html'
  if (languageOfName(file) ?? languageOfShebang(start)) return 'code'
  return 'text'
}

function isTextual({ head, hasNul }: Content): boolean {
  const mark = byteOrderMark(head)
  if (hasNul && mark !== 'utf-16le' && mark !== 'utf-16be') return false
  return looksLikeText(head)
}

async function sniffZip(descriptor: number, extension: string): Promise<FileType | null> {
  const found = await isWordDocument(descriptor)
  // A zip without a readable directory is a damaged one; its name says which kind.
  if (found === 'unreadable') return extension === '.docx' ? 'docx' : null
  return found ? 'docx' : null
}

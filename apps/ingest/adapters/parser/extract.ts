/** Extraction: one file in, one ExtractedDocument out, by the reader of its type. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { ExtractedDocument, Extraction, FileType, Rejection } from '../../ports.ts'
import type { Task } from './messages.ts'
import { writeDocument } from './output.ts'
import { openFailure, tooLarge } from './probe.ts'

/** Version of what extraction writes. */
export const EXTRACTOR_VERSION = 1

/** What a reader makes of a file's bytes; the rest of an ExtractedDocument is the same for all of them. */
export type Content = Pick<ExtractedDocument, 'text' | 'title'> &
  Partial<Pick<ExtractedDocument, 'language' | 'pages' | 'headings'>>

/** A reader: bytes to content, or why not. It may keep and change `bytes`. */
export type Reader = (bytes: Buffer, file: string) => Promise<Content | Rejection>

type ExtractTask = Extract<Task, { kind: 'extract' }>

/** Throws OutputError where the output cannot be written. */
export async function extract(task: ExtractTask): Promise<Extraction | Rejection> {
  const content = await readContent(task)
  if ('rejected' in content) return content
  // What cannot be stored as text everywhere is replaced unit by unit, so that positions stay what they are.
  const text = content.text.toWellFormed().replaceAll('\0', ' ')
  if (!/\S/.test(text)) return { rejected: 'EMPTY' }
  const pages = content.pages ?? []
  const title = content.title ? tidyTitle(content.title) : null
  const language = content.language ?? null
  const { type, output, partial } = task
  const headings = content.headings ?? []
  writeDocument({ version: EXTRACTOR_VERSION, type, language, title, pages, headings, text }, output, partial)
  return { characters: text.length, pages: content.pages ? pages.length : null, title }
}

async function readContent({ file, type, maxFileBytes }: ExtractTask): Promise<Content | Rejection> {
  const bytes = readWhole(file, maxFileBytes)
  if ('rejected' in bytes) return bytes
  if (bytes.length === 0) return { rejected: 'EMPTY' }
  const read = await readerOf(type)
  return read(bytes, file)
}

async function readerOf(type: FileType): Promise<Reader> {
  switch (type) {
    case 'pdf':
      return (await import('./read-pdf.ts')).readPdf
    case 'docx':
      return (await import('./read-docx.ts')).readDocx
    case 'html':
      return (await import('./read-html.ts')).readHtml
    case 'markdown':
      return (await import('./read-text.ts')).readMarkdown
    case 'text':
      return (await import('./read-text.ts')).readText
    case 'code':
      return (await import('./read-text.ts')).readCode
  }
}

/** The file may have grown or gone since it was probed. */
function readWhole(file: string, maxBytes: number): Buffer | Rejection {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const stat = fstatSync(descriptor)
      if (!stat.isFile()) return { rejected: 'SPECIAL_FILE' }
      if (stat.size > maxBytes) return tooLarge(stat.size, maxBytes)
      // A buffer of its own, not a slice of a shared pool: a reader may hand its memory on.
      const bytes = Buffer.allocUnsafeSlow(stat.size)
      let length = 0
      while (length < bytes.length) {
        const read = readSync(descriptor, bytes, length, bytes.length - length, length)
        if (read === 0) break
        length += read
      }
      return length === bytes.length ? bytes : bytes.subarray(0, length)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) return openFailure(error)
    throw error
  }
}

function tidyTitle(title: string): string | null {
  return (
    title
      .toWellFormed()
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim()
      .slice(0, 300)
      .toWellFormed() || null
  )
}

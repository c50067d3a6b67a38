/** Writes an extracted document beside its place and moves it there, so that a reader sees it whole or not at all. */
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { ExtractedDocument } from '../../ports.ts'

/** Nothing the file can be blamed for: the disk is full, or the folder is gone. */
export class OutputError extends Error {
  readonly code: string

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'OutputError'
    this.code = (cause as NodeJS.ErrnoException)?.code ?? 'UNKNOWN'
  }
}

/** UTF-16 code units written at a time: a document of many megabytes is never held a second time as JSON. */
const SLICE = 1 << 18

/** Throws OutputError; leaves no partial file behind. */
export function writeDocument(document: ExtractedDocument, output: string, partial: string): void {
  try {
    const file = openSync(partial, 'w')
    try {
      const { text, ...rest } = document
      const head = JSON.stringify(rest)
      write(file, `${head.slice(0, -1)},"text":"`)
      for (let at = 0; at < text.length; ) {
        let end = Math.min(at + SLICE, text.length)
        if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1
        write(file, JSON.stringify(text.slice(at, end)).slice(1, -1))
        at = end
      }
      write(file, '"}')
    } finally {
      closeSync(file)
    }
    renameSync(partial, output)
  } catch (error) {
    rmSync(partial, { force: true })
    throw new OutputError(error)
  }
}

function write(file: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

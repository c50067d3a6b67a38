/**
 * Chunking: an extracted document in, passages of about a thousand characters out, cut where the document itself has
 * joints (headings, pages, paragraphs, sentences; functions and classes in code). Every character that is not white
 * space is in exactly one passage, and a passage is a slice of the text.
 */
import { readFileSync } from 'node:fs'
import type { Chunk, ExtractedDocument, Rejection } from '../../ports.ts'
import { type Boundary, documentBoundaries, normalise } from './boundaries.ts'
import { symbolBoundaries } from './code-symbols.ts'
import { EXTRACTOR_VERSION } from './extract.ts'
import { BATCH_SIZE } from './messages.ts'
import { passages } from './passages.ts'
import { openFailure } from './probe.ts'

/** Sends a batch when the one before it has been taken. Returns how many chunks were sent. */
export async function chunkDocument(
  file: string,
  onBatch: (chunks: Chunk[]) => Promise<void>,
): Promise<number | Rejection> {
  const document = readDocument(file)
  if ('rejected' in document) return document
  let batch: Chunk[] = []
  let count = 0
  for await (const chunk of chunks(document)) {
    batch.push(chunk)
    count += 1
    if (batch.length === BATCH_SIZE) {
      await onBatch(batch)
      batch = []
    }
  }
  if (batch.length > 0) await onBatch(batch)
  return count
}

/** The passages of a document, in order. */
export async function* chunks(document: ExtractedDocument): AsyncGenerator<Chunk> {
  const { text } = document
  const place = createPlaces(document)
  let ordinal = 0
  const boundaries = normalise(text, await boundariesOf(document))
  for (const { start, end, path } of passages(text, boundaries, document.type === 'code' ? 'code' : 'prose')) {
    yield { ordinal, text: text.slice(start, end), start, end, ...place(start, end), path }
    ordinal += 1
  }
}

async function boundariesOf(document: ExtractedDocument): Promise<Boundary[]> {
  if (document.type !== 'code') return documentBoundaries(document)
  return (await symbolBoundaries(document.text, document.language)) ?? []
}

/** Page and lines of a span; spans must be asked for in order. */
function createPlaces({ text, pages }: ExtractedDocument) {
  let line = 1
  let nextBreak = text.indexOf('\n')
  let page = -1
  const lineAt = (position: number) => {
    while (nextBreak !== -1 && nextBreak < position) {
      line += 1
      nextBreak = text.indexOf('\n', nextBreak + 1)
    }
    return line
  }
  return (start: number, end: number) => {
    while ((pages[page + 1]?.start ?? Number.POSITIVE_INFINITY) <= start) page += 1
    const lineStart = lineAt(start)
    return { page: pages[page]?.number ?? null, lineStart, lineEnd: lineAt(end) }
  }
}

function readDocument(file: string): ExtractedDocument | Rejection {
  let source: string
  try {
    source = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) return openFailure(error)
    throw error
  }
  try {
    const document = JSON.parse(source) as ExtractedDocument
    if (document.version === EXTRACTOR_VERSION && typeof document.text === 'string') return document
    return { rejected: 'CORRUPT', detail: 'Extracted by another version; extract it again.' }
  } catch (error) {
    if (error instanceof SyntaxError)
      return { rejected: 'CORRUPT', detail: 'The extracted text is damaged; extract it again.' }
    throw error
  }
}

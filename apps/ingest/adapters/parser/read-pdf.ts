/**
 * Reader of PDF: the text of each page, one page held at a time, lines as they stand and a blank line where the gap
 * between two lines is that of a new paragraph. (The pdf.js in unpdf 1.8 no longer compiles fonts to code, so there is
 * no `isEvalSupported` to switch off.)
 */
import { getDocumentProxy } from 'unpdf'
import type { ExtractedDocument, Rejection } from '../../ports.ts'
import type { Content } from './extract.ts'

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>
type Items = Awaited<ReturnType<Awaited<ReturnType<Pdf['getPage']>>['getTextContent']>>['items']

export async function readPdf(bytes: Buffer): Promise<Content | Rejection> {
  let pdf: Pdf
  try {
    pdf = await getDocumentProxy(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), {
      // Nothing is drawn: fonts and images stay where they are.
      disableFontFace: true,
      useSystemFonts: false,
      verbosity: 0,
    })
  } catch (error) {
    return openingFailure(error)
  }
  try {
    return await readPages(pdf)
  } finally {
    await pdf.loadingTask.destroy()
  }
}

async function readPages(pdf: Pdf): Promise<Content | Rejection> {
  const parts: string[] = []
  const pages: ExtractedDocument['pages'] = []
  const broken: number[] = []
  let length = 0
  for (let number = 1; number <= pdf.numPages; number += 1) {
    const text = await pageText(pdf, number).catch(() => null)
    if (text === null) broken.push(number)
    const separator = number > 1 ? '\n\n' : ''
    const start = length + separator.length
    parts.push(separator, text ?? '')
    length = start + (text?.length ?? 0)
    pages.push({ number, start, end: length })
  }
  const text = parts.join('')
  if (/\S/.test(text)) return { text, pages, title: await documentTitle(pdf) }
  if (broken.length > 0) return { rejected: 'CORRUPT', detail: `None of its ${pdf.numPages} pages can be read.` }
  return {
    rejected: 'NEEDS_OCR',
    detail: `No text on ${pdf.numPages === 1 ? 'its page' : `any of its ${pdf.numPages} pages`}.`,
  }
}

async function pageText(pdf: Pdf, number: number): Promise<string> {
  const page = await pdf.getPage(number)
  try {
    const { items } = await page.getTextContent()
    return layOut(items)
  } finally {
    page.cleanup()
  }
}

/** Joins a page's pieces of text; a gap of clearly more than a line becomes a blank line. */
function layOut(items: Items): string {
  const parts: string[] = []
  let lineY: number | null = null
  let lineHeight = 0
  let lineBroke = false
  for (const item of items) {
    if (!('str' in item)) continue
    const y = Number(item.transform[5])
    if (lineBroke && item.str.trim() !== '') {
      const gap = lineY === null ? 0 : lineY - y
      // Upward, or far down: another column or another block.
      if (gap > Math.max(lineHeight, item.height) * 1.8 || gap < -lineHeight * 2) parts.push('\n')
      lineBroke = false
    }
    parts.push(item.str)
    if (item.str.trim() !== '') {
      lineY = y
      lineHeight = item.height
    }
    if (item.hasEOL) {
      parts.push('\n')
      lineBroke = true
    }
  }
  return parts.join('').trimEnd()
}

async function documentTitle(pdf: Pdf): Promise<string | null> {
  try {
    const { info } = await pdf.getMetadata()
    const title = (info as { Title?: unknown }).Title
    // What programs put there by themselves says nothing.
    return typeof title === 'string' &&
      !/^(untitled|microsoft word - .*|.*\.(docx?|indd|tex|dvi))?$/i.test(title.trim())
      ? title
      : null
  } catch {
    return null
  }
}

function openingFailure(error: unknown): Rejection {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (name === 'PasswordException') return { rejected: 'ENCRYPTED' }
  // Other failures of opening are its way of saying that this is no readable PDF.
  return { rejected: 'CORRUPT', detail: message.slice(0, 200) }
}

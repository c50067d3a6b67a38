/** Readers of what is text already: Markdown, plain text, source code. The text is the file itself, decoded. */
import type { Rejection } from '../../ports.ts'
import { decodeText } from './decode.ts'
import type { Content } from './extract.ts'
import { languageOfName, languageOfShebang } from './languages.ts'
import { frontMatterTitle, markdownHeadings } from './markdown.ts'

const NOT_TEXT: Rejection = { rejected: 'UNSUPPORTED_TYPE' }

export async function readMarkdown(bytes: Buffer): Promise<Content | Rejection> {
  const text = decodeText(bytes)
  if (text === null) return NOT_TEXT
  const headings = markdownHeadings(text)
  return { text, headings, title: frontMatterTitle(text) ?? headings[0]?.title ?? null }
}

export async function readText(bytes: Buffer): Promise<Content | Rejection> {
  const text = decodeText(bytes)
  return text === null ? NOT_TEXT : { text, title: null }
}

export async function readCode(bytes: Buffer, file: string): Promise<Content | Rejection> {
  const text = decodeText(bytes)
  if (text === null) return NOT_TEXT
  return { text, title: null, language: languageOfName(file) ?? languageOfShebang(text.slice(0, 256)) }
}

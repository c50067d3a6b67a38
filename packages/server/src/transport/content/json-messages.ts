import { isUtf8 } from 'node:buffer'
import { HoldfastError } from '@holdfast/protocol'
import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from './json-characters.ts'

/**
 * The messages of a JSON body, each as its own text: a top-level array is taken apart one level, anything else is one
 * message. Nothing is written anew, so numbers and escapes stay as they came; only white space around a message goes.
 * Throws INVALID_INPUT where the body is not JSON in UTF-8. Source: Durable Streams PROTOCOL.md, 9.1.
 */
export function splitJson(body: Buffer): string[] {
  if (!isUtf8(body)) throw new HoldfastError('INVALID_INPUT', 'The body is not UTF-8.')
  const text = body.toString('utf8')
  const isArray = Array.isArray(parse(text))
  // Around valid JSON there is no other white space than JSON's own.
  return isArray ? elementsOf(text.trim()) : [text.trim()]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', 'The body is not JSON.', { cause })
  }
}

/** The elements of a valid JSON array's text. */
export function elementsOf(text: string): string[] {
  const elements: string[] = []
  const end = text.length - 1
  let depth = 0
  let start = 1
  for (let index = 1; index < end; index += 1) {
    const char = text.charCodeAt(index)
    if (char === QUOTE) index = endOfString(text, index)
    else if (char === OPEN_BRACKET || char === OPEN_BRACE) depth += 1
    else if (char === CLOSE_BRACKET || char === CLOSE_BRACE) depth -= 1
    else if (char === COMMA && depth === 0) {
      elements.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  const last = text.slice(start, end).trim()
  // Only an empty array has an empty last element.
  if (last !== '') elements.push(last)
  return elements
}

/** The index of the quote that ends the string beginning at `start`. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, quote: number): boolean {
  let index = quote - 1
  while (text.charCodeAt(index) === BACKSLASH) index -= 1
  return (quote - index) % 2 === 0
}

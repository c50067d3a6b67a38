import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../content/json-characters.ts'
import { elementsOf, endOfString } from '../content/json-messages.ts'

/**
 * The elements of a frame's `events`, each as its writer wrote it: what a parser made of them has lost digits and the
 * order of keys. `text` is valid JSON, an object whose `events` is an array.
 */
export function rawEvents(text: string): string[] {
  let found = '[]'
  let depth = 0
  let key: string | null = null
  let start = 0
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index)
    if (char === QUOTE) {
      const end = endOfString(text, index)
      if (depth === 1 && key === null) {
        key = String(JSON.parse(text.slice(index, end + 1)))
        start = text.indexOf(':', end) + 1
        index = start - 1
      } else {
        index = end
      }
      continue
    }
    if (char === OPEN_BRACKET || char === OPEN_BRACE) depth += 1
    if (char === CLOSE_BRACKET || char === CLOSE_BRACE) depth -= 1
    const endsValue = depth === 0 || (depth === 1 && char === COMMA)
    if (!endsValue || key === null) continue
    // Like a parser's, the last of several `events` counts.
    if (key === 'events') found = text.slice(start, index).trim()
    key = null
  }
  return elementsOf(found)
}

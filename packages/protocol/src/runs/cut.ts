// What one character may become in JSON: \u0001.
const BYTES_PER_UNIT = 6
const encoder = new TextEncoder()

/** `text`, or so much of its beginning that it takes at most `bytes` in JSON, with an ellipsis at its end. */
export function cut(text: string, bytes: number): string {
  if (text.length * BYTES_PER_UNIT <= bytes || sizeOf(text.slice(0, bytes + 1)) <= bytes) return text
  let kept = ''
  let size = sizeOf('…')
  for (const character of text) {
    size += sizeOf(character)
    if (size > bytes) break
    kept += character
  }
  return `${kept}…`
}

/** Bytes of it within the quotes of JSON. */
function sizeOf(text: string): number {
  return encoder.encode(JSON.stringify(text)).length - 2
}

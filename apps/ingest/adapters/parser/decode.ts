/**
 * Bytes to text, and whether bytes are text at all. Order: byte order mark, UTF-8, the encoding a page names for
 * itself, windows-1252 where the bytes could plausibly be that; anything else is binary.
 */

/** Control characters that plain text does not hold; tab, line feed, form feed, return and escape do occur. */
const isControl = (byte: number) =>
  (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13 && byte !== 0x1b) || byte === 0x7f

/** A western text in an 8-bit encoding has few accented letters; another alphabet read as windows-1252 is rubbish. */
const MAX_HIGH_SHARE = 0.3
const MAX_CONTROL_SHARE = 0.01

/** The encoding a byte order mark announces. */
export function byteOrderMark(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  // FF FE 00 00 is UTF-32, which nobody writes files in; it falls through and fails as binary for its NULs.
  if (bytes[0] === 0xff && bytes[1] === 0xfe && !(bytes.length >= 4 && bytes[2] === 0 && bytes[3] === 0))
    return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return null
}

/** Whether bytes (the start of a file is enough) look like text. An empty array does. */
export function looksLikeText(bytes: Uint8Array): boolean {
  const mark = byteOrderMark(bytes)
  if (mark === 'utf-16le' || mark === 'utf-16be') return true
  let controls = 0
  let high = 0
  for (const byte of bytes) {
    if (byte === 0) return false
    if (byte >= 0x80) high += 1
    else if (isControl(byte)) controls += 1
  }
  if (controls > bytes.length * MAX_CONTROL_SHARE) return false
  return mark === 'utf-8' || high <= bytes.length * MAX_HIGH_SHARE || isMostlyUtf8(bytes)
}

/** The text, without its byte order mark, or `null` for binary content. */
export function decodeText(bytes: Uint8Array, declared?: string | null): string | null {
  const mark = byteOrderMark(bytes)
  if (mark === 'utf-16le' || mark === 'utf-16be') {
    const text = new TextDecoder(mark).decode(bytes)
    return text.includes('\0') ? null : text
  }
  if (bytes.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    if (mark === 'utf-8') return new TextDecoder().decode(bytes)
  }
  if (declared) {
    const text = decodeAs(declared, bytes)
    if (text !== null) return text
  }
  // A few broken sequences (a cut end, one pasted word) do not make a UTF-8 file a windows-1252 file.
  if (isMostlyUtf8(bytes)) return new TextDecoder().decode(bytes)
  return looksLikeText(bytes) ? new TextDecoder('windows-1252').decode(bytes) : null
}

function decodeAs(label: string, bytes: Uint8Array): string | null {
  try {
    return new TextDecoder(label).decode(bytes)
  } catch {
    return null
  }
}

/** At least ten whole multi-byte sequences for each broken byte. */
function isMostlyUtf8(bytes: Uint8Array): boolean {
  let whole = 0
  let broken = 0
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length === 0) broken += 1
    else if (length > 1) whole += 1
    at += length || 1
  }
  return whole > 0 && whole >= broken * 10
}

/** Bytes of the UTF-8 sequence at `at`; 0 where there is none. A sequence cut by the end counts as whole. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  const length = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0
  for (let offset = 1; offset < length && at + offset < bytes.length; offset += 1) {
    if (((bytes[at + offset] ?? 0) & 0xc0) !== 0x80) return 0
  }
  return length
}

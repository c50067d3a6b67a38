const FINAL_TEXT = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127

/**
 * Texts as WebSocket messages, ready for the wire: unmasked, as a server sends them, one after the other. Made once,
 * written to any number of sockets. Source: RFC 6455, 5.2.
 */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const total = lengths.reduce((sum, length) => sum + headerLength(length) + length, 0)
  const bytes = Buffer.allocUnsafe(total)
  let at = 0
  for (const [index, text] of texts.entries()) {
    const length = lengths[index] ?? 0
    at = writeHeader(bytes, at, length)
    at += bytes.write(text, at, length, 'utf8')
  }
  return bytes
}

/** A WebSocket ping without content. */
export const PING: Buffer = Buffer.from([0x89, 0])

function headerLength(length: number): number {
  if (length < LENGTH_16) return 2
  return length < 65_536 ? 4 : 10
}

function writeHeader(bytes: Buffer, start: number, length: number): number {
  bytes[start] = FINAL_TEXT
  if (length < LENGTH_16) {
    bytes[start + 1] = length
    return start + 2
  }
  if (length < 65_536) {
    bytes[start + 1] = LENGTH_16
    return bytes.writeUInt16BE(length, start + 2)
  }
  bytes[start + 1] = LENGTH_64
  return bytes.writeBigUInt64BE(BigInt(length), start + 2)
}

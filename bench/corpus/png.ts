import { crc32, deflateSync } from 'node:zlib'
import type { Random } from './random.ts'

/** A greyscale PNG that looks like a scanned page: dark strokes in lines on paper that is not quite white. */
export function writePng(random: Random, width: number, height: number): Buffer {
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y += 1) {
    const inLine = y % 12 > 3 && y % 12 < 10
    for (let x = 0; x < width; x += 1) {
      const isInk = inLine && x > width * 0.1 && x < width * 0.9 && random.chance(0.35)
      rows[y * (width + 1) + 1 + x] = isInk ? random.int(10, 70) : random.int(235, 255)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

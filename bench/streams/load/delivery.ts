import { Child } from '../child.ts'
import type { ReaderKind, ServerAddress } from '../contenders.ts'
import type { Target } from './appenders.ts'
import type { Written } from './write-loop.ts'
import type { WriteRequest } from './writers.ts'

export const WRITERS = new URL('writers.ts', import.meta.url)
export const READERS = new URL('readers.ts', import.meta.url)

export interface Delivery {
  write: Target
  read: { address: ServerAddress; kind: ReaderKind; count: number }
  /** Its name without the last digit, which is 0. */
  stream: string
  seconds: number
  /** Appends a second. */
  rate: number
  writers: number
  /** See `Pace`. */
  openLoop?: boolean
  padding: number
}

/** Over all readers, from just before an event was sent, in milliseconds. */
export interface Delivered {
  p50: number
  p99: number
  /** Events that readers had not got some seconds after the last was written. */
  missing: number
}

// Longer than the distance of looks for what no word came of.
const PATIENCE_MS = 4000

/** How long after it was sent an event is with its readers. */
export async function deliveryLatency({ write, read, stream, seconds, rate, ...rest }: Delivery): Promise<Delivered> {
  await using writing = await Child.start<null>(WRITERS)
  await using reading = await Child.start<null>(READERS)
  const ask = (seconds: number) => {
    const request: WriteRequest = { targets: [write], streams: 1, seconds, prefix: stream, rate, ...rest }
    return writing.ask<Written>('write', request)
  }
  await ask(0.1)
  await reading.ask('open', { ...read, stream: `${stream}0` })
  const warm = await ask(0.5)
  await reading.ask('delivery', { count: warm.latencies.length * read.count, ms: PATIENCE_MS })
  await reading.ask('report')
  const { latencies } = await ask(seconds)
  const expected = latencies.length * read.count
  await reading.ask('delivery', { count: expected, ms: PATIENCE_MS })
  const { delivered, p50, p99 } = await reading.ask<{ delivered: number; p50: number; p99: number }>('report')
  if (delivered === 0) throw new Error('nothing was delivered')
  return { p50, p99, missing: Math.max(0, expected - delivered) }
}

import { now } from '../../measure/clock.ts'
import { percentile } from '../../measure/watcher.ts'

export interface Pace {
  /** Each has one append under way at a time. */
  writers: number
  /** As many writers or more: each stays with one stream. Fewer: each goes from one stream to the next. */
  streams: number
  seconds: number
  /** Appends a second over all writers, at even distances; absent: as fast as they are answered. */
  rate?: number
  /**
   * With a rate: an append counts from when it was due, although its writer still waited for an answer. Default: from
   * when it was sent.
   */
  openLoop?: boolean
}

/** What all writers together did. */
export interface Written {
  perSecond: number
  /** Appends that were answered with an error, and are not counted among the others. */
  refused: number
  /** Of each append, in milliseconds. */
  latencies: number[]
}

/** One append. */
export interface Turn {
  writer: number
  /** By its number. */
  stream: number
  /** Which of the writer's own, from 0. */
  n: number
  /** How long it had been due while its writer still waited for an answer, in milliseconds. 0 unless `openLoop`. */
  lateMs: number
}

/** Appends once; `false` where it was refused. */
export type Append = (turn: Turn) => Promise<boolean>

/** Lets writers append until the time is over, and waits for the last answers. */
export async function writeFor(
  { writers, streams, seconds, rate, openLoop = false }: Pace,
  append: Append,
): Promise<Written> {
  const latencies: number[] = []
  let refused = 0
  const everyMs = rate ? (1000 * writers) / rate : 0
  const isOpen = openLoop && everyMs > 0
  const started = performance.now()
  const end = started + seconds * 1000
  const write = async (writer: number) => {
    let due = started + (everyMs * writer) / writers
    for (let n = 0; (isOpen ? due : performance.now()) < end; n += 1) {
      const waitMs = due - performance.now()
      const lateMs = isOpen ? Math.max(0, -waitMs) : 0
      if (everyMs > 0 && waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      due += everyMs
      const before = performance.now() - lateMs
      const stream = (writers >= streams ? writer : writer + n) % streams
      if (await append({ writer, stream, n, lateMs })) latencies.push(performance.now() - before)
      else refused += 1
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return { perSecond: latencies.length / ((performance.now() - started) / 1000), refused, latencies }
}

/** What several programs wrote at the same time, taken together. */
export function together(parts: readonly Written[]): Written {
  return {
    perSecond: parts.reduce((sum, { perSecond }) => sum + perSecond, 0),
    refused: parts.reduce((sum, { refused }) => sum + refused, 0),
    latencies: parts.flatMap(({ latencies }) => latencies),
  }
}

/** The columns of a table of appends: appends/s, p50 ms, p99 ms, refused. */
export function figuresOf({ perSecond, refused, latencies }: Written): number[] {
  return [perSecond, percentile(latencies, 0.5), percentile(latencies, 0.99), refused]
}

/** An event that says when it was to be sent (`t`), with `padding` bytes in it besides about 40 of its own. */
export function eventText(n: number, padding: number, lateMs = 0): string {
  return `{"n":${n},"t":${now() - lateMs},"pad":"${'x'.repeat(padding)}"}`
}

import { formatOffset, isHoldfastError, type Offset, parseOffset } from '@holdfast/protocol'
import { type Paged, type RunEvent, runStream } from '@holdfast/protocol/runs'
import type { StreamLog } from '../../log/stream-log.ts'
import { type LogLevel, type LogLine, lineOf } from './log-lines.ts'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
// Events looked at for one page: where few of them make a line of the level asked for, the next page goes on there.
const LOOKED_AT = 5_000

export interface LogQuery {
  /** Lines of this level and above. Default: all. */
  level?: LogLevel
  /** The lines behind that offset. Default: from the start. */
  after?: Offset
  /** So many events before the end, instead of `after`. */
  last?: number
  limit: number
}

/**
 * What a run's stream tells, as lines for people, oldest first. A run from before there were such streams has none.
 * `nextCursor` is an offset: what was read so far.
 */
export async function logOf(log: StreamLog, id: string, query: LogQuery): Promise<Paged<LogLine>> {
  const stream = runStream.name({ id })
  const items: LogLine[] = []
  const least = LEVELS.indexOf(query.level ?? 'debug')
  let after = query.after ?? (query.last === undefined ? null : await behindAllBut(log, stream, query.last))
  let looked = 0
  while (looked < LOOKED_AT) {
    const page = await readPage(log, stream, after, Math.min(500, LOOKED_AT - looked))
    if (!page) return { items, nextCursor: null }
    const from = parseOffset(page.after)
    for (const [index, text] of page.events.entries()) {
      const offset = from ? formatOffset({ ...from, seq: from.seq + index + 1 }) : page.offset
      const line = lineOf(JSON.parse(text) as RunEvent, offset)
      if (LEVELS.indexOf(line.level) < least) continue
      // There is more: the next page begins behind the last line of this one.
      if (items.length === query.limit) return { items, nextCursor: items.at(-1)?.offset ?? null }
      items.push(line)
    }
    looked += page.events.length
    after = page.offset
    if (page.upToDate) return { items, nextCursor: null }
  }
  return { items, nextCursor: after }
}

async function readPage(log: StreamLog, stream: string, after: Offset | null, maxEvents: number) {
  try {
    return await log.read(stream, after, { maxEvents })
  } catch (error) {
    if (after === null && isHoldfastError(error, 'NOT_FOUND')) return null
    throw error
  }
}

async function behindAllBut(log: StreamLog, stream: string, count: number): Promise<Offset | null> {
  const info = await log.info(stream)
  const tail = info && parseOffset(info.tail)
  return tail && tail.seq > count ? formatOffset({ ...tail, seq: tail.seq - count }) : null
}

/** Writers in a program of their own: each has one append under way at a time. */
import { serveCommands } from '../commands.ts'
import { openAppender, type Target } from './appenders.ts'
import { eventText, type Pace, type Written, writeFor } from './write-loop.ts'

export interface WriteRequest extends Pace {
  /** Writers are spread over these evenly. */
  targets: Target[]
  /** Bytes of padding in an event. */
  padding: number
  /** Names of the streams: `<prefix><n>`; made first. */
  prefix: string
}

async function write({ targets, padding, prefix, ...pace }: WriteRequest): Promise<Written> {
  const opening = Array.from({ length: pace.writers }, (_, writer) => {
    const target = targets[writer % targets.length]
    if (!target) throw new Error('there is nowhere to write')
    return openAppender(target)
  })
  const appenders = await Promise.all(opening)
  for (let n = 0; n < pace.streams; n += 1) await appenders[0]?.make(prefix + n)
  const written = await writeFor(
    pace,
    async ({ writer, stream, n, lateMs }) =>
      (await appenders[writer]?.append(prefix + stream, eventText(n, padding, lateMs))) ?? false,
  )
  for (const appender of appenders) appender.close()
  return written
}

serveCommands(null, { write })

import { sleep, systemClock } from '@holdfast/protocol'
import { canonical } from '../history.ts'
import { type Answered, ask, codeOf, streamPath } from '../place.ts'
import { type End, type Follow, type Manner, refusal } from './manner.ts'

const POLL_MS = 15

/** Plain GET, asked again and again. */
export const get: Manner = { name: 'get', follow: (follow) => poll(follow, undefined) }

/** GET that waits for what comes. */
export const longPoll: Manner = { name: 'long-poll', follow: (follow) => poll(follow, 'long-poll') }

async function poll(follow: Follow, live: string | undefined): Promise<End> {
  const { place, stream, signal, history } = follow
  let offset = follow.from
  let cursor: string | undefined
  try {
    for (;;) {
      const asked = history.now()
      const answer = await ask(place, { path: streamPath(stream, { cursor, live, offset }), signal })
      if (answer.status !== 200 && answer.status !== 204) return refusal(follow, codeOf(answer))
      const { next, sealed, upToDate } = take(follow, offset, asked, answer)
      if (sealed) return 'sealed'
      offset = next
      cursor = answer.headers['stream-cursor']?.toString()
      if (live === undefined && upToDate) await sleep(systemClock, POLL_MS, signal)
    }
  } catch {
    return 'lost'
  }
}

function take({ take }: Follow, after: string, asked: number, { headers, text }: Answered) {
  const next = String(headers['stream-next-offset'])
  const upToDate = headers['stream-up-to-date'] === 'true'
  const sealed = headers['stream-closed'] === 'true'
  const events = text === '' ? [] : (JSON.parse(text) as unknown[]).map(canonical)
  take({ after, offset: next, events, upToDate, sealed, asked })
  return { next, sealed, upToDate }
}

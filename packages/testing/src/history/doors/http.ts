import { ask, codeOf, streamPath } from '../place.ts'
import { type Door, refused } from './door.ts'

/** POST to the stream's URL. */
export const httpDoor: Door = {
  name: 'http',
  isIdempotent: true,
  async append(place, { stream, events, seal, producer }) {
    const headers: Record<string, string> = { ...(seal ? { 'stream-closed': 'true' } : {}) }
    if (events.length > 0) headers['content-type'] = 'application/json'
    if (producer) {
      headers['producer-id'] = producer.id
      headers['producer-epoch'] = String(producer.epoch)
      headers['producer-seq'] = String(producer.seq)
    }
    const body = events.length > 0 ? { body: `[${events.join(',')}]` } : {}
    try {
      const answer = await ask(place, { method: 'POST', path: streamPath(stream), headers, ...body })
      if (answer.status >= 300) return refused(codeOf(answer))
      // With a producer, 204 says that it had been there before.
      const isRepeated = producer !== undefined && answer.status === 204
      return isRepeated ? { type: 'ok' } : { type: 'ok', offset: String(answer.headers['stream-next-offset']) }
    } catch {
      return { type: 'unknown' }
    }
  },
}

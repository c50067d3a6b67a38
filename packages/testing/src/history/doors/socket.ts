import type { SocketPool } from '../shared-socket.ts'
import { type Door, refused } from './door.ts'

/** `append` on a `/v1/ws` connection that others share. */
export function socketDoor(pool: SocketPool): Door {
  return {
    name: 'socket',
    isIdempotent: true,
    async append(_place, { stream, events, seal, producer }) {
      const answer = await pool.any().append({
        stream,
        events: events.map((text) => JSON.parse(text)),
        ...(seal ? { seal } : {}),
        ...(producer ? { producer } : {}),
      })
      if (answer?.type === 'error') return refused(answer.error.code)
      if (answer?.type !== 'appended') return { type: 'unknown' }
      return answer.duplicate ? { type: 'ok' } : { type: 'ok', offset: answer.offset }
    },
  }
}

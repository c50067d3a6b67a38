import { formatOffset } from '@holdfast/protocol'
import { ask, codeOf } from '../place.ts'
import { type Door, refused } from './door.ts'

/** An app of the server under test that appends from the inside, as apps do. */
export const insideDoor: Door = {
  name: 'inside',
  isIdempotent: false,
  async append(place, { stream, events, seal }) {
    try {
      const answer = await ask(place, {
        method: 'POST',
        path: '/test/append',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ stream, seal, events: events.map((text) => JSON.parse(text)) }),
      })
      if (answer.status >= 300) return refused(codeOf(answer))
      const { incarnation, tail } = JSON.parse(answer.text)
      return { type: 'ok', offset: formatOffset({ incarnation, seq: tail }) }
    } catch {
      return { type: 'unknown' }
    }
  },
}

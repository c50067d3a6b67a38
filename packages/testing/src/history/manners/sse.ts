import type { IncomingMessage } from 'node:http'
import type { Connection } from '../history.ts'
import { canonical } from '../history.ts'
import { codeOf, open, streamPath } from '../place.ts'
import { connected, type End, type Follow, type Manner, refusal } from './manner.ts'

interface Control {
  streamNextOffset: string
  upToDate?: boolean
  streamClosed?: boolean
}

/**
 * Server-sent events. Events count from their own `id` on, as with an EventSource: a line that is cut between them and
 * their control event has given them all the same.
 */
export const sse: Manner = { name: 'sse', follow }

async function follow(follow: Follow): Promise<End> {
  const { place, stream, from, byEventId, signal, history, take } = follow
  try {
    const asked = history.now()
    const accept = { accept: 'text/event-stream' }
    const response = byEventId
      ? await open(place, { path: streamPath(stream), headers: { ...accept, 'last-event-id': from }, signal })
      : await open(place, { path: streamPath(stream, { live: 'sse', offset: from }), headers: accept, signal })
    if (response.statusCode === 204) {
      take({ after: from, offset: from, events: [], upToDate: true, sealed: true })
      response.resume()
      return 'sealed'
    }
    if (response.statusCode !== 200) {
      const text = await response.setEncoding('utf8').reduce((all: string, piece: string) => all + piece, '')
      return refusal(follow, codeOf({ status: response.statusCode ?? 0, text }))
    }
    return await readEvents(response, follow, asked)
  } catch {
    return 'lost'
  }
}

async function readEvents(response: IncomingMessage, follow: Follow, asked: number): Promise<End> {
  const { take, history, signal } = follow
  let position = follow.from
  let rest = ''
  let connection: Connection | null = null
  for await (const piece of response.setEncoding('utf8')) {
    const blocks = `${rest}${piece}`.split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const { event, data, id } = fieldsOf(block)
      if (event === 'error') {
        if (connection) history.disconnected(connection, 'server')
        return refusal(follow, codeOf({ status: 0, text: data }))
      }
      connection ??= connected(follow, response.socket.localPort)
      if (event === 'data') {
        const events = (JSON.parse(data) as unknown[]).map(canonical)
        take({ after: position, offset: id, events, upToDate: false, sealed: false })
        position = id
      }
      if (event !== 'control') continue
      const control = JSON.parse(data) as Control
      const { streamNextOffset: offset, upToDate = false, streamClosed: sealed = false } = control
      take({ after: position, offset, events: [], upToDate, sealed, asked })
      position = offset
      if (sealed) {
        history.disconnected(connection, 'client')
        return 'sealed'
      }
    }
  }
  // Ended as responses end; a line that breaks throws.
  if (connection && !signal.aborted) history.disconnected(connection, 'server')
  return 'lost'
}

/** Source: WHATWG HTML, 9.2.6. */
function fieldsOf(block: string): { event: string; data: string; id: string } {
  const fields = { event: 'message', data: '', id: '' }
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? []
    if (name === 'event' || name === 'id') fields[name] = value
    else if (name === 'data') fields.data += value
  }
  return fields
}

import type { StreamFrame } from '@holdfast/protocol'
import { WebSocket } from 'ws'
import { type Connection, canonical } from '../history.ts'
import { codeOf, streamPath } from '../place.ts'
import { connected, type End, type Follow, type Manner, refusal } from './manner.ts'

/** An upgrade on the stream's own URL. */
export const streamSocket: Manner = { name: 'stream socket', follow }

function follow(follow: Follow): Promise<End> {
  const { place, stream, from, signal, history } = follow
  const asked = history.now()
  const url = `ws://127.0.0.1:${place.nextPort()}${streamPath(stream, { offset: from })}`
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${place.token}` }, perMessageDeflate: false })
  return new Promise<End>((resolve) => {
    let end: End = 'lost'
    let port: number | undefined
    let connection: Connection | null = null
    const leave = () => socket.terminate()
    signal.addEventListener('abort', leave, { once: true })
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as StreamFrame
      if (frame.type === 'error') {
        end = refusal(follow, frame.error.code)
        return
      }
      connection ??= connected(follow, port)
      if (!takeFrame(follow, frame, asked)) return
      end = 'sealed'
      history.disconnected(connection, 'client')
    })
    socket.on('upgrade', ({ socket }) => {
      port = socket.localPort
    })
    socket.on('unexpected-response', (_, response) => {
      void response
        .setEncoding('utf8')
        .reduce((all: string, piece: string) => all + piece, '')
        .then((text) => {
          end = refusal(follow, codeOf({ status: response.statusCode ?? 0, text }))
        })
        .catch(() => {})
        .finally(leave)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      signal.removeEventListener('abort', leave)
      resolve(end)
    })
    if (signal.aborted) leave()
  })
}

/** Hands a stream's frame to the reader; whether it was the last one. */
export function takeFrame({ take }: Follow, frame: Exclude<StreamFrame, { type: 'error' }>, asked: number): boolean {
  const { type, after, offset } = frame
  const events = type === 'events' ? frame.events.map(canonical) : []
  take({ after, offset, events, upToDate: type === 'up_to_date', sealed: type === 'sealed', asked })
  return type === 'sealed'
}

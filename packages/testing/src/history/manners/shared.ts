import type { ServerFrame } from '@holdfast/protocol'
import type { Connection } from '../history.ts'
import type { SocketPool } from '../shared-socket.ts'
import { connected, type End, type Follow, type Manner, refusal } from './manner.ts'
import { takeFrame } from './stream-socket.ts'

/** A subscription on `/v1/ws`, on a connection that others share. */
export function sharedSocket(pool: SocketPool): Manner {
  return { name: 'shared socket', knowsState: true, follow: (follow) => subscribe(pool, follow) }
}

function subscribe(pool: SocketPool, follow: Follow): Promise<End> {
  const { stream, from, signal, history } = follow
  if (signal.aborted) return Promise.resolve('lost')
  const asked = history.now()
  const socket = pool.for(stream)
  return new Promise<End>((resolve) => {
    const settle = (end: End) => {
      signal.removeEventListener('abort', leave)
      resolve(end)
    }
    const leave = () => {
      socket.unsubscribe(stream)
      settle('lost')
    }
    let subscription: Connection | null = null
    signal.addEventListener('abort', leave, { once: true })
    socket.subscribe({ type: 'subscribe', stream, from }, (frame) => {
      if (frame === null) return settle('lost')
      if (frame.type === 'subscribed') subscription = connected(follow)
      const end = take(follow, frame, asked)
      // Left within the frame: its place is freed by `unsubscribed`.
      if (!end || signal.aborted) return
      if (subscription) history.disconnected(subscription, end === 'sealed' ? 'client' : 'server')
      socket.release(stream)
      settle(end)
    })
  })
}

/** Takes a frame in; answers how the subscription ended, where it did. */
function take(follow: Follow, frame: ServerFrame, asked: number): End | null {
  switch (frame.type) {
    case 'subscribed': {
      const { history, reader, stream, from } = follow
      const { offset, state, sealed } = frame
      if (from === 'state') history.states.push({ reader, stream, state, offset, sealed })
      // Where these are, is for the server to say; every other place is the reader's own.
      const isTail = from === 'now' || from === 'state'
      follow.take({ after: from, offset, events: [], upToDate: isTail, sealed: false, asked })
      return null
    }
    case 'events':
    case 'up_to_date':
      takeFrame(follow, frame, asked)
      return null
    case 'sealed':
      takeFrame(follow, frame, asked)
      return 'sealed'
    case 'reset':
      return refusal(follow, frame.error.code)
    case 'error':
      return refusal(follow, frame.error.code)
    default:
      return null
  }
}

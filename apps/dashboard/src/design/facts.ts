import { RequestError } from '@holdfast/client'
import type { ConnectionFacts } from '../connection/describe-connection.ts'

export const FAILURE = new RequestError('The server could not be reached.', {
  code: 'UNREACHABLE',
  status: 0,
  kind: 'network',
  retry: true,
  requestId: 'req-42',
})

const LIVE: ConnectionFacts = {
  connection: { state: 'connected', transport: 'websocket', attempt: 0, retryAt: null, since: 0 },
  isOffline: false,
  queued: 0,
  role: 'leader',
  error: null,
}

/** Every state of the connection, at a moment that does not move. */
export function connectionStates(now: number): [name: string, facts: ConnectionFacts][] {
  const since = now - 64_000
  const fact = (connection: Partial<ConnectionFacts['connection']>, rest: Partial<ConnectionFacts> = {}) => ({
    ...LIVE,
    ...rest,
    connection: { ...LIVE.connection, since, ...connection },
  })
  const lost = { state: 'reconnecting', transport: null, attempt: 3, retryAt: now + 8000 } as const
  return [
    ['Live', fact({})],
    ['Live, by another tab', fact({}, { role: 'follower' })],
    ['Connecting', fact({ state: 'connecting', transport: null })],
    ['Reconnecting', fact(lost, { error: FAILURE })],
    ['Degraded, server-sent events', fact({ state: 'degraded', transport: 'sse' })],
    ['Degraded, long polling', fact({ state: 'degraded', transport: 'long-poll' })],
    ['Degraded, polling', fact({ state: 'degraded', transport: 'poll' }, { queued: 1 })],
    ['Offline', fact(lost, { isOffline: true, queued: 2 })],
    ['Given up', fact({ state: 'error', transport: null }, { error: FAILURE })],
    ['Nothing read', fact({ state: 'disconnected', transport: null, since: 0 })],
  ]
}

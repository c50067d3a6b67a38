import { RequestError } from '@holdfast/client'
import { describe, expect, it } from 'vitest'
import { type ConnectionFacts, connectionDetails, describeConnection } from './describe-connection.ts'

const NOW = Date.UTC(2026, 10, 21, 14, 3, 15)

function facts(connection: Partial<ConnectionFacts['connection']>, rest: Partial<ConnectionFacts> = {}) {
  return {
    connection: { state: 'connected', transport: null, attempt: 0, retryAt: null, since: NOW - 64_000, ...connection },
    isOffline: false,
    queued: 0,
    role: 'alone',
    error: null,
    ...rest,
  } as ConnectionFacts
}

const LOST = { state: 'reconnecting', attempt: 3, retryAt: NOW + 7300 } as const
const GONE = new RequestError('There is no such stream.', {
  code: 'NOT_FOUND',
  status: 404,
  kind: 'not_found',
  retry: false,
})

describe('the words for the connection', () => {
  it('[PG18] tells every state apart by its word', () => {
    const words = [
      facts({}),
      facts({ state: 'connecting' }),
      facts(LOST),
      facts({ state: 'degraded', transport: 'sse' }),
      facts(LOST, { isOffline: true }),
      facts({ state: 'error' }),
      facts({ state: 'disconnected', since: 0 }),
    ].map((one) => describeConnection(one, NOW).word)
    expect(words).toEqual(['Live', 'Connecting', 'Reconnecting', 'Degraded', 'Offline', 'Not connected', 'Idle'])
  })

  it('[PG18] says which try it is and when', () => {
    expect(describeConnection(facts(LOST), NOW).detail).toBe('attempt 3 in 8 s')
    expect(describeConnection(facts({ ...LOST, retryAt: null }), NOW).detail).toBe('attempt 3 now')
    // A clock that was set back does not make it wait a negative time.
    expect(describeConnection(facts(LOST), NOW + 60_000).detail).toBe('attempt 3 in 0 s')
  })

  it('[PG18] says by which way changes come when a WebSocket does not get through', () => {
    const meaning = (transport: 'sse' | 'long-poll' | 'poll') =>
      describeConnection(facts({ state: 'degraded', transport }), NOW).meaning
    expect(meaning('sse')).toContain('server-sent events')
    expect(meaning('long-poll')).toContain('long polling')
    expect(meaning('poll')).toContain('every 2 s')
  })

  it('[PG18] says how long it has been, and how many changes wait', () => {
    const offline = describeConnection(facts(LOST, { isOffline: true, queued: 2 }), NOW)
    expect(offline.detail).toBe('for 1 m 04 s')
    expect(offline.meaning).toContain('2 changes wait here to be sent.')
    expect(describeConnection(facts(LOST, { queued: 1 }), NOW).meaning).toContain('1 change waits here')
  })

  it('[PG18] offers another try only where one would change something', () => {
    const can = (one: ConnectionFacts) => describeConnection(one, NOW).canReconnect
    expect([facts(LOST), facts({ state: 'error' }), facts({ state: 'degraded' })].map(can)).toEqual([true, true, true])
    expect([facts({}), facts({ state: 'connecting' }), facts({ state: 'disconnected' })].map(can)).toEqual([
      false,
      false,
      false,
    ])
  })

  it('[PG18] is not at fault for what is not there', () => {
    expect(describeConnection(facts({ state: 'error' }, { error: GONE }), NOW).look).toBe('idle')
  })

  it('[PG18] names the way, the time and the tab behind the words', () => {
    const lines = Object.fromEntries(
      connectionDetails(facts({ transport: 'websocket' }, { role: 'follower', queued: 3 })),
    )
    expect(lines['Comes over']).toBe('WebSocket')
    expect(lines['Held by']).toBe('Another tab of this browser')
    expect(lines['Waiting to be sent']).toBe('3 changes')
    expect(lines.Since).toMatch(/\d\d:\d\d:\d\d/)
    expect(Object.keys(Object.fromEntries(connectionDetails(facts({ state: 'disconnected', since: 0 }))))).toEqual([
      'Waiting to be sent',
      'Held by',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import {
  type ConnectionInput,
  type Failure,
  IDLE,
  type LinkConnection,
  MAX_ATTEMPTS,
  nextConnection,
  PROBE_MS,
  retryDelay,
  STABLE_MS,
  TRANSPORTS,
  type TransportName,
} from './connection-policy.ts'

const middle = () => 0.5
const step = (connection: LinkConnection, input: ConnectionInput, now = 0) =>
  nextConnection(connection, input, now, middle)
const after = (...inputs: ConnectionInput[]) => inputs.reduce((connection, input) => step(connection, input), IDLE)

const connect: ConnectionInput = { type: 'connect' }
const due: ConnectionInput = { type: 'due' }
const wake: ConnectionInput = { type: 'wake' }
const received: ConnectionInput = { type: 'received' }
const refused: ConnectionInput = { type: 'refused' }
const opened = (transport: TransportName): ConnectionInput => ({ type: 'opened', transport })
const failed = (how: Failure, transport: TransportName = 'websocket', rest: object = {}): ConnectionInput => ({
  type: 'failed',
  transport,
  how,
  isOnline: true,
  ...rest,
})
const lost = failed('lost')
const unopened = failed('unopened')
/** The WebSocket failed three times, and nothing else was tried yet. */
const blocked = [connect, unopened, due, unopened, due, unopened] as const

describe('connection policy: waits and counts', () => {
  it('[P3a] waits 1, 2, 4, 8, 16 and then 30 seconds', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 10].map((attempt) => retryDelay(attempt, middle))
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('[P3a] strays from the wait by at most a fifth and never over 30 seconds', () => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const exact = retryDelay(attempt, middle)
      expect(retryDelay(attempt, () => 0)).toBe(exact * 0.8)
      expect(retryDelay(attempt, () => 0.999999)).toBeLessThanOrEqual(Math.min(exact * 1.2, 30_000))
    }
  })

  it('[P3c] gives up after the tenth attempt and starts anew when a person asks', () => {
    let connection = after(connect, opened('websocket'), received, lost)
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      expect(connection).toMatchObject({ state: 'reconnecting', attempt })
      connection = step(connection, due)
      expect(connection).toMatchObject({ retryAt: null, transport: 'websocket' })
      connection = step(connection, unopened)
      // From the third failure on the same try asks for another transport, which gets no answer.
      if (connection.transport === 'sse') connection = step(connection, failed('unreachable', 'sse'))
    }
    expect(connection.state).toBe('error')
    expect(step(connection, due)).toBe(connection)
    expect(step(connection, wake)).toBe(connection)
    expect(step(connection, connect)).toMatchObject({ state: 'connecting', attempt: 0, socketFailures: 0 })
  })

  it('[CL3] keeps counting where a server accepts and drops at once, until a word or a stable silence', () => {
    const dropped = after(connect, opened('websocket'), lost, due, opened('websocket'))
    expect(dropped).toMatchObject({ state: 'connected', attempt: 1 })
    expect(step(dropped, lost, STABLE_MS - 1).attempt).toBe(2)
    expect(step(dropped, lost, STABLE_MS).attempt).toBe(1)
    expect(step(step(dropped, received), lost, STABLE_MS - 1).attempt).toBe(1)
  })

  it('[CL4] takes two signs of one loss as one, and remembers since when it lasts', () => {
    const first = step(after(connect, opened('websocket')), lost, 5000)
    expect(step(first, lost, 5001)).toBe(first)
    const again = step(step(first, due, 6000), unopened, 7000)
    expect(again).toMatchObject({ state: 'reconnecting', since: 5000, retryAt: 9000, attempt: 2 })
  })

  it('[CL4] comes back when the server said so, and never later than after the longest wait', () => {
    const open = after(connect, opened('websocket'))
    expect(step(open, failed('lost', 'websocket', { retryAfterMs: 2310 })).retryAt).toBe(2310)
    expect(step(open, failed('lost', 'websocket', { retryAfterMs: 999_999 })).retryAt).toBe(30_000)
  })

  it('[CL8] a wait is cut short when the network comes back or the page is looked at', () => {
    const waiting = after(connect, opened('websocket'), lost)
    expect(step(waiting, wake)).toMatchObject({ state: 'reconnecting', retryAt: null, attempt: 1 })
    expect(step(waiting, connect)).toMatchObject({ retryAt: null })
  })

  it('[CL10] without a network nothing is counted, and the device is not believed for longer than the longest wait', () => {
    let connection = step(after(connect, opened('websocket')), failed('lost', 'websocket', { isOnline: false }))
    for (let tries = 0; tries < 20; tries += 1) {
      expect(connection).toMatchObject({ state: 'reconnecting', attempt: 1, retryAt: 30_000 })
      connection = step(step(connection, due), failed('unreachable', 'websocket', { isOnline: false }))
    }
    expect(step(step(connection, wake), opened('websocket')).state).toBe('connected')
  })

  it('[CL6] does not come back after an answer that another try will not change', () => {
    const connection = after(connect, refused)
    expect(connection.state).toBe('error')
    expect(step(connection, due)).toBe(connection)
  })

  it('[CL4] by its own wish it stops, whatever it was at, and begins by its own wish only', () => {
    for (const before of [
      after(connect),
      after(connect, lost),
      after(...blocked, opened('sse')),
      after(connect, refused),
    ]) {
      const stopped = step(before, { type: 'disconnect' }, 9)
      expect(stopped).toEqual({ ...IDLE, since: 9 })
      for (const input of [due, wake, received, refused, lost, opened('websocket')])
        expect(step(stopped, input)).toBe(stopped)
    }
  })
})

describe('connection policy: the ladder', () => {
  it('[P7a] another transport after the third failed WebSocket, in the same try', () => {
    expect(after(connect, unopened)).toMatchObject({ state: 'reconnecting', attempt: 1, retryAt: 1000 })
    expect(after(connect, unopened, due, unopened)).toMatchObject({ attempt: 2, retryAt: 2000 })
    const third = after(...blocked)
    expect(third).toMatchObject({ state: 'reconnecting', attempt: 2, retryAt: null, transport: 'sse' })
    expect(step(third, opened('sse'))).toMatchObject({ state: 'degraded', transport: 'sse' })
  })

  it('[P7a] goes down one rung after the other, to asking again and again', () => {
    let connection = after(...blocked)
    for (const transport of TRANSPORTS.slice(1)) {
      expect(connection).toMatchObject({ state: 'reconnecting', retryAt: null, transport })
      connection = step(connection, failed('silent', transport))
    }
    expect(connection).toMatchObject({ state: 'reconnecting', attempt: 3, transport: null, retryAt: 4000 })
  })

  it('[CL11] a WebSocket that opens and is silent is not tried three times', () => {
    const muted = after(connect, opened('websocket'), received, failed('silent'))
    expect(muted).toMatchObject({ state: 'reconnecting', transport: 'sse', retryAt: null, attempt: 1 })
    expect(after(connect, failed('silent'))).toMatchObject({ state: 'connecting', transport: 'sse' })
  })

  it('[CL11] a transport that goes silent in use makes room for the next', () => {
    const sse = after(...blocked, opened('sse'))
    expect(step(sse, failed('silent', 'sse'))).toMatchObject({
      state: 'reconnecting',
      transport: 'long-poll',
      retryAt: null,
    })
  })

  it('[P7c] tries the WebSocket every 30 s beside what works, and at once when somebody looks or asks', () => {
    const degraded = after(...blocked, opened('poll'))
    // Nothing opened that was not tried.
    expect(degraded.state).toBe('reconnecting')
    const sse = after(...blocked, opened('sse'))
    expect(sse.probeAt).toBe(PROBE_MS)
    // A timer that runs early, or a clock that was set back: no other timer follows this one.
    expect(step(sse, due, PROBE_MS - 1)).toMatchObject({ state: 'degraded', probeAt: 2 * PROBE_MS - 1 })
    expect(step(sse, due, PROBE_MS)).toMatchObject({ state: 'degraded', probeAt: 2 * PROBE_MS })
    expect(step(sse, connect, 5)).toMatchObject({ state: 'degraded', probeAt: 5 + PROBE_MS })
    // It fails: nothing else changes.
    expect(step(sse, unopened, PROBE_MS)).toBe(sse)
    expect(step(sse, opened('websocket'), PROBE_MS)).toMatchObject({
      state: 'connected',
      transport: 'websocket',
      socketFailures: 0,
      probeAt: null,
    })
  })

  it('[P7d] where that fails too the count goes on to the end', () => {
    let connection = after(...blocked, opened('poll'), opened('sse'))
    const seen: number[] = []
    connection = step(connection, failed('lost', 'sse'))
    while (connection.state === 'reconnecting') {
      seen.push(connection.attempt)
      connection = step(step(step(connection, due), unopened), failed('unreachable', 'sse'))
    }
    expect(connection.state).toBe('error')
    expect(seen.at(-1)).toBe(MAX_ATTEMPTS)
  })

  it('[P7e] counts nothing while another transport works', () => {
    let connection = after(...blocked, opened('sse'), received)
    expect(connection.attempt).toBe(0)
    for (let probes = 1; probes < 30; probes += 1) {
      connection = step(step(connection, due, probes * PROBE_MS), unopened, probes * PROBE_MS)
    }
    expect(connection).toMatchObject({ state: 'degraded', attempt: 0 })
  })
})

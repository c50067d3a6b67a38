import { describe, expect, it } from 'vitest'
import { type Connection, IDLE, MAX_ATTEMPTS, nextConnection, retryDelay, STABLE_MS } from './connection-policy.ts'

const middle = () => 0.5
const step = (connection: Connection, input: Parameters<typeof nextConnection>[1], now = 0) =>
  nextConnection(connection, input, now, middle)

/** The state after these inputs, all at time 0. */
function after(...inputs: Parameters<typeof nextConnection>[1][]): Connection {
  return inputs.reduce((connection, input) => step(connection, input), IDLE)
}

describe('connection policy', () => {
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
    let connection = after('connect', 'opened', 'received')
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      connection = step(connection, 'lost')
      expect(connection).toMatchObject({ state: 'reconnecting', attempt })
      connection = step(connection, 'due')
      expect(connection.retryAt).toBeNull()
    }
    connection = step(connection, 'lost')
    expect(connection.state).toBe('error')
    expect(step(connection, 'due')).toBe(connection)
    expect(step(connection, 'connect')).toMatchObject({ state: 'connecting', attempt: 0 })
  })

  it('[P3d] never leaves completed, and never leaves disconnected by itself', () => {
    const completed = after('connect', 'opened', 'ended')
    const stopped = after('connect', 'opened', 'disconnect')
    for (const input of ['opened', 'received', 'lost', 'due', 'ended', 'refused'] as const) {
      expect(step(completed, input)).toBe(completed)
      expect(step(stopped, input)).toBe(stopped)
    }
    expect(step(completed, 'connect')).toBe(completed)
    expect(step(completed, 'disconnect')).toBe(completed)
  })

  it('[CL3] forgets the attempts when a word was received', () => {
    const connection = after('connect', 'lost', 'due', 'lost', 'due', 'opened')
    expect(connection).toMatchObject({ state: 'connected', attempt: 2 })
    expect(step(connection, 'received').attempt).toBe(0)
  })

  it('[CL3] keeps counting where a server accepts and drops at once, and starts at one after a stable silence', () => {
    const connection = after('connect', 'lost', 'due', 'opened')
    expect(step(connection, 'lost', STABLE_MS - 1).attempt).toBe(2)
    expect(step(connection, 'lost', STABLE_MS).attempt).toBe(1)
  })

  it('[CL4] takes two signs of one loss as one', () => {
    const lost = after('connect', 'lost')
    expect(step(lost, 'lost')).toBe(lost)
  })

  it('[CL4] remembers since when it is away, over all attempts', () => {
    const lost = step(after('connect', 'opened'), 'lost', 5000)
    const again = step(step(lost, 'due', 6000), 'lost', 7000)
    expect(again).toMatchObject({ state: 'reconnecting', since: 5000, retryAt: 9000 })
  })

  it('[CL6] does not come back after an answer that another try will not change', () => {
    const refused = after('connect', 'refused')
    expect(refused.state).toBe('error')
    expect(step(refused, 'due')).toBe(refused)
  })
})

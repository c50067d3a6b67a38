import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ConnectionInput,
  IDLE,
  isOpen,
  isTrying,
  type LinkConnection,
  MAX_ATTEMPTS,
  nextConnection,
  PROBE_MS,
  TRANSPORTS,
} from './connection-policy.ts'

const transport = fc.constantFrom(...TRANSPORTS)
const input: fc.Arbitrary<ConnectionInput> = fc.oneof(
  fc.record({ type: fc.constantFrom('connect', 'disconnect', 'received', 'due', 'wake', 'refused') }),
  fc.record({ type: fc.constant('opened'), transport }),
  fc.record({
    type: fc.constant('failed'),
    transport,
    how: fc.constantFrom('unopened', 'silent', 'lost', 'unreachable'),
    isOnline: fc.boolean(),
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
  }),
) as fc.Arbitrary<ConnectionInput>
/** Clocks are set forth and back. */
const steps = fc.array(fc.tuple(input, fc.integer({ min: -1e7, max: 1e7 })), { maxLength: 60 })

function run(
  taken: [ConnectionInput, number][],
  see: (now: LinkConnection, at: number, input: ConnectionInput) => void,
) {
  let connection = IDLE
  let at = 0
  for (const [input, passed] of taken) {
    at += passed
    connection = nextConnection(connection, input, at, () => 0.5)
    see(connection, at, input)
  }
  return { connection, at }
}

describe('connection policy: whatever happens', () => {
  it('[CL3] counts no more than ten attempts, and waits or tries or works or has given up', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        run(taken, (now) => {
          expect(now.attempt).toBeLessThanOrEqual(MAX_ATTEMPTS)
          expect(now.retryAt === null || now.probeAt === null).toBe(true)
          expect(now.retryAt === null || now.state === 'reconnecting').toBe(true)
          expect(now.probeAt !== null).toBe(now.state === 'degraded')
          expect(now.transport !== null).toBe(isTrying(now) || isOpen(now))
          if (now.state === 'connected') expect(now.transport).toBe('websocket')
          if (now.state === 'degraded') expect(now.transport).not.toBe('websocket')
          if (now.state === 'reconnecting') expect(now.attempt).toBeGreaterThan(0)
        })
      }),
    )
  })

  it('[CL8] leaves every state: a wait when it is over, and an error when a person asks', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: -1e7, max: 1e7 }), (taken, late) => {
        const { connection, at } = run(taken, () => {})
        const due = nextConnection(connection, { type: 'due' }, at + late, () => 0.5)
        if (connection.retryAt !== null) expect(isTrying(due)).toBe(true)
        if (connection.probeAt !== null) expect(due.probeAt).toBe(at + late + PROBE_MS)
        const asked = nextConnection(connection, { type: 'connect' }, at, () => 0.5)
        expect(isTrying(asked) || isOpen(asked)).toBe(true)
      }),
    )
  })

  it('[CL4] waits no longer than the longest wait, and not where nothing was lost', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        let before = IDLE
        run(taken, (now, at, { type }) => {
          if (now.retryAt !== null && now.retryAt !== before.retryAt) {
            expect(type).toBe('failed')
            expect(now.retryAt - at).toBeLessThanOrEqual(30_000)
            expect(now.retryAt - at).toBeGreaterThanOrEqual(0)
          }
          before = now
        })
      }),
    )
  })
})

import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { createInProcessBus } from '../hub/broker/in-process-broker.ts'
import { type LiveServer, startLiveServer } from '../transport/fixtures/live-server.ts'

let live: LiveServer
afterEach(() => live[Symbol.asyncDispose]())

describe('health', () => {
  it('[HEALTH1] a server that can work says so, with the time it has been up and each check', async () => {
    const clock = new ManualClock()
    live = await startLiveServer({ clock })
    clock.advance(61_000)
    const { status, json } = await live.request('/health', { headers: {} })
    expect([status, json<object>()]).toEqual([
      200,
      {
        status: 'ok',
        timestamp: new Date(clock.now()).toISOString(),
        uptime: 61,
        checks: expect.objectContaining({ database: { status: 'ok', latencyMs: 0 } }),
      },
    ])
    expect((await live.request('/health/live', { headers: {} })).json<object>()).toEqual({ status: 'ok' })
    expect((await live.request('/health/ready', { headers: {} })).json<object>()).toEqual({ status: 'ok' })
  })

  it('[HEALTH4] a lost line to the other nodes makes it degraded, and it goes on serving', async () => {
    const bus = createInProcessBus()
    live = await startLiveServer({ broker: bus.open() })
    const seen = async () => {
      const { status, json } = await live.request('/health')
      const { status: said, checks } = json<{ status: string; checks: Record<string, unknown> }>()
      return [status, said, checks.nodes]
    }
    expect(await seen()).toEqual([200, 'ok', { status: 'ok' }])
    bus.cut()
    expect(await seen()).toEqual([200, 'degraded', { status: 'failed' }])
    bus.restore()
    expect(await seen()).toEqual([200, 'ok', { status: 'ok' }])
  })

  it('[HEALTH2] a store that does not answer makes it degraded and 503, while the process lives', async () => {
    live = await startLiveServer()
    await live.server.services.db.close()
    const { status, json } = await live.request('/health')
    expect([status, json<object>()]).toEqual([
      503,
      expect.objectContaining({
        status: 'degraded',
        checks: expect.objectContaining({ database: expect.objectContaining({ status: 'failed' }) }),
      }),
    ])
    expect((await live.request('/health/live')).status).toBe(200)
  })

  it('[HEALTH2] a store that does not answer within two seconds has failed', async () => {
    const clock = new ManualClock()
    live = await startLiveServer({ clock })
    const asked = Promise.withResolvers<void>()
    const released = Promise.withResolvers<never[]>()
    live.server.services.db.read = ({ sql }) => {
      // Others look at the store, too.
      if (sql.startsWith('SELECT 1')) asked.resolve()
      return released.promise
    }
    const answer = live.request('/health')
    await asked.promise
    clock.advance(2_000)
    const { status, json } = await answer
    // Closing waits for what still looks at the store.
    released.resolve([])
    expect([status, json<object>()]).toEqual([
      503,
      expect.objectContaining({
        checks: expect.objectContaining({ database: { status: 'failed', latencyMs: 2_000 } }),
      }),
    ])
  })

  it('[HEALTH3] a server that has not begun, or that drains, is not ready', async () => {
    live = await startLiveServer()
    const ask = async () => {
      const { statusCode, body } = await live.server.fastify.inject('/health/ready')
      return [statusCode, JSON.parse(body)]
    }
    expect(await ask()).toEqual([200, { status: 'ok' }])
    const draining: unknown[] = []
    // Asked from within, at the moment the server sends its readers home.
    const { sessions } = live.server.services
    const drain = sessions.drain.bind(sessions)
    const asked = new Promise<void>((resolve) => {
      sessions.drain = () => {
        void ask().then((answer) => {
          draining.push(answer)
          resolve()
        })
        drain()
      }
    })
    await Promise.all([live.server.close(), asked])
    expect(draining).toEqual([[503, { status: 'degraded' }]])
  })
})

import { defineStream } from '@holdfast/protocol'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { at, FakeWorld } from '../fixtures/fake-world.ts'
import { StreamClient } from '../stream-client.ts'
import type { TabLocks } from '../world.ts'
import { FollowerLink } from './follower-link.ts'

const sum = defineStream('sums/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }) },
  initial: { total: 0 },
  fold: (state, event) => ({ total: state.total + event.by }),
})

const ME = { kind: 'operator', id: 'somebody', scope: ['manage:*'], expiresAt: null }
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The only tab: every lock is free. */
const free: TabLocks = {
  request: async (_name, { signal }, callback) => {
    await Promise.race([callback({}), new Promise((resolve) => signal?.addEventListener('abort', resolve))])
    return undefined as never
  },
}

function open(me: () => unknown, locks = free) {
  const world = new FakeWorld()
  world.answer = (path) =>
    (path === '/api/me' ? me() : { body: { state: { total: 1 }, offset: at(1), version: 1 } }) as never
  world.tabs = { channel: () => ({ postMessage: () => {}, onmessage: null, close: () => {} }), locks }
  const client = new StreamClient(world)
  const store = client.stream(sum, { id: 's' })
  store.subscribe(() => {})
  return { world, client, store }
}

describe('a tab in trouble', () => {
  it('[CL15] keeps its own connection where nobody can say who asks, and asks less and less often', async () => {
    const { world, client } = open(() => ({ status: 500 }))
    const socket = await world.socket(1)
    socket.welcome()
    for (let seconds = 0; seconds < 60; seconds += 1) {
      await turn()
      world.clock.advance(1000)
      if (seconds % 20 === 0) socket.say({ type: 'heartbeat', time: '' })
    }
    expect(client.getSnapshot()).toMatchObject({ role: 'alone', connection: { state: 'connected' } })
    expect(world.sockets).toHaveLength(1)
    expect(world.asked('/api/me')).toBeLessThan(12)
    client.close()
  })

  it('[CL15] is alone where the connection says again and again that it is somebody else’s', async () => {
    const { world, client } = open(() => ({ body: ME }))
    for (let count = 1; count < 10; count += 1) {
      await turn()
      const socket = world.sockets[count - 1]
      socket?.say({ type: 'welcome', protocol: 1, heartbeatMs: 25_000, principal: 'another', scope: [] })
      for (let turns = 0; turns < 5; turns += 1) await turn()
    }
    expect(world.sockets).toHaveLength(2)
    expect(client.getSnapshot()).toMatchObject({ role: 'alone', connection: { state: 'connected' } })
    client.close()
  })

  it('[CL15] has a connection though it is never answered who asks', async () => {
    const { world, client } = open(() => new Promise(() => {}))
    await vi.waitFor(() => {
      world.clock.advance(1000)
      expect(world.sockets).toHaveLength(1)
    }, 5000)
    expect(client.getSnapshot().role).toBe('alone')
    client.close()
  })

  it('[CL15] is alone where the browser keeps its locks to itself', async () => {
    const denied: TabLocks = {
      request: async () => {
        await turn()
        throw new DOMException('Access is denied.', 'SecurityError')
      },
    }
    const { world, client } = open(() => ({ body: ME }), denied)
    const socket = await world.socket(1)
    socket.welcome()
    for (let turns = 0; turns < 20; turns += 1) await turn()
    expect(world.sockets).toHaveLength(1)
    expect(client.getSnapshot()).toMatchObject({ role: 'alone', connection: { state: 'connected' } })
    client.close()
  })

  it('[CL15] tells its readers of the leader only what is new', () => {
    const link = new FollowerLink('me', () => {})
    const listener = vi.fn()
    link.onStatus(listener)
    const status = { connection: link.status.connection, error: null }
    for (let beats = 0; beats < 5; beats += 1) link.hear({ type: 'leader', tab: 'l', isNew: false, status })
    expect(listener).toHaveBeenCalledTimes(1)
  })
})

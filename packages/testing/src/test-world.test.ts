import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { defineApp } from '@holdfast/server'
import { describe, expect, it } from 'vitest'
import { startBalancer } from './balancer.ts'
import { groundOf, projectGround } from './ground.ts'
import { createTestWorld } from './test-world.ts'

/** Says which node it is. */
const nameApp = (name: string) =>
  defineApp({
    name: 'name',
    streams: [],
    migrations: [],
    setup: () => ({ routes: async (fastify) => void fastify.get('/test/name', async () => ({ name })) }),
  })

const JSON_TYPE = { 'content-type': 'application/json' }

describe('a test world', () => {
  it('[WORLD1] has as many servers as its ground, on one store, and any of them is asked', async () => {
    const { nodes } = projectGround()
    await using world = await createTestWorld({ apps: ({ dataDir }) => [nameApp(dataDir)] })
    expect(world.nodes).toHaveLength(nodes)
    const asked = Array.from({ length: 8 }, () => world.get<{ name: string }>('/test/name'))
    const names = new Set((await Promise.all(asked)).map(({ name }) => name))
    expect([...names].sort()).toEqual(world.nodes.map(({ dataDir }) => dataDir))
    const last = world.nodes.at(-1)?.url
    await world.request(`${world.nodes[0]?.url}/v1/stream/s`, { method: 'PUT', headers: JSON_TYPE, body: '[1,2]' })
    expect(await world.get(`${last}/v1/stream/s`)).toEqual([1, 2])
    const reader = world.socket(`${last?.replace('http', 'ws')}/v1/stream/s?offset=now`)
    await reader.received(1)
    await world.request(`${world.nodes[0]?.url}/v1/stream/s`, { method: 'POST', headers: JSON_TYPE, body: '3' })
    expect((await reader.received(2))[1]).toMatchObject({ type: 'events', events: [3] })
    reader.close()
  })

  it('[WORLD2] goes on without a node that was stopped, and has it back when it is started', async () => {
    const ground = projectGround()
    await using world = await createTestWorld({ durable: true, apps: ({ dataDir }) => [nameApp(dataDir)] })
    await world.request('/v1/stream/s', { method: 'PUT', headers: JSON_TYPE, body: '[1]' })
    await world.stopNode(0)
    for (let count = 0; count < 4 && ground.nodes > 1; count += 1) {
      expect(await world.get('/test/name')).toEqual({ name: world.nodes[1]?.dataDir })
    }
    await world.startNode(0)
    expect(await world.get(`${world.nodes[0]?.url}/v1/stream/s`)).toEqual([1])
    await world.restart()
    expect(await world.get('/v1/stream/s')).toEqual([1])
  })

  it('[WORLD1] named for one ground it has that one alone', async () => {
    await using world = await createTestWorld({ ground: 'memory', apps: () => [] })
    expect([world.db.dialect, world.nodes.length]).toEqual(['sqlite', 1])
    expect(() => groundOf({ store: 'sqlite', nodes: 2 })).toThrow('several nodes stand on PostgreSQL only')
  })
})

describe('the door before several servers', () => {
  it('[WORLD3] carries bytes, an end and a cut both ways, and spreads connections evenly', async () => {
    await using door = await startBalancer()
    const taken: Socket[] = []
    const counts = [0, 0]
    const servers = counts.map((_, index) =>
      createServer({ allowHalfOpen: true }, (socket) => {
        counts[index] = (counts[index] ?? 0) + 1
        taken.push(socket.on('error', () => {}))
      }).listen(0, '127.0.0.1'),
    )
    await Promise.all(servers.map((server) => once(server, 'listening')))
    door.setTargets(servers.map((server) => Number(Object(server.address()).port)))
    const open = async () => {
      const client = connect({ port: Number(new URL(door.url).port), host: '127.0.0.1', allowHalfOpen: true })
      client.on('error', () => {})
      const before = taken.length
      await expect.poll(() => taken.length).toBe(before + 1)
      return [client, taken.at(-1)] as const
    }
    const [client, server = client] = await open()
    client.end('question')
    expect(await endOf(server)).toBe('question')
    server.end('answer')
    expect(await endOf(client)).toBe('answer')
    for (const cut of [0, 1]) {
      const pair = await open()
      const closed = new Promise((resolve) => pair[1 - cut]?.once('close', resolve).resume())
      pair[cut]?.resetAndDestroy()
      await closed
    }
    await open()
    expect(counts).toEqual([2, 2])
    for (const server of servers) server.close()
  })

  it('[WORLD3] hangs up where no server runs', async () => {
    await using door = await startBalancer()
    const client = connect(Number(new URL(door.url).port), '127.0.0.1')
    await new Promise((resolve) =>
      client
        .on('error', () => {})
        .once('close', resolve)
        .resume(),
    )
  })
})

/** What came until the other side had said all. */
async function endOf(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await once(socket, 'end')
  return text
}

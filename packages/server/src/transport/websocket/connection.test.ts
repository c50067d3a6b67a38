import type { ServerFrame } from '@holdfast/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { FrameSocket } from '../fixtures/frame-socket.ts'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'

let live: LiveServer
const sockets: FrameSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.cut()
  await live[Symbol.asyncDispose]()
})

async function start(options?: Parameters<typeof startLiveServer>[0]): Promise<LiveServer> {
  live = await startLiveServer(options)
  return live
}

async function connect(options?: ConstructorParameters<typeof FrameSocket>[1]): Promise<FrameSocket> {
  const socket = new FrameSocket(live.port, options)
  sockets.push(socket)
  await socket.opened
  return socket
}

const tailOf = async (stream: string) => (await live.server.services.log.info(stream))?.tail ?? ''
const codeOf = (frame: ServerFrame) => (frame.type === 'error' ? frame.error.code : frame.type)

describe('one WebSocket for many streams: reading', () => {
  it('[WS11] says what it is at once, and reads several streams side by side, each joined to itself', async () => {
    await start()
    await live.append('a', '1', '2')
    await live.append('b', '{"x":1.0}')
    const socket = await connect()
    const [welcome] = await socket.until('welcome')
    expect(welcome).toEqual({
      type: 'welcome',
      protocol: 1,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      heartbeatMs: 25_000,
      limits: { subscriptions: 1_000, frameBytes: 1_048_576, appendEvents: 10_000 },
    })
    socket.send({ type: 'subscribe', stream: 'a' })
    socket.send({ type: 'subscribe', stream: 'b' })
    await socket.until('up_to_date', 2)
    await live.append('a', '3')
    await live.append('b', '{"y":2}')
    await expect.poll(() => [socket.events('a').length, socket.events('b').length]).toEqual([3, 2])
    expect(socket.types('a')).toEqual(['subscribed', 'events', 'up_to_date', 'events'])
    expect(socket.texts.some((text) => text.includes('{"x":1.0}'))).toBe(true)
    expect([socket.positions.get('a'), socket.positions.get('b')]).toEqual([await tailOf('a'), await tailOf('b')])
    expect(socket.gaps).toBe(0)
  })
})

import { setImmediate } from 'node:timers/promises'
import { formatOffset, parseOffset } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from './fixtures/live-server.ts'

let live: LiveServer
afterEach(() => live[Symbol.asyncDispose]())

const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer(options)
  return live
}

const count = (events: unknown[], expected: number) => expect.poll(() => events.length).toBe(expected)

describe('a WebSocket on a stream', () => {
  it('[WS1] brings what is there, says when that is all, and then what comes, each frame joined to the last', async () => {
    await start()
    await live.append('s', '{"n":1}', '{"n":2}')
    const reader = live.socket('/v1/stream/s')
    await count(reader.frames, 2)
    await live.append('s', '{"n":3}')
    await count(reader.events, 3)
    await live.append('s', '{"n":4}', '{"n":5}')
    await count(reader.events, 5)
    expect(reader.types).toEqual(['events', 'up_to_date', 'events', 'events'])
    expect(reader.events).toEqual([1, 2, 3, 4, 5].map((n) => ({ n })))
    expect(reader.gaps).toBe(0)
    expect(reader.offset).toBe((await live.server.services.log.info('s'))?.tail)
    reader.close()
  })

  it('[WS2] the first frame comes at once, also where there is nothing, so that a reader has a position', async () => {
    await start()
    await live.server.services.db.commit([live.server.services.log.create('s')])
    const reader = live.socket('/v1/stream/s')
    await count(reader.frames, 1)
    expect(reader.frames).toEqual([{ type: 'up_to_date', stream: 's', after: reader.offset, offset: reader.offset }])
    reader.close()
  })

  it('[WS3] resumes from every offset with exactly the rest', async () => {
    await start()
    await live.append('s', '1', '2', '3', '4')
    const { incarnation } = parseOffset((await live.server.services.log.info('s'))?.tail ?? '') ?? { incarnation: 0 }
    for (let seq = 0; seq <= 4; seq += 1) {
      const reader = live.socket(`/v1/stream/s?offset=${formatOffset({ incarnation, seq })}`)
      await expect.poll(() => reader.types).toContain('up_to_date')
      expect(reader.events).toEqual([1, 2, 3, 4].slice(seq))
      reader.close()
    }
  })

  it('[WS4] a refusal comes before the upgrade, as an HTTP answer with its code', async () => {
    await start()
    await live.append('s', '1')
    await live.append('t', '1')
    const other = (await live.server.services.log.info('t'))?.tail
    const refusal = async (path: string, headers?: Record<string, string>) => {
      const reader = live.socket(path, headers ? { headers } : {})
      await expect.poll(() => reader.refused).not.toBeNull()
      return [reader.refused?.status, reader.refused?.problem.code]
    }
    expect(await refusal('/v1/stream/nothing')).toEqual([404, 'NOT_FOUND'])
    expect(await refusal(`/v1/stream/s?offset=${other}`)).toEqual([410, 'OFFSET_GONE'])
    expect(await refusal('/v1/stream/s?offset=x')).toEqual([400, 'INVALID_OFFSET'])
    expect(await refusal('/v1/stream/s', { authorization: 'Bearer wrong' })).toEqual([401, 'UNAUTHENTICATED'])
    expect(await refusal('/v1/stream/s', { 'x-nobody': '1' })).toEqual([401, 'UNAUTHENTICATED'])
  })

  it('[WS5] at the end of a sealed stream it says so and closes with the code that says do not come back', async () => {
    await start()
    await live.append('s', '1')
    const reader = live.socket('/v1/stream/s')
    await count(reader.frames, 2)
    await live.seal('s', '2')
    await expect.poll(() => reader.closed).toEqual({ code: 4500, reason: 'completed' })
    expect([reader.types, reader.events]).toEqual([
      ['events', 'up_to_date', 'events', 'sealed'],
      [1, 2],
    ])
    const atEnd = live.socket(`/v1/stream/s?offset=${reader.offset}`)
    await expect.poll(() => atEnd.closed?.code).toBe(4500)
    expect(atEnd.frames).toEqual([{ type: 'sealed', stream: 's', after: reader.offset, offset: reader.offset }])
  })

  it('[WS6] a message from the peer is answered with an error, and the socket stays open', async () => {
    await start()
    await live.append('s', '1')
    const reader = live.socket('/v1/stream/s')
    await count(reader.frames, 2)
    reader.socket.send('{"type":"append"}')
    reader.socket.send(Buffer.from([0, 255]))
    await count(reader.frames, 4)
    const error = { code: 'INVALID_INPUT', kind: 'validation', status: 400, retry: false }
    expect(reader.frames.slice(2)).toEqual(Array(2).fill({ type: 'error', error: expect.objectContaining(error) }))
    await live.append('s', '2')
    await count(reader.events, 2)
    expect(reader.closed).toBeNull()
    reader.socket.send('x'.repeat(1_048_577))
    await expect.poll(() => reader.closed?.code).toBe(1009)
    expect((await live.request('/health')).status).toBe(200)
  })

  it('[WS6] too many of them in a row end the connection', async () => {
    await start()
    await live.append('s', '1')
    const reader = live.socket('/v1/stream/s')
    await count(reader.frames, 2)
    for (let n = 0; n < 101; n += 1) reader.socket.send('?')
    await expect.poll(() => reader.closed).toEqual({ code: 4503, reason: 'too many malformed frames' })
    expect(reader.frames.length).toBe(2 + 101)
  })

  it('[WS7] a peer that answers no ping is cut off at the second one, one that answers is not', async () => {
    const clock = new ManualClock()
    await start({ clock })
    await live.append('s', '1')
    const dead = live.socket('/v1/stream/s', { autoPong: false, headers: { authorization: AUTHORIZATION } })
    const alive = live.socket('/v1/stream/s')
    await count(dead.frames, 2)
    await count(alive.frames, 2)
    let pings = 0
    alive.socket.on('ping', () => {
      pings += 1
    })
    const pongs = live.all.peers.map((socket) => new Promise((resolve) => socket.once('pong', resolve)))
    clock.advance(25_000)
    await Promise.race(pongs)
    expect([dead.closed, pings]).toEqual([null, 1])
    clock.advance(25_000)
    await expect.poll(() => dead.closed?.code).toBe(4002)
    await expect.poll(() => pings).toBe(2)
    expect(alive.closed).toBeNull()
    await expect.poll(() => live.all.size.sockets).toBe(1)
    alive.close()
  })

  it('[WS8] more at once than is held for a slow reader does not stop one that takes it at once', async () => {
    await start()
    await live.append('s', '0')
    const reader = live.socket('/v1/stream/s')
    await count(reader.events, 1)
    const large = JSON.stringify('x'.repeat(250_000))
    for (let batch = 1; batch <= 3; batch += 1) {
      await live.append('s', ...Array(8).fill(large))
      await expect.poll(() => reader.events.length).toBe(1 + 8 * batch)
    }
    reader.close()
  })

  it('[WS8] for a reader that does not read the server holds little, and gives it all of it later', async () => {
    await start()
    await live.append('s', '0')
    const reader = live.socket('/v1/stream/s')
    await count(reader.events, 1)
    reader.socket.pause()
    const [peer] = live.all.peers
    const size = 64 * 1024
    let most = 0
    for (let n = 1; n <= 400; n += 1) {
      await live.append('s', JSON.stringify({ n, text: 'x'.repeat(size) }))
      await setImmediate()
      most = Math.max(most, peer?.bufferedAmount ?? 0)
    }
    // Of 26 MB: the mark, and the page that went over it.
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(1_048_576 + 524_288)
    expect(live.all.buffered.sockets).toBe(peer?.bufferedAmount)
    reader.socket.resume()
    await expect.poll(() => reader.events.length, { timeout: 20_000 }).toBe(401)
    const numbers = (reader.events.slice(1) as { n: number }[]).map(({ n }) => n)
    expect(numbers).toEqual(Array.from({ length: 400 }, (_, index) => index + 1))
    expect(reader.gaps).toBe(0)
    reader.close()
  })

  it('[WS9] a server that drains says come back, and hangs up on whoever does not answer', async () => {
    const clock = new ManualClock()
    await start({ clock })
    await live.append('s', '1')
    const reader = live.socket('/v1/stream/s')
    const deaf = live.socket('/v1/stream/s')
    await count(reader.frames, 2)
    await count(deaf.frames, 2)
    deaf.socket.pause()
    live.all.drain()
    await expect.poll(() => reader.closed).toEqual({ code: 4000, reason: 'the server restarts' })
    await expect.poll(() => live.all.size.sockets).toBe(1)
    clock.advance(5_000)
    await expect.poll(() => live.all.size.sockets).toBe(0)
    deaf.close()
  })
})

const AUTHORIZATION = 'Bearer the-operators-token-of-tests'

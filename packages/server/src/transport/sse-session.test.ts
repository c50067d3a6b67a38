import { setImmediate } from 'node:timers/promises'
import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from './fixtures/live-server.ts'

let live: LiveServer
afterEach(() => live[Symbol.asyncDispose]())

const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer(options)
  return live
}

const count = (events: unknown[], expected: number) => expect.poll(() => events.length).toBe(expected)

describe('server-sent events on a stream', () => {
  it('[SSE1] a write holds the events as data, then the control event, each with the offset as its id', async () => {
    await start()
    await live.append('s', '{"n":1}', '{"n":2}')
    const reader = await live.events('/v1/stream/s')
    await count(reader.controls, 1)
    await live.append('s', '{"n":3}')
    await count(reader.controls, 2)
    const tail = (await live.server.services.log.info('s'))?.tail
    expect(reader.response.headers['content-type']).toBe('text/event-stream')
    expect(reader.response.headers['cache-control']).toBe('no-cache, no-store')
    expect(reader.response.headers['x-accel-buffering']).toBe('no')
    const cursor = String(reader.controls.at(-1)?.streamCursor)
    expect(cursor).toMatch(/^\d+$/)
    expect(reader.writes.at(-1)).toBe(
      `event: data\ndata:[{"n":3}]\nid: ${tail}\n\nevent: control\n` +
        `data:{"streamNextOffset":"${tail}","streamCursor":"${cursor}","upToDate":true}\nid: ${tail}\n\n`,
    )
    expect(reader.events).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    reader.close()
  })

  it('[SSE2] a reader has a position and an id at once, also where there is nothing to read', async () => {
    await start()
    await live.append('s', '1')
    const tail = (await live.server.services.log.info('s'))?.tail
    const reader = await live.events('/v1/stream/s?offset=now&live=sse', { accept: '*/*' })
    await count(reader.controls, 1)
    expect([reader.controls, reader.events, reader.lastEventId]).toEqual([
      [{ streamNextOffset: tail, streamCursor: expect.any(String), upToDate: true }],
      [],
      tail,
    ])
    reader.close()
  })

  it('[SSE3] a reader that comes back goes on after its Last-Event-ID, whatever the URL said at first', async () => {
    await start()
    await live.append('s', '1')
    const first = await live.events('/v1/stream/s?offset=-1')
    await count(first.events, 1)
    first.close()
    await live.append('s', '2', '3')
    const again = await live.events('/v1/stream/s?offset=-1', { 'last-event-id': first.lastEventId })
    await count(again.events, 2)
    expect(again.events).toEqual([2, 3])
    again.close()
    // Nothing was read yet: an empty id is none.
    const empty = await live.events('/v1/stream/s?offset=-1', { 'last-event-id': '' })
    await count(empty.events, 3)
    empty.close()
    const refused = await live.events('/v1/stream/s', { 'last-event-id': 'not-an-offset' })
    expect(refused.response.statusCode).toBe(400)
    refused.close()
  })

  it('[SSE4] at the end of a sealed stream the response ends, and whoever comes back is told to stay away', async () => {
    await start()
    await live.append('s', '1')
    const reader = await live.events('/v1/stream/s')
    await count(reader.events, 1)
    await live.seal('s', '2')
    await expect.poll(() => reader.ended).toBe(true)
    expect([reader.events, reader.controls.at(-1)]).toEqual([
      [1, 2],
      { streamNextOffset: reader.offset, upToDate: true, streamClosed: true },
    ])
    const again = await live.events('/v1/stream/s', { 'last-event-id': reader.lastEventId })
    expect([again.response.statusCode, again.response.headers['stream-closed']]).toEqual([204, 'true'])
    // One that opens at the end for the first time is told so by the stream, and by 204 when it comes back.
    const late = await live.events('/v1/stream/s?offset=now')
    await expect.poll(() => late.ended).toBe(true)
    expect([late.controls, late.lastEventId]).toEqual([
      [{ streamNextOffset: reader.offset, upToDate: true, streamClosed: true }],
      reader.offset,
    ])
  })

  it('[SSE4] a stream that ends without a last event ends the response as well', async () => {
    await start()
    await live.append('s', '1')
    const reader = await live.events('/v1/stream/s')
    await count(reader.events, 1)
    const headers = { authorization: `Bearer ${TOKEN}`, 'stream-closed': 'true' }
    expect((await live.request('/v1/stream/s', { method: 'POST', headers })).status).toBe(204)
    await expect.poll(() => reader.ended).toBe(true)
    expect([reader.events, reader.controls.at(-1)?.streamClosed]).toEqual([[1], true])
  })

  it('[SSE5] a quiet stream says every 15 seconds that it is there', async () => {
    const clock = new ManualClock()
    await start({ clock })
    await live.append('s', '1')
    const reader = await live.events('/v1/stream/s')
    await count(reader.events, 1)
    const before = reader.writes.length
    for (const writes of [1, 2]) {
      clock.advance(14_999)
      clock.advance(1)
      await count(reader.writes, before + writes)
    }
    expect(reader.writes.slice(before)).toEqual([': still here\n\n', ': still here\n\n'])
    reader.close()
    await expect.poll(() => live.all.size.responses).toBe(0)
  })

  it('[SSE6] a server that drains ends the response, and the reader goes on elsewhere from its id', async () => {
    await start()
    await live.append('s', '1')
    const reader = await live.events('/v1/stream/s')
    await count(reader.events, 1)
    await live.all.close()
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.lastEventId).toBe(reader.offset)
  })

  it('[SSE7] for a reader that does not read the server holds little, and gives it all of it later', async () => {
    await start()
    await live.append('s', '0')
    const reader = await live.events('/v1/stream/s')
    await count(reader.events, 1)
    reader.response.pause()
    const held = () => live.all.buffered.responses
    const size = 64 * 1024
    let most = 0
    for (let n = 1; n <= 400; n += 1) {
      await live.append('s', JSON.stringify({ n, text: 'x'.repeat(size) }))
      await setImmediate()
      most = Math.max(most, held())
    }
    // Of 26 MB: what one page holds, besides what the kernel's own buffers took.
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(1_048_576)
    reader.response.resume()
    await expect.poll(() => reader.events.length, { timeout: 20_000 }).toBe(401)
    expect((reader.events.slice(1) as { n: number }[]).map(({ n }) => n)).toEqual(
      Array.from({ length: 400 }, (_, index) => index + 1),
    )
    reader.close()
  })

  it('[SSE8] HEAD answers the headers alone and opens nothing', async () => {
    await start()
    await live.append('s', '1')
    const headers = { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' }
    const answer = await live.request('/v1/stream/s', { method: 'HEAD', headers })
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([200, 'application/json', ''])
    expect(live.all.size.responses).toBe(0)
  })

  it('[SSE9] what has said its last falls silent, and is cut off where nobody takes it in', async () => {
    const clock = new ManualClock()
    await start({ clock })
    await live.append('s', '0')
    const reader = await live.events('/v1/stream/s')
    await count(reader.events, 1)
    reader.response.pause()
    const { all } = live
    // More than the buffers of the system take, and less than is held for one reader.
    for (let n = 0; n < 400; n += 1) {
      await live.append('s', JSON.stringify('x'.repeat(65_536)))
      await setImmediate()
    }
    expect(all.buffered.responses).toBeGreaterThan(0)
    live.all.drain()
    const held = all.buffered.responses
    clock.advance(29_999)
    expect([all.buffered.responses, all.size.responses]).toEqual([held, 1])
    clock.advance(1)
    await expect.poll(() => all.size.responses).toBe(0)
    reader.close()
  })
})

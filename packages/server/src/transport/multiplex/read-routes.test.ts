import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'
import { FrameEvents, readRound } from '../fixtures/many-reader.ts'

let live: LiveServer
const readers: FrameEvents[] = []
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.cut()
  await live[Symbol.asyncDispose]()
})

async function follow(...asked: Parameters<typeof FrameEvents.open>): Promise<FrameEvents> {
  const reader = await FrameEvents.open(...asked)
  readers.push(reader)
  return reader
}

describe('server-sent events of many streams', () => {
  it('[READ1] welcome comes first; streams are read side by side, each joined to itself', async () => {
    live = await startLiveServer()
    await live.append('a', '{"n":1}', '[\r\n1,\n2]')
    await live.append('b', '"x"')
    const reader = await follow(live.port, [{ stream: 'a' }, { stream: 'b', from: 'now' }])
    await expect.poll(() => reader.of('up_to_date').length).toBe(2)
    await live.append('b', '"y"')
    await live.append('a', '3')
    await expect.poll(() => reader.events('a').length + reader.events('b').length).toBe(4)
    expect(reader.events('a')).toEqual([{ n: 1 }, [1, 2], 3])
    expect(reader.events('b')).toEqual(['y'])
    expect(reader.types('a')).toEqual(['subscribed', 'events', 'up_to_date', 'events'])
    expect(reader.types('b')).toEqual(['subscribed', 'up_to_date', 'events'])
    expect(reader.frames[0]).toMatchObject({ type: 'welcome', protocol: 1, heartbeatMs: 15_000 })
    expect(reader.gaps).toBe(0)
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
  })
})

describe('a round of many streams', () => {
  it('[READ2] holds what there is, and where each stands', async () => {
    live = await startLiveServer()
    await live.append('a', '1', '2')
    await live.seal('b', '3')
    const { status, headers, frames } = await readRound(live.port, [{ stream: 'a' }, { stream: 'b' }, { stream: 'no' }])
    expect([status, headers['cache-control'], headers['content-type']]).toEqual([
      200,
      'no-store',
      'application/json; charset=utf-8',
    ])
    const types = (stream: string) => frames.filter((f) => 'stream' in f && f.stream === stream).map(({ type }) => type)
    expect([types('a'), types('b'), types('no')]).toEqual([
      ['subscribed', 'events', 'up_to_date'],
      ['subscribed', 'events', 'sealed'],
      ['error'],
    ])
  })
})

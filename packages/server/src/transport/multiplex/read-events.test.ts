import { setImmediate } from 'node:timers/promises'
import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveServer, startLiveServer, TOKEN } from '../fixtures/live-server.ts'
import { FrameEvents, openRead } from '../fixtures/many-reader.ts'

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

/** Readers that the nodes know of, whoever they read for. */
async function subscribers(): Promise<number> {
  let sum = 0
  for (const port of live.ports) {
    const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' }
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).text()
    sum += Number(/^holdfast_stream_readers (\d+)$/m.exec(metrics)?.[1])
  }
  return sum
}

const upToDate = (reader: FrameEvents, count: number) =>
  expect.poll(() => reader.of('up_to_date').length, { timeout: 20_000 }).toBe(count)
const MEGABYTE = 1_048_576
const PAGE = 262_144
const EVENTS = { accept: 'text/event-stream' }

describe('server-sent events of many streams', () => {
  it('[READ1] welcome comes first; streams are read side by side, each joined to itself', async () => {
    live = await startLiveServer()
    await live.append('a', '{"n":1}', '[\r\n1,\n2\r]')
    await live.append('b', '"x"')
    const reader = await follow(live.port, [{ stream: 'a' }, { stream: 'b', from: 'now' }])
    await upToDate(reader, 2)
    await live.append('b', '"y"')
    await live.append('a', '3')
    await expect.poll(() => reader.events('a').length + reader.events('b').length).toBe(4)
    expect(reader.events('a')).toEqual([{ n: 1 }, [1, 2], 3])
    expect(reader.texts.filter((text) => /[\r\n]/.test(text))).toEqual([])
    expect(reader.events('b')).toEqual(['y'])
    expect(reader.types('a')).toEqual(['subscribed', 'events', 'up_to_date', 'events'])
    expect(reader.types('b')).toEqual(['subscribed', 'up_to_date', 'events'])
    expect(reader.frames[0]).toMatchObject({
      type: 'welcome',
      protocol: 1,
      heartbeatMs: 15_000,
      principal: 'operator',
      limits: { subscriptions: 1_000 },
    })
    expect(reader.gaps).toBe(0)
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    expect(reader.response.headers['content-encoding']).toBe(undefined)
  })

  it('[READ7] a heartbeat comes every 15 seconds; the response ends when every stream is sealed or refused', async () => {
    const clock = new ManualClock()
    live = await startLiveServer({ clock })
    await live.append('a', '1')
    await live.append('b', '1')
    const reader = await follow(live.port, [{ stream: 'a' }, { stream: 'b' }, { stream: 'none' }])
    await upToDate(reader, 2)
    clock.advance(14_999)
    await setImmediate()
    expect(reader.of('heartbeat')).toEqual([])
    clock.advance(1)
    await expect.poll(() => reader.of('heartbeat')).toEqual([{ type: 'heartbeat', time: expect.any(String) }])
    clock.advance(15_000)
    await expect.poll(() => reader.of('heartbeat').length).toBe(2)
    await live.seal('a', '2')
    await expect.poll(() => reader.types('a').at(-1)).toBe('sealed')
    expect(reader.ended).toBe(false)
    const { db, log } = live.server.services
    await log.remove('b')
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.frames.at(-1)).toMatchObject({ type: 'error', stream: 'b', error: { code: 'NOT_FOUND' } })
    await db.commit([log.create('c')])
    const refused = await follow(live.port, [{ stream: 'none' }, { stream: 'nor-this' }])
    await expect.poll(() => refused.ended).toBe(true)
    expect(refused.frames.map(({ type }) => type)).toEqual(['welcome', 'error', 'error'])
    await expect.poll(() => live.all.size.responses).toBe(0)
  })

  it('[READ10] a reader that does not read costs about the limit and some pages, and gets everything in turn', async () => {
    live = await startLiveServer()
    await live.append('busy', '0')
    await live.append('quiet', '0')
    // Straight to the server that does not write, where there are several: a door between would hold much itself.
    const reader = await follow(live.ports.at(-1) ?? live.port, [{ stream: 'busy' }, { stream: 'quiet' }])
    await upToDate(reader, 2)
    reader.response.pause()
    let most = 0
    for (let n = 1; n <= 500; n += 1) {
      await live.append('busy', JSON.stringify({ n, text: 'x'.repeat(65_536) }))
      await live.append('quiet', String(n))
      await setImmediate()
      most = Math.max(most, live.all.buffered.responses)
    }
    // Of 33 MB.
    expect(most).toBeGreaterThan(MEGABYTE / 2)
    expect(most).toBeLessThan(MEGABYTE + 4 * PAGE)
    reader.response.resume()
    const numbers = Array.from({ length: 500 }, (_, index) => index + 1)
    await expect.poll(() => reader.events('busy').length, { timeout: 20_000 }).toBe(501)
    await expect.poll(() => reader.events('quiet').length).toBe(501)
    expect(reader.events('quiet')).toEqual([0, ...numbers])
    expect((reader.events('busy').slice(1) as { n: number }[]).map(({ n }) => n)).toEqual(numbers)
    expect(reader.gaps).toBe(0)
    const last = (stream: string) =>
      reader.frames.findLastIndex((frame) => 'stream' in frame && frame.stream === stream)
    expect(last('quiet')).toBeLessThan(last('busy'))
    await expect.poll(() => live.all.buffered.responses).toBe(0)
  })

  it('[READ10] many long streams are read a few pages at a time', async () => {
    live = await startLiveServer({ limits: { sendBufferBytes: 131_072 } })
    const { db, log } = live.server.services
    const names = Array.from({ length: 60 }, (_, index) => `long/${index}`)
    const text = JSON.stringify('x'.repeat(10_000))
    for (const name of names) await db.commit([log.append(name, Array(20).fill(text))])
    const response = await openRead(
      live.ports.at(-1) ?? live.port,
      names.map((stream) => ({ stream })),
      { headers: EVENTS },
    )
    response.pause()
    let most = 0
    for (let turn = 0; turn < 300; turn += 1) {
      await setImmediate()
      most = Math.max(most, live.all.buffered.responses)
    }
    expect(most).toBeLessThan(131_072 + 4 * PAGE)
    const reader = new FrameEvents(response)
    readers.push(reader)
    response.resume()
    await upToDate(reader, names.length)
    expect(names.map((name) => reader.events(name).length)).toEqual(Array(60).fill(20))
    expect(reader.gaps).toBe(0)
  })

  it('[READ10] one that takes nothing of what waits for it is cut off', async () => {
    live = await startLiveServer({ idleTimeoutMs: 500, longPollMs: 100 })
    await live.append('busy', '0')
    const port = live.ports.at(-1) ?? live.port
    const reader = await follow(port, [{ stream: 'busy' }])
    await upToDate(reader, 1)
    reader.response.pause()
    const text = JSON.stringify('x'.repeat(262_144))
    // More than the system holds for the two of them.
    for (let n = 0; n < 200 && live.all.buffered.responses < MEGABYTE; n += 1) {
      await live.append('busy', text)
      await setImmediate()
    }
    expect(live.all.buffered.responses).toBeGreaterThan(MEGABYTE)
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([0, 0])
    const again = await follow(port, [{ stream: 'busy', from: reader.positions.get('busy') ?? '' }])
    await upToDate(again, 1)
    expect(again.gaps).toBe(0)
  })

  it('[READ11] a reader that leaves, at whatever moment, leaves nothing behind', async () => {
    live = await startLiveServer()
    await live.append('a', '1')
    const wanted = [{ stream: 'a' }, { stream: 'none' }]
    const waiting = await openRead(live.port, [{ stream: 'a', from: 'now' }], { headers: EVENTS })
    const reader = await follow(live.port, wanted)
    await upToDate(reader, 1)
    // The refused one is counted until its stream was looked up.
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([2, 2])
    expect(await subscribers()).toBe(2)
    reader.cut()
    waiting.destroy()
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([0, 0])
    for (let turns = 0; turns < 20; turns += 1) {
      const abort = new AbortController()
      const asked = openRead(live.port, wanted, {
        headers: turns % 2 ? EVENTS : {},
        query: turns % 3 === 0 ? '?wait=30' : '',
        signal: abort.signal,
      }).catch(() => null)
      for (let turn = 0; turn < turns; turn += 1) await setImmediate()
      abort.abort()
      const response = await asked
      response?.on('error', () => {}).destroy()
    }
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([0, 0])
    await expect.poll(() => live.all.connections()).toBe(0)
    expect(await subscribers()).toBe(0)
  })

  it('[READ12] a server that drains says when to come back, and ends the response', async () => {
    let chance = 0
    live = await startLiveServer({
      random: () => {
        chance = (chance + 0.37) % 1
        return chance
      },
    })
    await live.append('a', '1')
    const both = [await follow(live.port, [{ stream: 'a' }]), await follow(live.port, [{ stream: 'a' }])]
    for (const reader of both) await upToDate(reader, 1)
    const closed = live.all.close()
    for (const reader of both) await expect.poll(() => reader.ended).toBe(true)
    const last = both.map(({ frames }) => frames.at(-1))
    for (const frame of last) expect(frame).toEqual({ type: 'drain', retryAfterMs: expect.any(Number) })
    expect(JSON.stringify(last[0])).not.toBe(JSON.stringify(last[1]))
    await closed
  })

  it('[READ15] one response reads a thousand streams, and leaves nothing behind', async () => {
    live = await startLiveServer()
    const { db, log } = live.server.services
    const names = Array.from({ length: 1_000 }, (_, index) => `many/${index}`)
    await db.commit(names.map((name) => log.append(name, [JSON.stringify(name)])))
    const reader = await follow(
      live.port,
      names.map((stream) => ({ stream })),
    )
    await upToDate(reader, 1_000)
    expect(live.all.subscriptions).toBe(1_000)
    await db.commit(names.map((name) => log.append(name, ['"later"'])))
    await expect.poll(() => reader.of('events').length, { timeout: 20_000 }).toBe(2_000)
    expect(names.map((name) => reader.events(name))).toEqual(names.map((name) => [name, 'later']))
    expect(reader.gaps).toBe(0)
    reader.cut()
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([0, 0])
  })
})

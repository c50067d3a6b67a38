import { setImmediate } from 'node:timers/promises'
import { defineStream } from '@holdfast/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { defineApp } from '../../define-app.ts'
import { FrameSocket } from '../fixtures/frame-socket.ts'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'

let live: LiveServer
const sockets: FrameSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.cut()
  await live[Symbol.asyncDispose]()
})

/** Straight to a server, the one that does not write where there are several: a door between would hold much itself. */
async function connect(): Promise<FrameSocket> {
  const socket = new FrameSocket(live.ports.at(-1) ?? live.port)
  sockets.push(socket)
  await socket.until('welcome')
  return socket
}

const held = () => live.all.buffered.connections
const MEGABYTE = 1_048_576
const PAGE = 262_144

/** Newest value per name; `mark` replaces nothing. */
const gauges = defineStream('gauges/:id', {
  version: 1,
  events: { set: z.object({ name: z.string(), value: z.number(), pad: z.string() }), mark: z.object({}) },
  initial: { values: {} as Record<string, number>, marks: [] as string[] },
  fold: (state, event) =>
    event.type === 'set'
      ? { ...state, values: { ...state.values, [event.name]: event.value } }
      : { ...state, marks: [...state.marks, JSON.stringify(state.values)] },
  replaces: { set: ({ name }) => name },
})
const shortGauges = defineStream('short/:id', {
  version: 1,
  events: { set: z.object({ name: z.string(), value: z.number(), pad: z.string() }) },
  initial: { last: 0 },
  fold: (_, { value }) => ({ last: value }),
  retain: { events: 5 },
})
const gaugesApp = defineApp({ name: 'gauges', streams: [gauges, shortGauges], migrations: [], setup: () => ({}) })

describe('a peer of many streams that does not read', () => {
  it('[WS27] costs about the limit and some pages, however much is written, and gets all of it in turn', async () => {
    live = await startLiveServer()
    await live.append('busy', '0')
    await live.append('quiet', '0')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'busy' })
    socket.send({ type: 'subscribe', stream: 'quiet' })
    await socket.until('up_to_date', 2)
    socket.socket.pause()
    let most = 0
    for (let n = 1; n <= 500; n += 1) {
      await live.append('busy', JSON.stringify({ n, text: 'x'.repeat(65_536) }))
      await live.append('quiet', String(n))
      await setImmediate()
      most = Math.max(most, held())
    }
    // Of 33 MB.
    expect(most).toBeGreaterThan(MEGABYTE / 2)
    expect(most).toBeLessThan(MEGABYTE + 4 * PAGE)
    socket.socket.resume()
    await expect.poll(() => socket.events('busy').length, { timeout: 20_000 }).toBe(501)
    await expect.poll(() => socket.events('quiet').length).toBe(501)
    const numbers = Array.from({ length: 501 }, (_, index) => index)
    expect(socket.events('quiet')).toEqual(numbers)
    expect((socket.events('busy').slice(1) as { n: number }[]).map(({ n }) => n)).toEqual(numbers.slice(1))
    expect(socket.gaps).toBe(0)
    // The quiet stream did not wait for the busy one's end.
    const last = (stream: string) =>
      socket.frames.findLastIndex((frame) => 'stream' in frame && frame.stream === stream)
    expect(last('quiet')).toBeLessThan(last('busy'))
    await expect.poll(held).toBe(0)
  })

  it('[WS27] many subscriptions from the start of long streams are read a few pages at a time', async () => {
    live = await startLiveServer()
    const { db, log } = live.server.services
    const names = Array.from({ length: 40 }, (_, index) => `long/${index}`)
    const text = JSON.stringify('x'.repeat(10_000))
    for (const name of names) await db.commit([log.append(name, Array(50).fill(text))])
    const socket = await connect()
    socket.socket.pause()
    for (const stream of names) socket.send({ type: 'subscribe', stream })
    let most = 0
    for (let turn = 0; turn < 300; turn += 1) {
      await setImmediate()
      most = Math.max(most, held())
    }
    expect(most).toBeLessThan(MEGABYTE + 4 * PAGE)
    socket.socket.resume()
    await socket.until('up_to_date', names.length)
    expect(names.map((name) => socket.events(name).length)).toEqual(Array(40).fill(50))
    expect(socket.gaps).toBe(0)
  })

  it('[WS27] streams that are behind take turns, a page each, however much room there is', async () => {
    live = await startLiveServer({ limits: { sendBufferBytes: 16 * MEGABYTE } })
    const { db, log } = live.server.services
    const text = JSON.stringify('x'.repeat(50_000))
    const busy = Array.from({ length: 6 }, (_, index) => `busy/${index}`)
    for (const name of busy) await db.commit([log.append(name, Array(30).fill(text))])
    await live.append('quiet', '1')
    const socket = await connect()
    for (const stream of [...busy, 'quiet']) socket.send({ type: 'subscribe', stream })
    await socket.until('up_to_date', 7)
    const first = socket.frames.findIndex((frame) => frame.type === 'events' && frame.stream === 'quiet')
    const before = socket.frames.slice(0, first)
    const pages = busy.map((name) => before.filter((frame) => frame.type === 'events' && frame.stream === name).length)
    expect(Math.max(...pages)).toBeLessThanOrEqual(2)
    expect(busy.map((name) => socket.events(name).length)).toEqual(Array(6).fill(30))
  })

  it('[WS15] a reader that fell behind what is kept goes on from the state, and is told when it has everything', async () => {
    live = await startLiveServer({ apps: [gaugesApp] })
    const { db, log } = live.server.services
    const set = (value: number) => ({ type: 'set' as const, name: 'n', value, pad: 'x'.repeat(60_000) })
    const append = (value: number) => db.commit([log.appendEvents(shortGauges, { id: 'g' }, [set(value)])])
    await append(0)
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'short/g' })
    await socket.until('up_to_date')
    socket.socket.pause()
    let value = 0
    const isBehind = async () => {
      for (let n = 0; n < 20; n += 1) {
        await append(++value)
        await setImmediate()
      }
      const sent = socket.positions.get('short/g') ?? ''
      return held() > MEGABYTE && ((await log.info('short/g'))?.head ?? '') > sent && value > 400
    }
    await expect.poll(isBehind, { timeout: 25_000 }).toBe(true)
    socket.socket.resume()
    const [reset] = await socket.until('reset')
    await socket.until('up_to_date', 2)
    expect([reset?.error.code, reset?.version]).toEqual(['OFFSET_GONE', 1])
    await append(++value)
    const tail = (await log.info('short/g'))?.tail
    await expect.poll(() => socket.positions.get('short/g')).toBe(tail)
    const last = socket.events('short/g').at(-1) as { value: number }
    expect([last.value, socket.gaps]).toEqual([value, 0])
  })

  it('[WS28] is not listened to while it does not take its answers, and gets every one of them later', async () => {
    live = await startLiveServer()
    const socket = await connect()
    socket.socket.pause()
    const count = 200_000
    let read = 0
    const [peer] = live.all.peers
    peer?.on('message', () => {
      read += 1
    })
    for (let ref = 0; ref < count; ref += 1) socket.send({ type: 'ping', ref })
    let before = -1
    const isStill = () => {
      const still = read === before && peer?.isPaused
      before = read
      return still
    }
    await expect.poll(isStill, { timeout: 20_000 }).toBe(true)
    expect(read).toBeLessThan(count)
    expect(held()).toBeLessThan(MEGABYTE + 65_536)
    socket.socket.resume()
    const pongs = await socket.until('pong', count)
    expect(pongs.every(({ ref }, index) => ref === index)).toBe(true)
  })

  it('[WS29] is spared what later events replace where it asked for that, and folds to the same state', async () => {
    live = await startLiveServer({ apps: [gaugesApp] })
    const { db, log } = live.server.services
    const pad = 'x'.repeat(20_000)
    const set = (value: number) => ({ type: 'set' as const, name: `n${value % 3}`, value, pad })
    await db.commit([log.appendEvents(gauges, { id: 'g' }, [set(0)])])
    const [all, some] = [await connect(), await connect()]
    all.send({ type: 'subscribe', stream: 'gauges/g' })
    some.send({ type: 'subscribe', stream: 'gauges/g', conflate: true })
    for (const socket of [all, some]) await socket.until('up_to_date')
    some.socket.pause()
    for (let value = 1; value <= 600; value += 1) {
      const events = value % 100 === 0 ? [set(value), { type: 'mark' as const }] : [set(value)]
      await db.commit([log.appendEvents(gauges, { id: 'g' }, events)])
      await setImmediate()
    }
    some.socket.resume()
    const tail = (await log.info('gauges/g'))?.tail
    for (const socket of [all, some]) {
      await expect.poll(() => socket.positions.get('gauges/g'), { timeout: 20_000 }).toBe(tail)
    }
    const fold = (socket: FrameSocket) =>
      socket.events('gauges/g').reduce((state: typeof gauges.initial, event) => {
        return gauges.apply(state, event as Parameters<typeof gauges.apply>[1])
      }, gauges.initial)
    expect(fold(some)).toEqual(fold(all))
    expect(all.events('gauges/g').length).toBe(607)
    expect(some.events('gauges/g').length).toBeLessThan(550)
    expect([all.gaps, some.gaps]).toEqual([0, 0])
  })
})

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

async function connect(): Promise<FrameSocket> {
  const socket = new FrameSocket(live.port)
  sockets.push(socket)
  await socket.until('welcome')
  return socket
}

const held = () => live.server.services.sessions.buffered.connections
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
const gaugesApp = defineApp({ name: 'gauges', streams: [gauges], migrations: [], setup: () => ({}) })

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

  it('[WS28] is not listened to while it does not take its answers, and gets every one of them later', async () => {
    live = await startLiveServer()
    const socket = await connect()
    socket.socket.pause()
    const count = 200_000
    let read = 0
    const [peer] = live.server.fastify.websocketServer.clients
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

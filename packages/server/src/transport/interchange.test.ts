import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FrameSocket } from './fixtures/frame-socket.ts'
import { type LiveServer, startLiveServer } from './fixtures/live-server.ts'
import { FrameEvents, RoundReader } from './fixtures/many-reader.ts'

let live: LiveServer
beforeAll(async () => {
  live = await startLiveServer()
})
afterAll(() => live[Symbol.asyncDispose]())

interface Reading {
  /** Waits until so many events were read. */
  read(events: number): Promise<void>
  events: unknown[]
  offset(): string
  close(): void
}

/** One request after the other, each from where the one before ended. */
function asking(how: string) {
  return async (stream: string, from: string): Promise<Reading> => {
    const events: unknown[] = []
    let offset = from
    return {
      events,
      offset: () => offset,
      close() {},
      async read(wanted) {
        for (let tries = 0; events.length < wanted && tries < 100; tries += 1) {
          const answer = await live.request(`/v1/stream/${stream}?offset=${offset}${how}`)
          if (answer.status === 200) events.push(...answer.json<unknown[]>())
          offset = String(answer.headers['stream-next-offset'])
        }
      },
    }
  }
}

/** The same of many streams, of which this is one. */
function rounds(query: string) {
  return async (stream: string, from: string): Promise<Reading> => {
    const reader = new RoundReader(live.port, [{ stream, from }], { query })
    return {
      get events() {
        return reader.events(stream)
      },
      offset: () => (reader.gaps === 0 ? (reader.positions.get(stream) ?? from) : ''),
      close() {},
      read: (wanted) => reader.askUntil(() => reader.events(stream).length >= wanted),
    }
  }
}

const MANNERS: Record<string, (stream: string, offset: string) => Promise<Reading>> = {
  get: asking(''),
  longPoll: asking('&live=long-poll'),
  async sse(stream, from) {
    const reader = await live.events(`/v1/stream/${stream}?offset=${from}`)
    return {
      events: reader.events,
      // The id and the control event are two ways to the same offset.
      offset: () => (reader.lastEventId === reader.offset ? reader.offset : ''),
      close: () => reader.close(),
      read: (wanted) => expect.poll(() => [reader.events.length, reader.offset !== '']).toEqual([wanted, true]),
    }
  },
  async websocket(stream, from) {
    const reader = live.socket(`/v1/stream/${stream}?offset=${from}`)
    return {
      events: reader.events,
      offset: () => reader.offset,
      close: () => reader.close(),
      read: (wanted) => expect.poll(() => [reader.events.length, reader.offset !== '']).toEqual([wanted, true]),
    }
  },
  manyPoll: rounds(''),
  manyLongPoll: rounds('?wait=20'),
  async manySse(stream, from) {
    const reader = await FrameEvents.open(live.port, [{ stream, from }])
    return {
      get events() {
        return reader.events(stream)
      },
      offset: () => (reader.gaps === 0 ? (reader.positions.get(stream) ?? '') : ''),
      close: () => reader.cut(),
      read: (wanted) => expect.poll(() => [reader.events(stream).length, reader.positions.size]).toEqual([wanted, 1]),
    }
  },
  async multiplexed(stream, from) {
    const socket = new FrameSocket(live.port)
    await socket.until('welcome')
    socket.send({ type: 'subscribe', stream, from })
    await socket.until('subscribed')
    return {
      get events() {
        return socket.events(stream)
      },
      offset: () => (socket.gaps === 0 ? (socket.positions.get(stream) ?? '') : ''),
      close: () => socket.cut(),
      read: (wanted) => expect.poll(() => socket.events(stream).length).toBe(wanted),
    }
  },
}

const names = Object.keys(MANNERS)
const pairs = names.flatMap((first) => names.map((second) => [first, second] as const))
// Where nothing is left to read they are not asked, and stand where they began.
const ASKED = ['get', 'longPoll', 'manyLongPoll', 'manyPoll']
const ALL = [1, 2, 3, 4, 5].map((n) => ({ n, text: `ä${n}` }))

describe('changing the manner of reading in mid-stream', () => {
  it.each(pairs)(
    // On two nodes each connection is to whichever has its turn.
    '[X1a][X16a][WS10][READ3] %s, then %s: the same events at every position, with the same offsets',
    async (one, two) => {
      const [first, second] = [MANNERS[one], MANNERS[two]]
      if (!first || !second) throw new Error('no such manner')
      for (let position = 0; position <= ALL.length; position += 1) {
        const stream = `${one}-${two}/${position}`
        await live.server.services.db.commit([live.server.services.log.create(stream)])
        const before = await first(stream, '-1')
        // Read one at a time as they come, so that every position is really a place a reader stands at.
        for (const [index, event] of ALL.slice(0, position).entries()) {
          await live.append(stream, JSON.stringify(event))
          await before.read(index + 1)
        }
        if (position === 0) await before.read(0)
        const offset = before.offset() || '-1'
        before.close()
        const rest = ALL.slice(position).map((event) => JSON.stringify(event))
        if (rest.length > 0) await live.append(stream, ...rest)
        const after = await second(stream, offset)
        await after.read(rest.length)
        expect([...before.events, ...after.events]).toEqual(ALL)
        const tail = (await live.server.services.log.info(stream))?.tail
        await expect.poll(() => after.offset()).toBe(rest.length === 0 && ASKED.includes(two) ? offset : tail)
        after.close()
      }
    },
  )
})

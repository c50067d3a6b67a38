import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FrameSocket } from '../fixtures/frame-socket.ts'
import { type LiveServer, startLiveServer } from '../fixtures/live-server.ts'
import { FrameEvents, type FrameTaker, RoundReader } from '../fixtures/many-reader.ts'
import type { SubscribeFrame } from './subscriptions.ts'

let live: LiveServer
beforeAll(async () => {
  live = await startLiveServer()
})
afterAll(() => live[Symbol.asyncDispose]())

const STREAMS = ['json', 'counter', 'binary'] as const
type Kind = (typeof STREAMS)[number]

const TEXTS: Record<Kind, (n: number) => string> = {
  json: (n) => ['{ "n" : [\r\n1 ] }', '"\\u0041\\/\\ud800"', '1e400', `"${'ä'.repeat(n * 300)}"`][n % 4] ?? '0',
  counter: (n) => `{"type":"added","timestamp":"2026-01-01T00:00:00.000Z","by":${n}}`,
  // Not JSON: kept in base64.
  binary: (n) => Buffer.from([n, 0, 255]).toString('base64'),
}

/** What is appended to which stream. */
const step = fc.tuple(fc.constantFrom(...STREAMS), fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 4 }))
const script = fc.record({
  before: fc.array(step, { maxLength: 6 }),
  live: fc.array(step, { maxLength: 8 }),
  from: fc.record({
    json: fc.constantFrom('-1', 'now', 'middle', 'tail', 'stale'),
    counter: fc.constantFrom('-1', 'now', 'middle', 'tail', 'stale', 'state'),
    binary: fc.constantFrom('-1', 'now', 'middle', 'tail'),
  }),
})

interface Outcome {
  state: unknown
  events: unknown[]
  position: string | undefined
  end: string | undefined
}

/** What a client that folds has at the end, of each stream. */
function outcomes({ frames, positions }: Pick<FrameTaker, 'frames' | 'positions'>, streams: string[]): Outcome[] {
  return streams.map((stream) => {
    const mine = frames.filter((frame) => 'stream' in frame && frame.stream === stream)
    const reset = mine.findLastIndex((frame) => frame.type === 'reset')
    const first = mine.find((frame) => frame.type === 'reset' || (frame.type === 'subscribed' && 'state' in frame))
    return {
      state: first && 'state' in first ? first.state : undefined,
      events: mine.slice(Math.max(0, reset)).flatMap((frame) => (frame.type === 'events' ? frame.events : [])),
      position: positions.get(stream),
      end: mine.at(-1)?.type,
    }
  })
}

let runs = 0

/** Streams of this run, with what was there before anybody reads, and where reading begins. */
async function prepare({ before, from }: { before: [Kind, number[]][]; from: Record<Kind, string> }) {
  const { db, log } = live.server.services
  const run = ++runs
  const name = (kind: Kind) => (kind === 'counter' ? `counters/run-${run}` : `${kind}/${run}`)
  const stale: Partial<Record<Kind, string>> = {}
  for (const kind of STREAMS) {
    await db.commit([log.append(name(kind), [TEXTS[kind === 'binary' ? 'json' : kind](1)])])
    stale[kind] = (await log.info(name(kind)))?.tail ?? ''
    await log.remove(name(kind))
    if (kind === 'binary')
      await log.ensure(name(kind), { contentType: 'application/octet-stream', messages: [], sealed: false })
    else await db.commit([log.create(name(kind))])
  }
  const middle: Partial<Record<Kind, string>> = {}
  for (const [index, [kind, numbers]] of before.entries()) {
    await live.append(name(kind), ...numbers.map(TEXTS[kind]))
    if (index < before.length / 2) middle[kind] = (await log.info(name(kind)))?.tail ?? ''
  }
  const subscriptions: SubscribeFrame[] = []
  for (const kind of STREAMS) {
    const tail = (await log.info(name(kind)))?.tail ?? ''
    const offsets: Record<string, string | undefined> = { middle: middle[kind] ?? '-1', tail, stale: stale[kind] }
    subscriptions.push({ stream: name(kind), from: offsets[from[kind]] ?? from[kind] })
  }
  return { name, subscriptions }
}

describe('the manners of reading many streams', () => {
  it('[READ3][X1a] whatever is written and wherever reading begins, all come to the same as /v1/ws', async () => {
    await fc.assert(
      fc.asyncProperty(script, async (script) => {
        const { name, subscriptions } = await prepare(script)
        const streams = STREAMS.map(name)
        const socket = new FrameSocket(live.port)
        await socket.until('welcome')
        for (const frame of subscriptions) socket.send({ type: 'subscribe', ...frame })
        const events = await FrameEvents.open(live.port, subscriptions)
        const waiting = new RoundReader(live.port, subscriptions, { query: '?wait=20' })
        const polling = new RoundReader(live.port, subscriptions)
        await Promise.all([waiting.ask(), polling.ask()])
        // Everybody stands somewhere before more is written, or `now` would be another place for each.
        await expect.poll(() => [socket.positions.size, events.positions.size]).toEqual([3, 3])
        const done = Promise.all([waiting.askUntil(), polling.askUntil()])
        for (const [kind, numbers] of script.live) await live.append(name(kind), ...numbers.map(TEXTS[kind]))
        for (const kind of STREAMS) await live.seal(name(kind), TEXTS[kind](7))
        await done
        await expect.poll(() => events.ended).toBe(true)
        await socket.until('sealed', 3)
        socket.cut()
        const expected = outcomes(socket, streams)
        expect(expected.map(({ end }) => end)).toEqual(['sealed', 'sealed', 'sealed'])
        for (const reader of [events, waiting, polling]) {
          expect(outcomes(reader, streams)).toEqual(expected)
          expect(reader.gaps).toBe(0)
        }
        expect(socket.gaps).toBe(0)
      }),
      { numRuns: 25 },
    )
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([0, 0])
  })

  it('[READ3] a stream that is deleted and made again is gone for whoever reads, and reset for whoever asks again', async () => {
    await live.append('again', '1')
    const wanted = [{ stream: 'again' }]
    const events = await FrameEvents.open(live.port, wanted)
    const polling = new RoundReader(live.port, wanted)
    await polling.ask()
    await expect.poll(() => events.of('up_to_date').length).toBe(1)
    await live.server.services.log.remove('again')
    await expect.poll(() => events.ended).toBe(true)
    expect(events.of('error').map(({ error }) => error.code)).toEqual(['NOT_FOUND'])
    await live.append('again', '2')
    await polling.ask()
    expect(polling.types('again')).toEqual([
      ...['subscribed', 'events', 'up_to_date'],
      ...['reset', 'events', 'up_to_date'],
    ])
    expect(polling.events('again')).toEqual([1, 2])
  })
})

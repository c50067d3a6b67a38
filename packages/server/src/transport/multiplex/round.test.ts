import { formatOffset, type Offset, parseOffset, type ServerFrame } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { Hub } from '../../hub/hub.ts'
import type { StreamLog } from '../../log/stream-log.ts'
import { StreamRegistry } from '../../log/stream-registry.ts'
import { DEFAULT_LIMITS } from '../limits.ts'
import { Round } from './round.ts'

const OFFSET = formatOffset({ incarnation: 1, seq: 0 })
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** One of five pages, each a while in coming. */
async function longPage(after: Offset | null) {
  await settled()
  const { seq } = (after ? parseOffset(after) : null) ?? { seq: 0 }
  const offset = formatOffset({ incarnation: 1, seq: seq + 1 })
  return { after: after ?? OFFSET, offset, events: [String(seq)], upToDate: seq === 4, sealed: false }
}

/** Rounds over a log that never answers for `stuck`, and says how much it was asked for. */
function world() {
  const clock = new ManualClock()
  const lengths: (number | undefined)[] = []
  const order: string[] = []
  const hub = new Hub({
    read: async (stream, after, limit) => {
      lengths.push(limit?.maxLength)
      order.push(stream)
      if (stream === 'stuck') await new Promise(() => {})
      if (stream === 'long') return longPage(after)
      return { after: OFFSET, offset: OFFSET, events: [], upToDate: true, sealed: false }
    },
  })
  const log = {
    info: async (name: string) => ({ name, contentType: 'application/json', sealed: false }),
    touch: () => {},
  } as unknown as StreamLog
  const round = (streams: string[], waitMs: number, random = 0) =>
    new Round(
      {
        hub,
        log,
        registry: new StreamRegistry([]),
        limits: DEFAULT_LIMITS,
        clock,
        random: () => random,
        onFault: () => {},
      },
      { wanted: streams.map((stream) => ({ stream, from: OFFSET })), mayRead: () => true },
      waitMs,
    )
  return { clock, hub, round, lengths, order }
}

const typesOf = (answer: Buffer) =>
  (JSON.parse(answer.toString()) as { frames: ServerFrame[] }).frames.map(({ type }) => type)

describe('Round', () => {
  it.each([0, 5_000])(
    '[READ6] that the store keeps waiting ends ten seconds after its %s ms, with what it has',
    async (waitMs) => {
      const { clock, hub, round } = world()
      let answer: Buffer | null = null
      void round(['fine', 'stuck'], waitMs)
        .read()
        .then((bytes) => {
          answer = bytes
        })
      await settled()
      clock.advance(waitMs + 9_999)
      await settled()
      expect(answer).toBe(null)
      clock.advance(1)
      await settled()
      expect(typesOf(answer ?? Buffer.alloc(0))).toEqual(['subscribed', 'up_to_date'])
      expect(hub.size).toEqual({ streams: 0, readers: 0 })
    },
  )

  it('[READ4] reads a share of what it may hold of each stream, and not less than is worth a read', async () => {
    for (const [count, share] of [
      [1, 1_048_576],
      [8, 131_072],
      [500, 16_384],
    ] as const) {
      const { round, lengths } = world()
      await round(
        Array.from({ length: count }, (_, index) => `s${index}`),
        0,
      ).read()
      expect(new Set(lengths)).toEqual(new Set([share]))
    }
  })

  it('[READ2] reads on until it has everything, however long the store takes between two pages', async () => {
    const { round } = world()
    const types = typesOf(await round(['long'], 0).read())
    expect(types).toEqual(['subscribed', ...Array(5).fill('events'), 'up_to_date'])
  })

  it('[READ4] begins with another stream each time', async () => {
    for (const [random, first] of [
      [0, 'a'],
      [0.3, 'b'],
      [0.999, 'd'],
    ] as const) {
      const { round, order } = world()
      await round(['a', 'b', 'c', 'd'], 0, random).read()
      expect(order[0]).toBe(first)
      expect(order.length).toBe(4)
    }
  })

  it('[READ11] one that is closed, drained or refused twice says nothing more', async () => {
    const { clock, hub, round } = world()
    const closed = round(['stuck'], 1_000)
    const answer = closed.read()
    closed.close()
    closed.drain()
    expect(typesOf(await answer)).toEqual([])
    clock.advance(60_000)
    expect([hub.size.readers, closed.subscriptions]).toEqual([0, 0])
  })
})

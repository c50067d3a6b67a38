import { defineStream, formatOffset, type HoldfastError, type Offset, systemClock } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { migrateUp } from '../db/migrations.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import type { Delivery, Encoding } from './delivery.ts'
import { Hub, type Subscriber, type Subscription } from './hub.ts'
import type { StreamReader } from './topic.ts'
import { Turn } from './turn.ts'

class Collector implements Subscriber {
  events: string[] = []
  deliveries: Delivery[] = []
  upToDate = false
  completed = 0
  error: HoldfastError | null = null
  room: boolean | 'refused' = true

  deliver(delivery: Delivery, upToDate: boolean): boolean | 'refused' {
    if (this.room === 'refused') return this.room
    const last = this.deliveries.at(-1)
    if (last) expect(delivery.after).toBe(last.offset)
    this.deliveries.push(delivery)
    this.events.push(...delivery.events)
    this.upToDate = upToDate
    return this.room
  }

  complete(): void {
    this.completed += 1
  }

  fail(error: HoldfastError): void {
    this.error = error
  }
}

/** A log whose reads wait until the test lets them go, each with what stood in it when it was asked. */
function gated(log: StreamReader) {
  const waiting: (() => void)[] = []
  return {
    read: async (stream: string, after: Offset | null) => {
      const page = log.read(stream, after)
      await new Promise<void>((resolve) => waiting.push(resolve))
      return page
    },
    async release() {
      while (waiting.length > 0) {
        waiting.shift()?.()
        await settled()
      }
    },
    get reads() {
      return waiting.length
    },
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

async function world(gate = false) {
  const db = openMemoryDatabase()
  await migrateUp(db, logMigrations, 0)
  const log = new SqlStreamLog(db, systemClock)
  const reader = gated({ read: (stream, after) => log.read(stream, after, { maxEvents: 3 }) })
  const hub = new Hub(gate ? reader : { read: (stream, after) => log.read(stream, after, { maxEvents: 3 }) })
  db.onCommitted((committed) => hub.broadcast(committed))
  const append = (...texts: string[]) => db.commit([log.append('s', texts)])
  const seal = (text: string) => db.commit([log.append('s', [text], { seal: true })])
  return { db, log, hub, reader, append, seal }
}

describe('Hub', () => {
  it('[HUB1] a reader gets what is there, page by page, then what comes', async () => {
    const { hub, append } = await world()
    await append('1', '2', '3', '4', '5', '6', '7')
    const reader = new Collector()
    hub.subscribe('s', null, reader)
    await settled()
    expect(reader.events).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    await append('8')
    await append('9', '10')
    await settled()
    expect(reader.events.slice(7)).toEqual(['8', '9', '10'])
  })

  it('[HUB2] a reader has a position from its first delivery on, even where there is nothing', async () => {
    const { db, log, hub } = await world()
    await db.commit([log.create('s')])
    const reader = new Collector()
    const subscription = hub.subscribe('s', null, reader)
    await settled()
    expect([reader.deliveries.length, reader.events, reader.upToDate]).toEqual([1, [], true])
    expect(subscription.position).toBe((await log.info('s'))?.tail)
  })

  it('[HUB6] an end without a last event that is told while a reader reads completes it', async () => {
    const { log, hub, reader: gate, append } = await world(true)
    await append('1')
    const reader = new Collector()
    hub.subscribe('s', null, reader)
    await settled()
    await log.appendFrom('s', { messages: [], seal: true })
    await settled()
    await gate.release()
    await gate.release()
    expect([reader.events, reader.completed]).toEqual([['1'], 1])
  })

  it('[HUB12] whoever comes back in the very moment a sealed stream is removed reads its next life', async () => {
    const { log, hub, append } = await world()
    await append('1')
    const [first, other, again] = [new Collector(), new Collector(), new Collector()]
    const back: Subscription[] = []
    first.fail = () => back.push(hub.subscribe('s', null, again, { held: true }))
    for (const reader of [first, other]) {
      reader.room = 'refused'
      hub.subscribe('s', null, reader)
    }
    await settled()
    await log.appendFrom('s', { messages: [], seal: true })
    await settled()
    await log.remove('s')
    await log.ensure('s', { messages: ['2'] })
    back[0]?.resume()
    await settled()
    expect([other.error?.code, again.events, again.upToDate, again.completed]).toEqual(['NOT_FOUND', ['2'], true, 0])
  })

  it('[HUB3] what is published while history is being read is neither lost nor doubled', async () => {
    const { hub, reader: gate, append } = await world(true)
    await append('1', '2')
    const reader = new Collector()
    hub.subscribe('s', null, reader)
    await settled()
    await append('3')
    await append('4')
    await gate.release()
    await append('5')
    await gate.release()
    await settled()
    expect(reader.events).toEqual(['1', '2', '3', '4', '5'])
  })

  it('[HUB3] any mix of appends, reads, pauses and cuts gives every reader the log', async () => {
    const step = fc.constantFrom('append', 'append2', 'release', 'subscribe', 'pause', 'resume', 'cut')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { db, log, hub, reader: gate, append } = await world(true)
        await db.commit([log.create('s')])
        const readers: { collector: Collector; subscription: ReturnType<Hub['subscribe']> }[] = []
        let count = 0
        for (const name of steps) {
          const last = readers.at(-1)
          if (name === 'append') await append(String(++count))
          else if (name === 'append2') await append(String(++count), String(++count))
          else if (name === 'release') await gate.release()
          else if (name === 'subscribe') {
            const collector = new Collector()
            readers.push({ collector, subscription: hub.subscribe('s', null, collector) })
          } else if (name === 'pause' && last) last.collector.room = false
          else if (name === 'resume' && last) {
            last.collector.room = true
            last.subscription.resume()
          } else if (name === 'cut' && last) {
            last.subscription.close()
            last.subscription = hub.subscribe('s', last.subscription.position, last.collector)
          }
          await settled()
        }
        for (const { collector, subscription } of readers) {
          collector.room = true
          subscription.resume()
        }
        await gate.release()
        const expected = Array.from({ length: count }, (_, index) => String(index + 1))
        for (const { collector } of readers) expect(collector.events).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('[HUB4] a lost, late or doubled signal costs a read, never an event', async () => {
    const { db, log, hub } = await world()
    await db.commit([log.append('s', ['1'])])
    const reader = new Collector()
    const quiet = new Hub(log)
    quiet.subscribe('s', null, reader)
    await settled()
    const incarnation = (await log.info('s'))?.incarnation ?? 0
    const at = (seq: number) => formatOffset({ incarnation, seq })
    const signal = (from: number, to: number, events: string[]) =>
      quiet.broadcast([{ stream: 's', after: at(from), tail: at(to), events, sealed: false }])
    await db.commit([log.append('s', ['2'])])
    await db.commit([log.append('s', ['3'])])
    signal(2, 3, ['3'])
    signal(1, 2, ['2'])
    signal(2, 3, ['3'])
    await settled()
    expect(reader.events).toEqual(['1', '2', '3'])
    await db.commit([log.append('s', ['4'])])
    signal(4, 4, [])
    await settled()
    expect(reader.events).toEqual(['1', '2', '3', '4'])
    expect(hub.size).toEqual({ streams: 0, readers: 0 })
  })

  it('[HUB4] word of what the log does not have keeps nobody reading: a tail that was lost, the end of a life that is over', async () => {
    const { db, log, append } = await world()
    await append('1')
    let reads = 0
    const hub = new Hub({
      read: (stream, after) => {
        reads += 1
        return log.read(stream, after)
      },
    })
    const slow = new Collector()
    slow.room = false
    hub.subscribe('s', null, slow)
    await settled()
    const { incarnation = 0 } = (await log.info('s')) ?? {}
    const tail = formatOffset({ incarnation, seq: 9 })
    hub.receive([{ stream: 's', after: tail, tail, events: [], sealed: true }])
    const reader = new Collector()
    hub.subscribe('s', null, reader)
    await expect.poll(() => reader.upToDate).toBe(true)
    expect([reader.events, reader.completed, reads]).toEqual([['1'], 0, 2])
    db.onCommitted((committed) => hub.broadcast(committed))
    await append('2')
    await expect.poll(() => reader.events).toEqual(['1', '2'])
  })

  it('[HUB5] a reader without room gets nothing more until it has, and then all of it', async () => {
    const { hub, append } = await world()
    await append('1')
    const reader = new Collector()
    const subscription = hub.subscribe('s', null, reader)
    await settled()
    reader.room = false
    await append('2')
    await settled()
    await append('3', '4', '5', '6')
    await settled()
    expect(reader.events).toEqual(['1', '2'])
    reader.room = true
    subscription.resume()
    await settled()
    expect(reader.events).toEqual(['1', '2', '3', '4', '5', '6'])
  })

  it('[HUB6] the end of a sealed stream completes its readers once, live or later', async () => {
    const { hub, append, seal, log } = await world()
    await append('1')
    const live = new Collector()
    hub.subscribe('s', null, live)
    await settled()
    await seal('2')
    const late = new Collector()
    hub.subscribe('s', null, late)
    const atEnd = new Collector()
    hub.subscribe('s', (await log.info('s'))?.tail ?? null, atEnd)
    await settled()
    expect([live.completed, late.completed, atEnd.completed]).toEqual([1, 1, 1])
    expect([live.events, late.events, atEnd.events]).toEqual([['1', '2'], ['1', '2'], []])
    expect(hub.size).toEqual({ streams: 0, readers: 0 })
  })

  it('[HUB7] a position that cannot be served fails its reader with the code and no other', async () => {
    const { hub, append } = await world()
    await append('1')
    const [wrong, missing, fine] = [new Collector(), new Collector(), new Collector()]
    hub.subscribe('s', formatOffset({ incarnation: 999, seq: 0 }), wrong)
    hub.subscribe('nothing', null, missing)
    hub.subscribe('s', null, fine)
    await settled()
    expect([wrong.error?.code, missing.error?.code, fine.error]).toEqual(['OFFSET_GONE', 'NOT_FOUND', null])
    expect(hub.size).toEqual({ streams: 1, readers: 1 })
  })

  it('[HUB8] live readers share one delivery, encoded once', async () => {
    const { hub, append } = await world()
    await append('1')
    let encodings = 0
    const encoding: Encoding<string> = {
      encode: ({ events }) => {
        encodings += 1
        return events.join()
      },
    }
    const readers = Array.from({ length: 20 }, () => new Collector())
    for (const reader of readers) hub.subscribe('s', null, reader)
    await settled()
    await append('2')
    await settled()
    expect(readers.map(({ deliveries }) => deliveries.at(-1)?.encoded(encoding))).toEqual(Array(20).fill('2'))
    expect(encodings).toBe(1)
  })

  it('[HUB9] a closed subscription hears nothing more, also when it closes within a delivery or a read', async () => {
    const { hub, reader: gate, append } = await world(true)
    await append('1')
    const reader = new Collector()
    const subscription = hub.subscribe('s', null, reader)
    subscription.close()
    await gate.release()
    expect(reader.deliveries).toEqual([])
    expect(hub.size).toEqual({ streams: 0, readers: 0 })
  })

  it('[HUB10] what is committed in one turn is one delivery, joined to the last, whoever committed it', async () => {
    const { hub, append, seal } = await world()
    await append('1')
    const reader = new Collector()
    hub.subscribe('s', null, reader)
    await settled()
    await Promise.all([append('2'), append('3', '4'), append('5')])
    await append('6')
    await settled()
    expect(reader.deliveries.slice(1).map(({ events }) => events)).toEqual([['2', '3', '4', '5', '6']])
    await append('7')
    await seal('8')
    await settled()
    expect(reader.deliveries.slice(2).map(({ events, sealed }) => [events, sealed])).toEqual([[['7', '8'], true]])
  })

  it('[HUB10] a reader that stands in the middle of it gets the rest, without another read', async () => {
    const { log, hub, append } = await world()
    await append('1')
    const live = new Collector()
    hub.subscribe('s', null, live)
    await settled()
    let reads = 0
    const counting = new Hub({
      read(stream, after) {
        reads += 1
        return log.read(stream, after)
      },
    })
    const late = new Collector()
    const { incarnation } = (await log.info('s')) ?? { incarnation: 0 }
    const at = (seq: number) => formatOffset({ incarnation, seq })
    const word = (from: number, text: string) =>
      counting.broadcast([{ stream: 's', after: at(from), tail: at(from + 1), events: [text], sealed: false }])
    counting.subscribe('s', at(1), new Collector())
    await settled()
    await append('2')
    word(1, '2')
    counting.subscribe('s', null, late)
    for (let turns = 0; turns < 20; turns += 1) await null
    await append('3')
    word(2, '3')
    await settled()
    expect([late.events, live.events, reads]).toEqual([['1', '2', '3'], ['1', '2', '3'], 2])
  })

  it('[HUB10] a great deal in one turn comes in parts of about 64 KB', async () => {
    const { hub, append } = await world()
    await append('1')
    const reader = new Collector()
    hub.subscribe('s', null, reader)
    await settled()
    const text = JSON.stringify('x'.repeat(10_000))
    await Promise.all(Array.from({ length: 20 }, () => append(text)))
    await settled()
    expect(reader.events.slice(1)).toEqual(Array(20).fill(text))
    expect(reader.deliveries.slice(1).map(({ events }) => events.length)).toEqual([7, 7, 6])
  })

  it('[HUB11] word of a stream nobody reads costs a look-up: nothing is kept and no turn is asked for', async () => {
    let turns = 0
    const turn = new Turn((task) => {
      turns += 1
      setImmediate(task)
    })
    const { log, append } = await world()
    const hub = new Hub(log, { turn })
    await append('1')
    const tail = (await log.info('s'))?.tail ?? ''
    const word = { stream: 's', after: tail, tail, events: ['1'], sealed: false }
    hub.broadcast([word, { ...word, stream: 't' }])
    expect([turns, hub.hasReaders('s')]).toEqual([0, false])
    const subscription = hub.subscribe('s', null, new Collector())
    expect([hub.hasReaders('s'), hub.hasReaders('t')]).toEqual([true, false])
    hub.broadcast([word, { ...word, stream: 't' }, word])
    expect(turns).toBe(1)
    subscription.close()
    await settled()
    expect(hub.hasReaders('s')).toBe(false)
  })

  it('[HUB12] readers of a removed stream get what was told before, then NOT_FOUND, whatever they are doing', async () => {
    const { hub, reader: gate, append } = await world(true)
    await append('1')
    const [live, waiting, reading] = [new Collector(), new Collector(), new Collector()]
    hub.subscribe('s', null, live)
    await gate.release()
    waiting.room = false
    hub.subscribe('s', null, waiting)
    await gate.release()
    hub.subscribe('s', null, reading)
    const tail = live.deliveries.at(-1)?.offset ?? ''
    const next = formatOffset({ incarnation: Number(tail.split('_')[0]), seq: 2 })
    const word = { stream: 's', after: tail, tail: next, events: ['2'], sealed: false }
    hub.broadcast([word, { ...word, after: next, events: [], removed: true }])
    expect(live.events).toEqual(['1', '2'])
    expect([live, waiting, reading].map(({ error }) => error?.code)).toEqual(Array(3).fill('NOT_FOUND'))
    expect(hub.size).toEqual({ streams: 0, readers: 0 })
    const after = new Collector()
    hub.subscribe('s', null, after)
    await gate.release()
    expect([after.events, after.error, reading.events]).toEqual([['1'], null, []])
  })

  it('[HUB13] a delivery that was refused comes again, and a held reader begins when it is told to', async () => {
    const { hub, append } = await world()
    await append('1')
    const reader = new Collector()
    const subscription = hub.subscribe('s', null, reader, { held: true })
    await settled()
    expect(reader.deliveries).toEqual([])
    subscription.resume()
    await settled()
    reader.room = 'refused'
    const before = subscription.position
    await append('2')
    await settled()
    expect([reader.events, subscription.position]).toEqual([['1'], before])
    await append('3')
    subscription.resume()
    await settled()
    expect(reader.events).toEqual(['1'])
    reader.room = true
    subscription.resume()
    await settled()
    expect(reader.events).toEqual(['1', '2', '3'])
  })

  it('[HUB14] a reader whose encoding fails is told so, and the others of the stream are not disturbed', async () => {
    const { hub, append } = await world()
    await append('1')
    const [broken, fine] = [new Collector(), new Collector()]
    for (const reader of [broken, fine]) hub.subscribe('s', null, reader)
    await settled()
    broken.deliver = () => {
      throw new Error('no such encoding')
    }
    await append('2')
    await settled()
    expect([broken.error?.code, fine.events]).toEqual(['INTERNAL_ERROR', ['1', '2']])
  })

  it('[HUB15] the fold of what a conflating reader gets is the fold of all, with the same positions', async () => {
    const step = fc.constantFrom('set a', 'set b', 'set c', 'add', 'pause', 'resume', 'turn')
    let left = 0
    const run = async (steps: string[]) => {
      const { hub, append } = await world()
      await append(JSON.stringify({ type: 'add', timestamp: '' }))
      const [all, some] = [new Collector(), new Collector()]
      hub.subscribe('s', null, all)
      const conflating = hub.subscribe('s', null, some, { replacementKey: gauges.replacementKey })
      for (const [index, name] of steps.entries()) {
        if (name === 'add') await append(JSON.stringify({ type: 'add', timestamp: '' }))
        else if (name === 'pause') some.room = false
        else if (name === 'turn') await settled()
        else if (name !== 'resume') {
          const [, key] = name.split(' ')
          await append(JSON.stringify({ type: 'set', timestamp: '', key, value: index }))
        } else {
          some.room = true
          conflating.resume()
        }
      }
      some.room = true
      conflating.resume()
      await settled()
      conflating.resume()
      await settled()
      expect(foldTexts(some.events)).toEqual(foldTexts(all.events))
      expect(some.deliveries.at(-1)?.offset).toBe(all.deliveries.at(-1)?.offset)
      left += all.events.length - some.events.length
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), run), { numRuns: 100 })
    expect(left).toBeGreaterThan(0)
  })
})

/** Each key's newest value, and how often something was added, which depends on the values at that time. */
const gauges = defineStream('gauges', {
  version: 1,
  events: { set: z.object({ key: z.string(), value: z.number() }), add: z.object({}) },
  initial: { values: {} as Record<string, number>, sums: [] as number[] },
  fold: (state, event) =>
    event.type === 'set'
      ? { ...state, values: { ...state.values, [event.key]: event.value } }
      : { ...state, sums: [...state.sums, Object.values(state.values).reduce((sum, value) => sum + value, 0)] },
  replaces: { set: ({ key }) => key },
})

const foldTexts = (texts: readonly string[]) =>
  texts.reduce((state, text) => gauges.apply(state, JSON.parse(text)), gauges.initial)

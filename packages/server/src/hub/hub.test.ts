import { formatOffset, type HoldfastError, type Offset, systemClock } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { migrateUp } from '../db/migrations.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import type { Delivery, Encoding } from './delivery.ts'
import { Hub, type StreamReader, type Subscriber } from './hub.ts'

class Collector implements Subscriber {
  events: string[] = []
  deliveries: Delivery[] = []
  upToDate = false
  completed = 0
  error: HoldfastError | null = null
  room = true

  deliver(delivery: Delivery, upToDate: boolean): boolean {
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

  it('[HUB5] a reader without room gets nothing more until it has, and then all of it', async () => {
    const { hub, append } = await world()
    await append('1')
    const reader = new Collector()
    const subscription = hub.subscribe('s', null, reader)
    await settled()
    reader.room = false
    await append('2')
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
})

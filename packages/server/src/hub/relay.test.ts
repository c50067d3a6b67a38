import { formatOffset, HoldfastError, type Offset, systemClock } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type Committed, type Database, statement, write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import type { Broker, BrokerListener } from './broker/broker.ts'
import { createInProcessBus } from './broker/in-process-broker.ts'
import type { Delivery } from './delivery.ts'
import { Hub, type Subscriber } from './hub.ts'
import { Relay } from './relay.ts'

class Collector implements Subscriber {
  events: string[] = []
  completed = 0
  error: HoldfastError | null = null
  room = true

  deliver(delivery: Delivery): boolean {
    this.events.push(...delivery.events)
    return this.room
  }

  complete(): void {
    this.completed += 1
  }

  fail(error: HoldfastError): void {
    this.error = error
  }
}

/** A broker of which the test says what comes over it, and which tells what was asked of it. */
class ScriptedBroker implements Broker {
  readonly connected = true
  readonly asked: string[] = []
  heard: BrokerListener = { moved: () => {}, command: () => {}, resumed: () => {} }
  publish(): void {}
  send(): void {}
  subscribe(stream: string): void {
    this.asked.push(`+${stream}`)
  }
  unsubscribe(stream: string): void {
    this.asked.push(`-${stream}`)
  }
  listen(listener: BrokerListener): void {
    this.heard = listener
  }
  async close(): Promise<void> {}
}

const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
}

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** A store with a log, of which reads are counted and may fail. */
async function store() {
  const db: Database = openMemoryDatabase()
  await migrateUp(db, logMigrations, 0)
  const log = new SqlStreamLog(db, systemClock)
  const world = { db, log, reads: 0, looks: 0, away: false }
  const reach = () => {
    if (world.away) throw new HoldfastError('UNAVAILABLE')
  }
  return Object.assign(world, {
    async read(stream: string, after: Offset | null) {
      world.reads += 1
      reach()
      return log.read(stream, after, { maxEvents: 3 })
    },
    async tails(streams: readonly string[]) {
      world.looks += 1
      reach()
      return log.tails(streams)
    },
    append: (stream: string, ...texts: string[]) => db.commit([log.append(stream, texts)]),
  })
}

type Store = Awaited<ReturnType<typeof store>>

function node(world: Store, broker: Broker) {
  const clock = new ManualClock()
  const hub = new Hub(world, { clock, random: () => 0.5 })
  const errors: unknown[] = []
  const relay = new Relay({
    ...{ hub, broker, clock, random: () => 0.5, onCommand: () => {} },
    tails: (streams) => world.tails(streams),
    onError: (error) => errors.push(error),
  })
  open.push(() => relay.close())
  const read = (stream: string, from: Offset | null = null) => {
    const reader = new Collector()
    return Object.assign(reader, { subscription: hub.subscribe(stream, from, reader) })
  }
  return { hub, relay, clock, errors, read }
}

/** Word of a stream as it stands, without its events. */
async function signal({ log }: Store, stream: string): Promise<Committed[]> {
  const info = await log.info(stream)
  const tail = info?.tail ?? formatOffset({ incarnation: 1, seq: 0 })
  return [{ stream, after: tail, tail, events: [], sealed: info?.sealed ?? false }]
}

describe('a hub among several', () => {
  it('[HUB16] what was written elsewhere is read once for all who are live', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('s', '1')
    const readers = Array.from({ length: 20 }, () => here.read('s'))
    await settled()
    world.reads = 0
    await world.append('s', '2', '3')
    broker.heard.moved(await signal(world, 's'))
    await settled()
    for (const reader of readers) expect(reader.events).toEqual(['1', '2', '3'])
    expect(world.reads).toBe(1)
  })

  it('[HUB16] also where this node writes to the same stream, and word of the others is late, early or doubled', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    world.db.onCommitted((committed) => here.hub.broadcast(committed))
    await world.append('s', '0')
    const readers = Array.from({ length: 5 }, () => here.read('s'))
    await settled()
    const told: Committed[][] = []
    // Written elsewhere: this node's hub is told of it by signals only, in any order.
    const elsewhere = async (text: string) => {
      const { statements } = world.log.append('s', [text])
      await world.db.commit([write(...statements)])
      told.push(await signal(world, 's'))
    }
    await elsewhere('1')
    await world.append('s', '2')
    await elsewhere('3')
    await settled()
    for (const words of [told[1], told[0], told[1], told[1]]) broker.heard.moved(words ?? [])
    await world.append('s', '4')
    await settled()
    for (const reader of readers) expect(reader.events).toEqual(['0', '1', '2', '3', '4'])
  })

  it('[HUB16] signals that come with their events cost no read', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('s', '1')
    const reader = here.read('s')
    await settled()
    const after = (await world.log.info('s'))?.tail ?? ''
    await world.append('s', '2')
    const tail = (await world.log.info('s'))?.tail ?? ''
    world.reads = 0
    broker.heard.moved([{ stream: 's', after, tail, events: ['2'], sealed: false }])
    await settled()
    expect([reader.events, world.reads]).toEqual([['1', '2'], 0])
  })

  it('[HUB16] a page that does not hold it all is followed by the next', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('s', '1')
    const reader = here.read('s')
    await settled()
    await world.append('s', '2', '3', '4', '5', '6', '7', '8')
    broker.heard.moved(await signal(world, 's'))
    await settled()
    expect(reader.events).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  it('[HUB6][HUB16] an end that was made elsewhere completes the readers, with a last event or without', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    for (const messages of [[], ['2']]) {
      const name = `s${messages.length}`
      await world.append(name, '1')
      const reader = here.read(name)
      await settled()
      const contentType = 'application/json'
      await world.log.appendFrom(name, { messages, seal: true, ...(messages.length > 0 ? { contentType } : {}) })
      broker.heard.moved(await signal(world, name))
      await settled()
      expect([reader.events, reader.completed]).toEqual([['1', ...messages], 1])
    }
  })

  it('[HUB12] a stream that was taken away elsewhere ends its readers, and not those of its next life', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('s', '1')
    const before = here.read('s')
    await settled()
    const { tail = '' } = (await world.log.info('s')) ?? {}
    const word: Committed[] = [{ stream: 's', after: tail, tail, events: [], sealed: false, removed: true }]
    await world.log.remove('s')
    broker.heard.moved(word)
    await settled()
    expect(before.error?.code).toBe('NOT_FOUND')
    await world.append('s', '2')
    const again = here.read('s')
    await settled()
    // The same word once more, late.
    broker.heard.moved(word)
    await settled()
    expect([again.error, again.events]).toEqual([null, ['2']])
    await world.log.remove('s')
    await world.append('s', '3')
    broker.heard.moved(await signal(world, 's'))
    await settled()
    expect(again.error?.code).toBe('OFFSET_GONE')
  })

  it('[HUB17] while the log is away readers stay, live ones and those who catch up, and then go on', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('s', '1', '2', '3', '4', '5')
    const live = here.read('s')
    await settled()
    world.away = true
    const late = here.read('s', null)
    await world.append('s', '6')
    const words = await signal(world, 's')
    broker.heard.moved(words)
    for (let round = 0; round < 20; round += 1) {
      await settled()
      here.clock.advance(500)
    }
    expect([live.error, late.error, live.events.length, late.events.length]).toEqual([null, null, 5, 0])
    world.away = false
    for (let round = 0; round < 5; round += 1) {
      await settled()
      here.clock.advance(2_000)
    }
    await settled()
    expect(live.events).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(late.events).toEqual(live.events)
    expect(here.errors.length).toBeGreaterThan(0)
  })

  it('[HUB18] signals are asked for of streams that are read, while they are', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('a', '1')
    await world.append('b', '1')
    const readers = [here.read('a'), here.read('a'), here.read('b')]
    await settled()
    expect(broker.asked).toEqual(['+a', '+b'])
    readers[0]?.subscription.close()
    expect(broker.asked).toHaveLength(2)
    readers[1]?.subscription.close()
    expect(broker.asked).toEqual(['+a', '+b', '-a'])
    await world.log.appendFrom('b', { messages: [], seal: true })
    broker.heard.moved(await signal(world, 'b'))
    await settled()
    expect(broker.asked.at(-1)).toBe('-b')
  })

  it('[HUB18] where the streams stand is looked up every few seconds: a lost signal costs a read', async () => {
    const world = await store()
    const here = node(world, new ScriptedBroker())
    await world.append('s', '1')
    const reader = here.read('s')
    await settled()
    await world.append('s', '2')
    await settled()
    expect(reader.events).toEqual(['1'])
    here.clock.advance(5_000)
    await settled()
    expect(reader.events).toEqual(['1', '2'])
    world.looks = 0
    reader.subscription.close()
    here.clock.advance(60_000)
    await settled()
    // Nobody reads anything.
    expect(world.looks).toBe(0)
  })

  it('[HUB18] and at once when one has just been asked for, or the line was down', async () => {
    const world = await store()
    const broker = new ScriptedBroker()
    const here = node(world, broker)
    await world.append('a', '1')
    await world.append('b', '1')
    const readers = [here.read('a'), here.read('b')]
    await settled()
    await world.append('a', '2')
    await world.append('b', '2')
    broker.heard.resumed(['a'])
    await settled()
    expect(readers.map(({ events }) => events.length)).toEqual([2, 1])
    broker.heard.resumed(null)
    await settled()
    expect(readers.map(({ events }) => events.length)).toEqual([2, 2])
  })

  it('[HUB18] a thousand streams are looked up in a few reads', async () => {
    const world = await store()
    const here = node(world, new ScriptedBroker())
    const names = Array.from({ length: 1_200 }, (_, n) => `s${n}`)
    await world.db.commit(names.map((name) => world.log.append(name, ['1'])))
    const readers = names.map((name) => here.read(name))
    await settled()
    await world.db.commit(names.map((name) => world.log.append(name, ['2'])))
    here.clock.advance(5_000)
    await expect.poll(() => readers.every(({ events }) => events.length === 2)).toBe(true)
    expect(world.looks).toBe(3)
  })

  it('[HUB4][HUB18] two nodes on one store: each reader of either has every event of both, once, in order', async () => {
    const world = await store()
    const bus = createInProcessBus()
    const nodes = ['a', 'b'].map(() => {
      const own = node(world, bus.open())
      const commits = {
        append: async (text: string) => {
          const committed: Committed[] = []
          const stop = world.db.onCommitted((told) => committed.push(...told))
          await world.append('s', text)
          stop()
          own.hub.broadcast(committed)
          own.relay.publish(committed)
        },
      }
      return Object.assign(own, commits)
    })
    await world.append('s', '0')
    const readers = nodes.flatMap(({ read }) => [read('s'), read('s')])
    await settled()
    for (let n = 1; n <= 50; n += 1) await nodes[n % 2]?.append(String(n))
    await expect.poll(() => readers.map(({ events }) => events.length)).toEqual([51, 51, 51, 51])
    for (const reader of readers) expect(reader.events).toEqual(Array.from({ length: 51 }, (_, n) => String(n)))
    expect(await world.db.read(statement('SELECT tail FROM streams'))).toEqual([{ tail: 51 }])
  })
})

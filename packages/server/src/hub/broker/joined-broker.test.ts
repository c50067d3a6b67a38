import {
  LineProxy,
  NO_REDIS,
  redisServer,
  startPostgres,
  startRedis,
  type TestPostgres,
  type TestRedis,
  until,
} from '@holdfast/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeBroker } from './broker.contract.ts'
import type { Broker, BrokerListener } from './broker.ts'
import { appended, at, Heard, type TestNode } from './fixtures/heard.ts'
import { createInProcessBus } from './in-process-broker.ts'
import { joinBrokers } from './joined-broker.ts'
import { openPostgresBroker } from './postgres-broker.ts'
import { channelOf } from './postgres-notifications.ts'
import { openRedisBroker } from './redis-broker.ts'

describeBroker('two of one process joined', () => {
  const [first, second] = [createInProcessBus(), createInProcessBus()]
  return {
    errors: [],
    open: () => joinBrokers(first.open(), second.open()),
    cut() {
      first.cut()
      second.cut()
    },
    restore() {
      first.restore()
      second.restore()
    },
    [Symbol.asyncDispose]: async () => {},
  }
})

/** One whose line and listener are in the test's hand. */
class BrokerInHand implements Broker {
  connected = true
  listener: BrokerListener | null = null
  listen(listener: BrokerListener): void {
    this.listener = listener
  }
  publish(): void {}
  subscribe(): void {}
  unsubscribe(): void {}
  send(): void {}
  async close(): Promise<void> {}
}

it('[BROK2] a stream is active once it is so at both, or at the one that is there', () => {
  const [first, second, heard] = [new BrokerInHand(), new BrokerInHand(), new Heard()]
  const joined = joinBrokers(first, second)
  joined.listen(heard)
  for (const stream of ['a', 'b', 'c', 'd']) joined.subscribe(stream)
  first.listener?.resumed(['a', 'b'])
  expect([...heard.active]).toEqual([])
  joined.unsubscribe('b')
  second.listener?.resumed(['a', 'c'])
  expect([...heard.active]).toEqual(['a'])
  // Said of one that nobody waits for any more, it means that something may have been missed.
  heard.active.clear()
  second.listener?.resumed(['a'])
  expect([...heard.active]).toEqual(['a'])
  first.connected = false
  second.listener?.resumed(['d'])
  expect([...heard.active]).toEqual(['a', 'd'])
  first.connected = true
  first.listener?.resumed(null)
  second.listener?.resumed(['c'])
  expect([heard.resumedAll, [...heard.active]]).toEqual([1, ['a', 'd', 'c']])
})

const missing = redisServer() === null
if (missing) process.stderr.write(`Redis and PostgreSQL joined: skipped, for ${NO_REDIS}\n`)

describe.skipIf(missing)('with Redis and PostgreSQL', () => {
  let redis: TestRedis
  let postgres: TestPostgres
  const started: TestNode[] = []

  beforeAll(async () => {
    redis = await startRedis()
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await redis?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
  })

  async function openGround() {
    const connectionString = await postgres.createDatabase()
    const errors: Error[] = []
    const prefix = `${Math.random()}:`
    const toRedis = await LineProxy.open(redis.port)
    const toPostgres = await LineProxy.open(Number(new URL(connectionString).port))
    const url = new URL(connectionString)
    url.port = String(toPostgres.port)
    let nodes = 0
    return {
      connectionString,
      errors,
      toRedis,
      toPostgres,
      open() {
        nodes += 1
        const shared = { nodeId: `node-${nodes}`, onError: (error: Error) => void errors.push(error) }
        return joinBrokers(
          openRedisBroker({ ...shared, url: `redis://127.0.0.1:${toRedis.port}`, prefix }),
          openPostgresBroker({ ...shared, connectionString: url.href }),
        )
      },
      cut() {
        toRedis.state = 'refused'
        toPostgres.state = 'refused'
      },
      restore() {
        toRedis.state = 'open'
        toPostgres.state = 'open'
        errors.length = 0
      },
      async [Symbol.asyncDispose]() {
        await toRedis[Symbol.asyncDispose]()
        await toPostgres[Symbol.asyncDispose]()
      },
    }
  }

  describeBroker('Redis, and PostgreSQL beside it', openGround)

  describe('Redis, and PostgreSQL beside it', () => {
    let ground: Awaited<ReturnType<typeof openGround>>
    const start = async (): Promise<TestNode> => {
      const node = { broker: ground.open(), heard: new Heard() }
      started.push(node)
      node.broker.listen(node.heard)
      await expect.poll(() => node.broker.connected).toBe(true)
      return node
    }
    const read = async ({ broker, heard }: TestNode, ...streams: string[]) => {
      for (const stream of streams) broker.subscribe(stream)
      await expect.poll(() => streams.every((stream) => heard.active.has(stream))).toBe(true)
    }
    afterEach(async () => {
      await Promise.all(started.splice(0).map(({ broker }) => broker.close()))
      await ground[Symbol.asyncDispose]()
    })

    it('[BROK15] programs that speak to the database are heard where the nodes use Redis', async () => {
      ground = await openGround()
      const [a, b] = [await start(), await start()]
      await read(b, 's')
      const client = new pg.Client({ connectionString: ground.connectionString })
      await client.connect()
      await client.query('SELECT pg_notify($1, $2)', [channelOf('s'), JSON.stringify([[null, 's', at(3), 's']])])
      await expect.poll(() => b.heard.last('s')).toMatchObject({ tail: at(3), sealed: true })
      const said: unknown[] = []
      client.on('notification', ({ payload }) => said.push(payload))
      await client.query(`LISTEN ${channelOf('s')}`)
      // What nodes say goes over Redis alone.
      a.broker.publish([appended('s', 4)])
      await expect.poll(() => b.heard.last('s')).toMatchObject({ tail: at(4), events: ['{"n":4}'] })
      await client.query('SELECT 1')
      await client.end()
      expect([said, b.heard.signals.length]).toEqual([[], 2])
    })

    it('[BROK15] while Redis is away the nodes speak over the database, and over Redis when it is back', async () => {
      ground = await openGround()
      const [a, b] = [await start(), await start()]
      await read(b, 's')
      ground.toRedis.state = 'refused'
      await until(() => !a.broker.connected && !b.broker.connected)
      a.broker.publish([appended('s', 1)])
      a.broker.send({ type: 'runs_due' })
      await expect.poll(() => b.heard.last('s')).toMatchObject({ tail: at(1), events: [] })
      await expect.poll(() => b.heard.commands).toEqual([{ type: 'runs_due' }])
      // A stream is active where there is a line at all.
      await read(b, 't')
      a.broker.publish([appended('t', 1)])
      await expect.poll(() => b.heard.last('t')?.tail).toBe(at(1))
      ground.toRedis.state = 'open'
      await expect.poll(() => a.broker.connected && b.broker.connected).toBe(true)
      a.broker.publish([appended('s', 2), appended('t', 2)])
      await expect.poll(() => b.heard.last('s')).toMatchObject({ tail: at(2), events: ['{"n":2}'] })
      await expect.poll(() => b.heard.last('t')).toMatchObject({ tail: at(2), events: ['{"n":2}'] })

      ground.toPostgres.state = 'refused'
      await until(() => !a.broker.connected && !b.broker.connected)
      await read(b, 'u')
      a.broker.publish([appended('u', 1)])
      await expect.poll(() => b.heard.last('u')?.tail).toBe(at(1))
    })
  })
})

import { systemClock } from '@holdfast/protocol'
import { LineProxy, ManualClock, NO_REDIS, redisServer, startRedis, type TestRedis, until } from '@holdfast/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeBroker } from './broker.contract.ts'
import type { Broker } from './broker.ts'
import { appended, at, removal } from './fixtures/heard.ts'
import { useTestNodes } from './fixtures/test-nodes.ts'
import { openRedisBroker, type RedisBrokerOptions } from './redis-broker.ts'

const missing = redisServer() === null
if (missing) process.stderr.write(`Redis: skipped, for ${NO_REDIS}\n`)

describe.skipIf(missing)('with Redis', () => {
  let redis: TestRedis
  let nodes = 0

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.[Symbol.asyncDispose]())

  /** A prefix of its own, reached through a line in the test's hand. */
  async function openGround(options: Partial<RedisBrokerOptions> = {}) {
    const proxy = await LineProxy.open(redis.port)
    const errors: Error[] = []
    const prefix = `${Math.random()}:`
    return {
      proxy,
      errors,
      prefix,
      open(more: Partial<RedisBrokerOptions> = {}): Broker {
        nodes += 1
        const url = `redis://127.0.0.1:${proxy.port}`
        const onError = (error: Error) => void errors.push(error)
        return openRedisBroker({ url, prefix, nodeId: `node-${nodes}`, onError, ...options, ...more })
      },
      cut() {
        proxy.state = 'refused'
      },
      restore() {
        proxy.state = 'open'
        errors.length = 0
      },
      [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    }
  }

  describeBroker('Redis', openGround)

  describe('Redis', () => {
    const nodesOfTest = useTestNodes(openGround)
    const { begin, start, read } = nodesOfTest
    /** Asks as somebody else does. */
    const ask = async (...command: [string, ...string[]]) => {
      const client = new Redis(redis.url)
      const answer = await client.call(...command)
      client.disconnect()
      return answer
    }

    it('[BROK13] small events travel along as they were written, large ones are left to be read', async () => {
      await begin()
      const [a, b] = [await start(), await start()]
      await read(b, 's', 'large', 'many')
      const events = ['{"text":"\\u0000 \\"🙂\\" \\n"}', '{}']
      a.broker.publish([{ stream: 's', after: at(4), tail: at(6), events, sealed: true }])
      a.broker.publish([appended('large', 1, { events: ['x'.repeat(16_385)] })])
      for (let seq = 1; seq <= 100; seq += 1) {
        a.broker.publish([appended('many', seq, { events: ['y'.repeat(1_000)] })])
      }
      await expect
        .poll(() => b.heard.of('s'))
        .toEqual([{ stream: 's', after: at(4), tail: at(6), events, sealed: true }])
      await expect.poll(() => b.heard.of('large')).toMatchObject([{ after: at(1), tail: at(1), events: [] }])
      await expect.poll(() => b.heard.last('many')?.tail).toBe(at(100))
      const { after, tail, events: carried } = b.heard.last('many') ?? appended('many', 0)
      expect(carried.join('').length).toBeLessThanOrEqual(16_384)
      expect(Number(tail.slice(17)) - Number(after.slice(17))).toBe(carried.length)
    })

    it('[BROK10] what no node wrote is passed over', async () => {
      await begin()
      const node = await start()
      await read(node, 's')
      const say = (channel: string, message: string) => ask('PUBLISH', nodesOfTest.ground.prefix + channel, message)
      const [one, two, five] = [at(1), at(2), at(5)]
      const strange = [
        ...['', 'x', '{}', 'null', '[]', '[1,2,3]', '["n"]', '["n","1",""]', `["n","${one}","?"]`, `[7,"${one}",""]`],
        `["n","${two}","","${one}",[]]`,
        `["n","${two}","","${one}",[7]]`,
        `["n","${five}","","${one}",["{}"]]`,
        `["n","${two}","d","${one}",["{}"]]`,
        `["n","${at(2, 2)}","","${one}",["{}"]]`,
        `["n","${two}","","x",["{}"]]`,
      ]
      for (const message of strange) await say('s:s', message)
      for (const message of ['', 'x', '[]', '["n",{"type":"x"}]', '["n",{"type":"run_told"}]', '["n"]', '[1,null]']) {
        await say('commands', message)
      }
      await say('s:not read', 'x')
      await say('s:s', `["n","${two}","","${one}",["{}"]]`)
      await expect.poll(() => node.heard.signals).toMatchObject([{ tail: two, after: one, events: ['{}'] }])
      expect([node.heard.commands, node.heard.resumedAll, nodesOfTest.ground.errors.length]).toEqual([
        [],
        1,
        strange.length + 7,
      ])
    })

    it('[BROK14] Redis emptied, its scripts and clients killed: nothing is lost for longer than it takes to come back', async () => {
      await begin()
      const [a, b] = [await start(), await start()]
      await read(b, 's')
      await ask('FLUSHALL')
      await ask('SCRIPT', 'FLUSH')
      a.broker.publish([appended('s', 1)])
      await expect.poll(() => b.heard.last('s')?.tail).toBe(at(1))
      for (const [round, kind] of ['pubsub', 'normal', 'pubsub', 'normal'].entries()) {
        const before = [a.heard.resumedAll, b.heard.resumedAll]
        await ask('CLIENT', 'KILL', 'TYPE', kind)
        await expect.poll(() => a.heard.resumedAll > Number(before[0]), { timeout: 5_000 }).toBe(true)
        await expect.poll(() => b.heard.resumedAll > Number(before[1]), { timeout: 5_000 }).toBe(true)
        a.broker.publish([appended('s', round + 2)])
        await expect.poll(() => b.heard.last('s')?.tail).toBe(at(round + 2))
      }
    })

    it('[BROK14] Redis that is killed costs nobody anything but its word; it may come back at any time, empty', async () => {
      await begin()
      const [a, b] = [await start(), await start()]
      await read(b, 's')
      await redis.stop()
      await until(() => !a.broker.connected && !b.broker.connected)
      for (let seq = 1; seq <= 1_000; seq += 1) a.broker.publish([appended('s', seq)])
      a.broker.send({ type: 'runs_due' })
      const lost = nodesOfTest.ground.errors.length
      expect(lost).toBe(2)
      await redis.start()
      await until(() => a.heard.resumedAll >= 2 && b.heard.resumedAll >= 2)
      a.broker.publish([appended('s', 1_001), removal('s', 1_001)])
      await expect.poll(() => b.heard.last('s')).toMatchObject({ tail: at(1_001), removed: true })
      expect(nodesOfTest.ground.errors.length).toBe(lost)
    })

    it('[BROK14] a slow Redis is asked once for much, and holds nobody up', async () => {
      await begin()
      const [a, b] = [await start(), await start()]
      await read(b, 's', 't')
      nodesOfTest.ground.proxy.delayMs = 100
      for (let seq = 1; seq <= 2_000; seq += 1) {
        a.broker.publish([appended('s', seq, { events: ['x'.repeat(2_000)] })])
        if (seq % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(() => b.heard.last('s')?.tail).toBe(at(2_000))
      expect(b.heard.of('s').length).toBeLessThan(20)
      expect(nodesOfTest.ground.errors).toEqual([])
    })

    it('[BROK11] a Redis that stands still is noticed within a few seconds', async () => {
      const clock = new ManualClock()
      await begin({ clock })
      const [node, other] = [await start(), await start({ clock: systemClock })]
      await read(node, 's')
      for (let round = 1; round <= 3; round += 1) {
        clock.advance(2_000)
        // What comes after the answers to the question whether it is there.
        await ask('PING')
        other.broker.publish([appended('s', round)])
        await expect.poll(() => node.heard.last('s')?.tail).toBe(at(round))
        clock.advance(1_000)
      }
      expect(node.broker.connected).toBe(true)
      redis.freeze()
      node.broker.publish([appended('s', 4)])
      clock.advance(2_000)
      clock.advance(3_000)
      expect(node.broker.connected).toBe(false)
      expect(nodesOfTest.ground.errors.map(({ message }) => message)).toContain('the line is silent')
      redis.thaw()
      await until(() => clock.pending > 0)
      await until(() => {
        clock.advance(100)
        return node.heard.resumedAll >= 2
      })
    })

    it.each([0, 1])('[BROK11] so is either of its two connections that is half open', async (index) => {
      const clock = new ManualClock()
      await begin({ clock })
      const node = await start()
      nodesOfTest.ground.proxy.silence(index)
      clock.advance(2_000)
      await ask('PING')
      expect(node.broker.connected).toBe(true)
      clock.advance(3_000)
      expect(node.broker.connected).toBe(false)
      await until(() => {
        clock.advance(50)
        return node.heard.resumedAll >= 2
      })
      expect(nodesOfTest.ground.errors.map(({ message }) => message)).toEqual(['the line is silent'])
    })

    it('[BROK8] a node that was cut off tells the others to look for what it could not tell', async () => {
      await begin()
      const direct = await start({ url: redis.url })
      const cut = await start()
      await read(direct, 's')
      nodesOfTest.ground.cut()
      await until(() => !cut.broker.connected)
      cut.broker.publish([appended('s', 1)])
      expect(direct.heard.resumedAll).toBe(1)
      nodesOfTest.ground.restore()
      await expect.poll(() => direct.heard.resumedAll).toBe(2)
    })

    it('[BROK13] two prefixes are two worlds, whatever stands in them', async () => {
      await begin()
      const [a, b] = [await start(), await start({ prefix: 'x*[' })]
      await read(a, 's')
      await read(b, 's')
      const c = await start({ prefix: 'x*[' })
      c.broker.publish([appended('s', 1)])
      await expect.poll(() => b.heard.last('s')?.tail).toBe(at(1))
      expect(a.heard.signals).toEqual([])
    })
  })
})

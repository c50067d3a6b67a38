import { systemClock } from '@holdfast/protocol'
import { LineProxy, ManualClock, startPostgres, type TestPostgres, until } from '@holdfast/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeBroker } from './broker.contract.ts'
import type { Broker } from './broker.ts'
import { appended, at, removal } from './fixtures/heard.ts'
import { useTestNodes } from './fixtures/test-nodes.ts'
import { openPostgresBroker, type PostgresBrokerOptions } from './postgres-broker.ts'
import { channelOf } from './postgres-notifications.ts'

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

let nodes = 0

/** A database of its own, reached through a line in the test's hand. */
async function openGround(options: Partial<PostgresBrokerOptions> = {}) {
  const connectionString = await postgres.createDatabase()
  const url = new URL(connectionString)
  const proxy = await LineProxy.open(Number(url.port))
  url.port = String(proxy.port)
  const errors: Error[] = []
  return {
    proxy,
    errors,
    connectionString,
    open(more: Partial<PostgresBrokerOptions> = {}): Broker {
      nodes += 1
      const onError = (error: Error) => void errors.push(error)
      return openPostgresBroker({ connectionString: url.href, nodeId: `node-${nodes}`, onError, ...options, ...more })
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

describeBroker('PostgreSQL', openGround)

describe('PostgreSQL', () => {
  const nodesOfTest = useTestNodes(openGround)
  const { begin, start, read } = nodesOfTest
  /** Asks as another program does. */
  const psql = async (sql: string, params: unknown[] = []) => {
    const client = new pg.Client({ connectionString: nodesOfTest.ground.connectionString })
    await client.connect()
    const { rows } = await client.query(sql, params)
    await client.end()
    return rows
  }
  /** Hears all that is said on the channels. */
  const overhear = async (channels: string[]) => {
    const client = new pg.Client({ connectionString: nodesOfTest.ground.connectionString })
    await client.connect()
    const payloads: string[] = []
    client.on('notification', ({ payload = '' }) => payloads.push(payload))
    await client.query(channels.map((channel) => `LISTEN ${channel}`).join(';'))
    return { payloads, end: () => client.end() }
  }

  it('[BROK10] other programs speak on the same channels, and what nobody means is passed over', async () => {
    await begin()
    const node = await start()
    await read(node, 's', 'other')
    const say = (channel: string, payload: string) => psql('SELECT pg_notify($1, $2)', [channel, payload])
    await say(channelOf('s'), JSON.stringify([[null, 's', at(3), '']]))
    await expect
      .poll(() => node.heard.last('s'))
      .toMatchObject({ tail: at(3), after: at(3), events: [], sealed: false })
    const strange = [
      '',
      'x',
      '{}',
      'null',
      '[1]',
      '[[]]',
      `[[1,"s","${at(1)}",""]]`,
      '[[null,"s","1",""]]',
      '[["n","s"]]',
    ]
    for (const payload of strange) await say(channelOf('s'), payload)
    for (const payload of [...strange, '["n",{"type":"x"}]', '["n",{"type":"run_told"}]', '["n",null]']) {
      await say('holdfast_commands', payload)
    }
    // Of a stream in the same channel that is not read here.
    await say(channelOf('s'), JSON.stringify([[null, 'not read', at(9), 's']]))
    await say('holdfast_commands', JSON.stringify([null, { type: 'run_told', run: 'r' }]))
    await expect.poll(() => node.heard.commands).toEqual([{ type: 'run_told', run: 'r' }])
    node.heard.active.clear()
    await say(channelOf('s'), JSON.stringify([[null, null]]))
    await expect.poll(() => [...node.heard.active]).toEqual(['s'])
    expect(node.heard.signals).toHaveLength(1)
    expect(nodesOfTest.ground.errors).toHaveLength(2 * strange.length + 3)
  })

  it('[BROK12] payloads stay below 8,000 bytes, and all that is told while one query is under way is one query', async () => {
    await begin()
    const node = await start()
    const streams = Array.from({ length: 3000 }, (_, index) => `${'🙂"'.repeat(100)}${index}`)
    const ear = await overhear([...new Set(streams.map(channelOf))])
    node.broker.publish(streams.map((stream) => appended(stream, 1)))
    const long = '🙂'.repeat(2500)
    node.broker.publish([appended(long, 1), removal(streams[0] ?? '', 2)])
    const said = () => ear.payloads.flatMap((payload) => JSON.parse(payload) as unknown[][])
    await expect.poll(() => said().length).toBe(3001)
    expect(Math.max(...ear.payloads.map((payload) => Buffer.byteLength(payload)))).toBeLessThan(8000)
    expect(said().filter((entry) => entry.length === 2)).toEqual([[expect.any(String), null]])
    const removed = said().filter(([, stream]) => stream === streams[0])
    expect(removed).toEqual([[expect.any(String), streams[0], at(2), 'd']])

    ear.payloads.length = 0
    for (let seq = 1; seq <= 5000; seq += 1) node.broker.publish([appended(streams[1] ?? '', seq)])
    await expect.poll(() => said().at(-1)?.[2]).toBe(at(5000))
    expect(said().length).toBe(1)
    await ear.end()
  })

  it('[BROK12] what just fits is told by name, and what just does not is not refused', async () => {
    await begin()
    const [a, b] = [await start(), await start()]
    const names = Array.from({ length: 40 }, (_, index) => 'x'.repeat(7_930 + index))
    await read(b, ...names)
    b.heard.active.clear()
    // Each by itself: two payloads that are refused together would hide each other.
    for (const stream of names) {
      a.broker.publish([appended(stream, 1)])
      await expect.poll(() => b.heard.last(stream)?.tail === at(1) || b.heard.active.has(stream)).toBe(true)
    }
    const told = names.filter((stream) => b.heard.last(stream))
    expect([told, names.length - told.length > 0, nodesOfTest.ground.errors]).toEqual([
      names.slice(0, told.length),
      true,
      [],
    ])
    const longest = JSON.stringify([[`node-${nodes - 1}`, told.at(-1), at(1), '']])
    expect(Buffer.byteLength(longest)).toBe(7_999)
  })

  it('[BROK12] a node listens to the channels of the streams it reads, and to no others', async () => {
    await begin()
    const node = await start()
    const [same, twin] = sameChannel()
    await read(node, same, twin, 'third')
    node.broker.unsubscribe(same)
    node.broker.unsubscribe('third')
    // The twin still needs the channel they share.
    node.heard.active.clear()
    await read(node, 'fourth')
    await psql('SELECT pg_notify($1, $2)', [channelOf(twin), JSON.stringify([[null, twin, at(1), '']])])
    await expect.poll(() => node.heard.last(twin)?.tail).toBe(at(1))
    // A channel nobody needs is not listened to: even what is malformed there is not seen.
    await psql('SELECT pg_notify($1, $2)', [channelOf('third'), 'malformed'])
    await psql('SELECT pg_notify($1, $2)', [channelOf('fourth'), 'malformed'])
    await expect.poll(() => nodesOfTest.ground.errors.length).toBe(1)
    expect(channelOf('third')).not.toBe(channelOf('fourth'))
  })

  it('[BROK11] a line that is half open is noticed within a few seconds', async () => {
    const clock = new ManualClock()
    await begin({ clock })
    const { connectionString } = nodesOfTest.ground
    const [node, other] = [await start(), await start({ connectionString, clock: systemClock })]
    await read(node, 's')
    for (let round = 1; round <= 3; round += 1) {
      clock.advance(2_000)
      // What comes on the line after the answer to the question whether it is there.
      await psql('SELECT 1')
      other.broker.publish([appended('s', round)])
      await expect.poll(() => node.heard.last('s')?.tail).toBe(at(round))
      clock.advance(1_000)
    }
    expect(node.broker.connected).toBe(true)
    nodesOfTest.ground.proxy.state = 'silent'
    clock.advance(2_000)
    await psql('SELECT 1')
    expect(node.broker.connected).toBe(true)
    clock.advance(3_000)
    expect(node.broker.connected).toBe(false)
    expect(nodesOfTest.ground.errors.map(({ message }) => message)).toEqual(['the line is silent'])
    // Also in opening it: nobody answers.
    clock.advance(100)
    await until(() => nodesOfTest.ground.proxy.connections === 1)
    clock.advance(10_000)
    await until(() => nodesOfTest.ground.proxy.connections === 0)
    nodesOfTest.ground.proxy.state = 'open'
    clock.advance(5_000)
    await expect.poll(() => node.heard.resumedAll).toBe(2)
    expect(nodesOfTest.ground.errors).toHaveLength(1)
  })

  it('[BROK8] a line that is lost is opened again, and one that cannot be each time later', async () => {
    const clock = new ManualClock()
    const random = () => 0
    await begin({ clock, random })
    const node = await start()
    nodesOfTest.ground.cut()
    await until(() => !node.broker.connected)
    const pauses: number[] = []
    for (let time = 0; time < 8; time += 1) {
      let waited = 0
      await until(() => clock.pending === 1)
      const attempts = nodesOfTest.ground.proxy.refused
      while (nodesOfTest.ground.proxy.refused === attempts) {
        clock.advance(50)
        waited += 50
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      pauses.push(waited)
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 2500, 2500])
    nodesOfTest.ground.restore()
    await until(() => clock.pending === 1)
    clock.advance(2_500)
    await expect.poll(() => node.heard.resumedAll).toBe(2)
    await psql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast broker'`)
    await until(() => !node.broker.connected)
    clock.advance(5_000)
    await expect.poll(() => node.heard.resumedAll).toBe(3)
  })

  it('[BROK8] a node that was cut off tells the others to look for what it could not tell', async () => {
    await begin()
    const direct = await start({ connectionString: nodesOfTest.ground.connectionString })
    const cut = await start()
    await read(direct, 's', 'quiet')
    nodesOfTest.ground.cut()
    await until(() => !cut.broker.connected)
    cut.broker.publish([appended('s', 1)])
    direct.heard.active.clear()
    nodesOfTest.ground.restore()
    await expect.poll(() => [...direct.heard.active]).toEqual(['s'])
    expect(direct.heard.resumedAll).toBe(1)
  })

  it('[BROK8] what the database refuses is told once, and said again when it is not', async () => {
    await begin()
    const [node, other] = [await start(), await start()]
    await read(other, 's')
    await psql(`CREATE SCHEMA refusing`)
    await psql(`CREATE FUNCTION refusing.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no room in the queue'; END $$`)
    await psql(
      `ALTER DATABASE ${new URL(nodesOfTest.ground.connectionString).pathname.slice(1)} SET search_path = refusing, pg_catalog, public`,
    )
    const refused = await start()
    for (let seq = 1; seq <= 3; seq += 1) {
      refused.broker.publish([appended('s', seq)])
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(nodesOfTest.ground.errors.map(({ message }) => message)).toEqual(['no room in the queue'])
    expect(refused.broker.connected).toBe(true)
    node.broker.publish([appended('s', 4)])
    await expect.poll(() => other.heard.last('s')?.tail).toBe(at(4))
    await psql('DROP SCHEMA refusing CASCADE')
    other.heard.active.clear()
    refused.broker.publish([appended('t', 1)])
    await expect.poll(() => [...other.heard.active]).toEqual(['s'])
  })
})

/** Two streams of one channel. */
function sameChannel(): [string, string] {
  const seen = new Map<string, string>()
  for (let index = 0; ; index += 1) {
    const stream = `s${index}`
    const twin = seen.get(channelOf(stream))
    if (twin) return [twin, stream]
    seen.set(channelOf(stream), stream)
  }
}

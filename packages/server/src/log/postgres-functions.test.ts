import { defineStream, formatOffset, systemClock } from '@holdfast/protocol'
import { startPostgres, type TestPostgres, withPostgres } from '@holdfast/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import type { Database } from '../db/database.ts'
import { migrateDown, migrateUp } from '../db/migrations.ts'
import { openPostgresDatabase } from '../db/postgres-database.ts'
import { openPostgresBroker } from '../hub/broker/postgres-broker.ts'
import { Hub } from '../hub/hub.ts'
import { Relay } from '../hub/relay.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'

const counter = defineStream('counters/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }) },
  initial: { sum: 0 },
  fold: (state, { by }) => ({ sum: state.sum + by }),
})

let postgres: TestPostgres
let url: string
let db: Database
let log: SqlStreamLog
let program: pg.Client
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())
beforeEach(async () => {
  url = await postgres.createDatabase()
  db = openPostgresDatabase({ connectionString: url })
  await migrateUp(db, logMigrations, 0)
  log = new SqlStreamLog(db, systemClock)
  program = new pg.Client({ connectionString: url })
  await program.connect()
})
afterEach(async () => {
  await program.end()
  await db.close()
})

const append = async (stream: string, event: unknown, seal = false): Promise<string> => {
  const asked = 'SELECT holdfast_append($1, $2::jsonb, $3) AS place'
  const { rows } = await program.query(asked, [stream, JSON.stringify(event), seal])
  return rows[0].place
}
const events = async (stream: string) => (await log.read(stream, null)).events.map((text) => JSON.parse(text))

/** A node's hub with a reader of the stream; answers what the reader was given. */
function readLive(stream: string): { given: unknown[]; isLive: () => boolean; ends: number; close(): Promise<void> } {
  const hub = new Hub(log)
  const broker = openPostgresBroker({ connectionString: url, nodeId: 'reader', onError: () => {} })
  const subscribed: string[] = []
  const { listen } = broker
  broker.listen = (listener) =>
    listen.call(broker, {
      moved: (signals) => listener.moved(signals),
      command: (command) => listener.command(command),
      resumed: (streams) => {
        subscribed.push(...(streams ?? [stream]))
        listener.resumed(streams)
      },
    })
  const relay = new Relay({
    ...{ hub, broker, clock: systemClock, random: Math.random, onCommand: () => {} },
    tails: (streams) => log.tails(streams),
    onError: (error) => {
      throw error
    },
  })
  const reading = {
    given: [] as unknown[],
    ends: 0,
    isLive: () => subscribed.includes(stream),
    close: () => relay.close(),
  }
  hub.subscribe(stream, null, {
    deliver: (delivery) => {
      reading.given.push(...delivery.events.map((text) => JSON.parse(text)))
      return true
    },
    complete: () => {
      reading.ends += 1
    },
    fail: (error) => {
      throw error
    },
  })
  return reading
}

describe('other programs on PostgreSQL', () => {
  it('[LOG23] holdfast_append appends to any stream, making it where it is missing, and answers the place', async () => {
    const first = await append('s', { n: 1 })
    const { incarnation = 0 } = (await log.info('s')) ?? {}
    expect(first).toBe(formatOffset({ incarnation, seq: 1 }))
    expect(await append('s', [{ n: 2 }, { n: 3 }])).toBe(formatOffset({ incarnation, seq: 3 }))
    await db.commit([log.append('s', ['{"n":4}'])])
    expect(await events('s')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
    await append('counters/a', [
      { type: 'added', timestamp: '2026-01-01T00:00:00.000Z', by: 2 },
      { type: 'added', timestamp: '2026-01-01T00:00:00.000Z', by: 3 },
    ])
    expect((await log.state(counter, 'counters/a')).state).toEqual({ sum: 5 })
  })

  it('[LOG23] it counts the bytes, uses a TTL and seals as an append of ours does', async () => {
    await log.ensure('s', { ttl: 60 })
    await append('s', { text: 'ä€😀' })
    const [row] = await db.read<{ bytes: number; size: number; expires_at: number }>({
      sql: 'SELECT bytes, expires_at, (SELECT octet_length(data) FROM events) AS size FROM streams WHERE name = ?',
      params: ['s'],
    })
    expect(row?.bytes).toBe(row?.size)
    expect(Math.abs((row?.expires_at ?? 0) - systemClock.now() - 60_000)).toBeLessThan(30_000)
    await append('s', { last: true }, true)
    expect((await log.info('s'))?.sealed).toBe(true)
  })

  it('[LOG23] a stream that is just being made is asked what it holds once it is there', async () => {
    await withPostgres(url, async (maker) => {
      await maker.query('BEGIN')
      await maker.query(
        "INSERT INTO streams (name, tail, content_type, media_type) VALUES ('t', 0, 'text/plain', 'text/plain')",
      )
      const appended = append('t', {}).catch(({ code }) => code)
      const waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%holdfast_append%'"
      await expect.poll(async () => (await db.read({ sql: waits, params: [] })).length).toBe(1)
      await maker.query('COMMIT')
      expect(await appended).toBe('42809')
    })
    expect((await log.read('t', null)).events).toEqual([])
  })

  it('[LOG23] what cannot be appended is refused, and with it the transaction', async () => {
    await append('ended', {}, true)
    await log.ensure('text', { contentType: 'text/plain' })
    const refused: [string, string][] = [
      [`holdfast_append('ended', '{}')`, '55000'],
      [`holdfast_append('text', '{}')`, '42809'],
      [`holdfast_append('s', '[]')`, '22023'],
      [`holdfast_append('', '{}')`, '22023'],
      [`holdfast_append('a b', '{}')`, '22023'],
      [`holdfast_append('../a', '{}')`, '22023'],
      [`holdfast_append('a//b', '{}')`, '22023'],
      [`holdfast_append('ä', '{}')`, '22023'],
      [`holdfast_append(repeat('a', 513), '{}')`, '22023'],
      [`holdfast_append('s', NULL)`, '22004'],
      [`holdfast_append('s', 'not JSON')`, '22P02'],
    ]
    for (const [call, code] of refused) {
      await program.query('BEGIN')
      await append('beside', {})
      await expect(program.query(`SELECT ${call}`), call).rejects.toThrow(expect.objectContaining({ code }))
      await program.query('ROLLBACK')
    }
    expect(await log.info('beside')).toBeNull()
    expect(await events('ended')).toEqual([{}])
  })

  it('[LOG23] rows inserted into the inbox are appended, in their order, one statement at a time, and do not stay', async () => {
    await program.query(`INSERT INTO holdfast_inbox (stream, event)
      SELECT CASE g % 2 WHEN 0 THEN 'even' ELSE 'odd' END, jsonb_build_object('g', g) FROM generate_series(1, 6) g`)
    await program.query(`INSERT INTO holdfast_inbox (stream, event, seal) VALUES ('odd', '[7, 9]', true)`)
    expect(await events('even')).toEqual([{ g: 2 }, { g: 4 }, { g: 6 }])
    expect(await events('odd')).toEqual([{ g: 1 }, { g: 3 }, { g: 5 }, 7, 9])
    expect((await log.info('odd'))?.sealed).toBe(true)
    expect((await program.query('SELECT * FROM holdfast_inbox')).rows).toEqual([])
    await expect(
      program.query(`INSERT INTO holdfast_inbox (stream, event) VALUES ('even', '8'), ('odd', '11')`),
    ).rejects.toThrow(expect.objectContaining({ code: '55000' }))
    expect(await events('even')).toHaveLength(3)
  })

  it('[LOG23] live readers have it at once, by either way, big rows and long names included', async () => {
    const long = `long/${'a.B~0-_'.repeat(72)}`
    for (const stream of ['s', long]) {
      await db.commit([log.create(stream)])
      const reading = readLive(stream)
      await expect.poll(reading.isLive).toBe(true)
      const big = 'x'.repeat(100_000)
      await append(stream, { big })
      await expect.poll(() => reading.given.length).toBe(1)
      await program.query('BEGIN')
      await program.query(`INSERT INTO holdfast_inbox (stream, event) VALUES ($1, $2)`, [
        stream,
        JSON.stringify({ big }),
      ])
      await append(stream, { last: true }, true)
      await program.query('COMMIT')
      await expect.poll(() => reading.ends).toBe(1)
      expect(reading.given).toEqual([{ big }, { big }, { last: true }])
      await reading.close()
    }
  })

  it('[LOG23] a trigger on a table of their own tells of its rows', async () => {
    await program.query(`CREATE TABLE statuses (id BIGINT PRIMARY KEY, status TEXT NOT NULL)`)
    await program.query(`CREATE FUNCTION tell_statuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM holdfast_append('statuses/' || id, jsonb_build_object('status', status)) FROM changed ORDER BY id;
      RETURN NULL; END $$`)
    await program.query(`CREATE TRIGGER tell AFTER UPDATE ON statuses REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION tell_statuses()`)
    await program.query(`INSERT INTO statuses VALUES (1, 'new'), (2, 'new')`)
    await db.commit([log.create('statuses/2')])
    const reading = readLive('statuses/2')
    await expect.poll(reading.isLive).toBe(true)
    await program.query(`UPDATE statuses SET status = repeat('x', 9000) WHERE id = 2`)
    await expect.poll(() => reading.given).toEqual([{ status: 'x'.repeat(9_000) }])
    await reading.close()
  })

  it('[LOG23] appends from inside, from outside and from other programs lose and double nothing', async () => {
    await log.ensure('s', {})
    const inside = Array.from({ length: 50 }, (_, n) => db.commit([log.append('s', [`"i${n}"`])]))
    const outside = Array.from({ length: 50 }, (_, n) =>
      log.appendFrom('s', { messages: [`"o${n}"`], contentType: 'application/json' }),
    )
    const programs = withPostgres(url, async (client) => {
      for (let n = 0; n < 50; n += 1) await client.query('SELECT holdfast_append($1, $2)', ['s', `"p${n}"`])
    })
    await Promise.all([...inside, ...outside, programs])
    const all = (await events('s')) as string[]
    for (const kind of ['i', 'o', 'p']) {
      const own = all.filter((name) => name.startsWith(kind))
      expect(own).toEqual(Array.from({ length: 50 }, (_, n) => `${kind}${n}`))
    }
  })

  it('[LOG23] all of it is taken back with its migration', async () => {
    await append('s', {})
    await migrateDown(db, logMigrations, 1)
    const left = await program.query(`SELECT proname FROM pg_proc WHERE proname LIKE 'holdfast%'`)
    expect(left.rows).toEqual([])
    await migrateUp(db, logMigrations, 0)
    expect(await append('s', {})).toBe(formatOffset({ incarnation: 1, seq: 1 }))
  })
})

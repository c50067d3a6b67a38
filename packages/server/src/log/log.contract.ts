import { defineStream, formatOffset, HoldfastError, OFFSET_START, parseOffset, systemClock } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Committed, Database } from '../db/database.ts'
import { type Statement, statement, write } from '../db/database.ts'
import { migrateDown, migrateUp } from '../db/migrations.ts'
import { describeForks } from './fork.contract.ts'
import { describeGrowth } from './growth.contract.ts'
import { describeLifetimes } from './lifetime.contract.ts'
import { logMigrations } from './log-migrations.ts'
import { describeOutsideAppends } from './outside.contract.ts'
import { SqlStreamLog } from './sql-stream-log.ts'
import type { StreamLog } from './stream-log.ts'

const counter = defineStream('counters/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }), closed: z.object({}) },
  initial: { sum: 0 },
  fold: (state, event) => (event.type === 'added' ? { sum: state.sum + event.by } : state),
  terminal: ['closed'],
})

const withCode = (code: string) => expect.objectContaining({ code })

/** What a `StreamLog` does, whatever database it stands on (SPEC.md, rules LOG). */
export function describeStreamLog(name: string, open: () => Promise<Database>): void {
  describe(`StreamLog on ${name}`, () => {
    let db: Database
    let log: StreamLog
    beforeEach(async () => {
      db = await open()
      await migrateUp(db, logMigrations, 0)
      log = new SqlStreamLog(db, systemClock)
    })
    afterEach(() => db.close())

    const append = (stream: string, ...texts: string[]) => db.commit([log.append(stream, texts)])
    const texts = async (stream: string, after: string | null = null) => (await log.read(stream, after)).events
    const seq = (offset: string) => parseOffset(offset)?.seq

    it('[LOG1] events come back as written, in order, across appends of one and of many', async () => {
      const odd = ['{"a": 1 }', '"\\u0000 ä 😀 \\\\"', '9007199254740993', ' [ ] ']
      await append('s', '{"first":1}')
      await append('s', ...odd)
      await append('s', '{"last":1}')
      expect(await texts('s')).toEqual(['{"first":1}', ...odd, '{"last":1}'])
    })

    it('[LOG2] offsets grow by one per event and name the position after it', async () => {
      await append('s', '1', '2', '3')
      const whole = await log.read('s', null)
      expect([seq(whole.after), seq(whole.offset), whole.upToDate]).toEqual([0, 3, true])
      const { incarnation } = parseOffset(whole.offset) ?? { incarnation: -1 }
      expect(await texts('s', formatOffset({ incarnation, seq: 1 }))).toEqual(['2', '3'])
      expect(await texts('s', whole.offset)).toEqual([])
    })

    it('[LOG2] every stream has an incarnation of its own, and an offset finds its stream', async () => {
      await append('a', '1')
      await append('b', '1')
      const [a, b] = [await log.info('a'), await log.info('b')]
      expect(a?.incarnation).not.toBe(b?.incarnation)
      expect(await log.findByOffset(b?.tail ?? '')).toEqual(b)
      expect(await log.findByOffset(formatOffset({ incarnation: 999_999, seq: 1 }))).toBeNull()
    })

    it('[LOG2] a stream that was made has a position before its first event, and keeps it', async () => {
      await db.commit([log.create('s')])
      const empty = await log.read('s', null)
      expect([empty.events, seq(empty.offset), empty.upToDate, empty.sealed]).toEqual([[], 0, true, false])
      await append('s', '1')
      await db.commit([log.create('s')])
      expect(await texts('s', empty.offset)).toEqual(['1'])
    })

    it('[X5a][LOG3] an append joins its commit: both or neither', async () => {
      const violated = write(statement('SELECT 1 AS one', [], { rows: 2, otherwise: 'CONFLICT' }))
      await expect(db.commit([log.append('s', ['1']), violated])).rejects.toThrow(withCode('CONFLICT'))
      expect(await log.info('s')).toBeNull()
      await db.commit([log.append('s', ['1']), log.append('t', ['2']), log.append('s', ['3'])])
      expect([await texts('s'), await texts('t')]).toEqual([['1', '3'], ['2']])
    })

    it('[LOG4] appends at once to one stream lose nothing and double nothing', async () => {
      const all = Array.from({ length: 40 }, (_, i) => append('s', `${i}`, `${i + 100}`))
      await Promise.all(all)
      const events = await texts('s')
      expect(events).toHaveLength(80)
      expect(new Set(events).size).toBe(80)
      // The two of one append stand side by side.
      for (let i = 0; i < 80; i += 2) expect(Number(events[i + 1])).toBe(Number(events[i]) + 100)
    })

    it('[LOG5] a sealed stream takes no further event, and says at its end that it has ended', async () => {
      await append('s', '1')
      expect((await log.read('s', null)).sealed).toBe(false)
      await db.commit([log.append('s', ['2'], { seal: true })])
      await expect(append('s', '3')).rejects.toThrow(withCode('STREAM_SEALED'))
      const page = await log.read('s', null)
      expect([page.events, page.sealed]).toEqual([['1', '2'], true])
      expect((await log.read('s', null, { maxEvents: 1 })).sealed).toBe(false)
      expect((await log.info('s'))?.sealed).toBe(true)
    })

    it('[LOG6] a page holds at most what was asked for, and always at least one event', async () => {
      await append('s', ...Array.from({ length: 10 }, (_, i) => `"${String(i).repeat(100)}"`))
      const first = await log.read('s', null, { maxEvents: 3 })
      expect([first.events.length, first.upToDate]).toEqual([3, false])
      expect((await log.read('s', first.offset, { maxLength: 250 })).events).toHaveLength(2)
      expect((await log.read('s', first.offset, { maxLength: 1 })).events).toHaveLength(1)
    })

    it('[LOG6] what has no room on a page is not fetched for it', async () => {
      await append(
        's',
        ...Array.from({ length: 100 }, () => '1'),
        ...Array.from({ length: 30 }, () => 'x'.repeat(50_000)),
      )
      const read = db.read.bind(db)
      let fetched = 0
      db.read = async <T>(statement: Statement) => {
        const rows = await read<T>(statement)
        fetched += JSON.stringify(rows).length
        return rows
      }
      const page = await log.read('s', null, { maxLength: 120_000 })
      expect([page.events.length, page.upToDate]).toEqual([102, false])
      expect(fetched).toBeLessThan(200_000)
    })

    it('[LOG7] an unknown position is refused, never waited at', async () => {
      await append('s', '1')
      await append('t', '1', '2')
      const other = (await log.read('t', null)).offset
      const { incarnation } = parseOffset((await log.read('s', null)).offset) ?? { incarnation: 0 }
      await expect(log.read('s', other)).rejects.toThrow(withCode('OFFSET_GONE'))
      await expect(log.read('s', formatOffset({ incarnation, seq: 2 }))).rejects.toThrow(withCode('OFFSET_GONE'))
      for (const text of ['', '1', OFFSET_START, '9999999999999999_9999999999999999', `${other} `, '0_0']) {
        await expect(log.read('s', text), text).rejects.toThrow(withCode('INVALID_OFFSET'))
      }
      await expect(log.read('nothing', null)).rejects.toThrow(withCode('NOT_FOUND'))
    })

    it('[LOG8] a defined stream takes only its own events, and names what is wrong', async () => {
      const add = (by: unknown) => log.appendEvents(counter, { id: 'c' }, [{ type: 'added', by: by as number }])
      expect(() => add('one')).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', errors: [expect.objectContaining({ field: 'by' })] }),
      )
      await db.commit([add(1)])
      await db.commit([log.appendEvents(counter, { id: 'c' }, [{ type: 'closed' }])])
      await expect(db.commit([add(2)])).rejects.toThrow(withCode('STREAM_SEALED'))
      const [first] = await texts('counters/c')
      expect(JSON.parse(first ?? '')).toEqual({ type: 'added', timestamp: expect.any(String), by: 1 })
    })

    it('[LOG9] state is the fold of all events, from a snapshot once there are many', async () => {
      const by = (n: number) => ({ type: 'added', by: n }) as const
      for (let round = 1; round <= 6; round += 1) {
        const batch = Array.from({ length: 100 }, () => by(1))
        await db.commit([log.appendEvents(counter, { id: 'c' }, batch)])
        expect((await log.state(counter, 'counters/c')).state).toEqual({ sum: round * 100 })
      }
      const [row] = await db.read<{ n: number }>(statement('SELECT COUNT(*) AS n FROM stream_snapshots'))
      expect(Number(row?.n)).toBe(1)
      // Another reader, with nothing in memory, starts from the snapshot: events before it may be gone.
      await db.commit([write(statement('DELETE FROM events WHERE seq <= 300'))])
      const fresh = new SqlStreamLog(db, systemClock)
      const { state, offset } = await fresh.state(counter, 'counters/c')
      expect([state, seq(offset)]).toEqual([{ sum: 600 }, 600])
    })

    it('[LOG9] a store that takes no writes still tells the state', async () => {
      const batch = Array.from({ length: 400 }, () => ({ type: 'added', by: 1 }) as const)
      await db.commit([log.appendEvents(counter, { id: 'c' }, batch)])
      const full: Database = {
        dialect: db.dialect,
        read: (asked) => db.read(asked),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        commit: () => Promise.reject(new HoldfastError('STORAGE_FULL')),
      }
      const reader = new SqlStreamLog(full, systemClock)
      expect((await reader.state(counter, 'counters/c')).state).toEqual({ sum: 400 })
      expect((await reader.state(counter, 'counters/c')).state).toEqual({ sum: 400 })
    })

    it('[LOG9] another version of the definition folds anew and keeps its own snapshot', async () => {
      const batch = Array.from({ length: 300 }, () => ({ type: 'added', by: 1 }) as const)
      await db.commit([log.appendEvents(counter, { id: 'c' }, batch)])
      await log.state(counter, 'counters/c')
      const doubled = defineStream('counters/:id', {
        version: 2,
        events: { added: z.object({ by: z.number() }) },
        initial: { twice: 0 },
        fold: (state, event) => ({ twice: state.twice + event.by * 2 }),
      })
      expect((await log.state(doubled, 'counters/c')).state).toEqual({ twice: 600 })
      expect((await log.state(counter, 'counters/c')).state).toEqual({ sum: 300 })
    })

    it('[LOG10] what is committed is told with its events and positions', async () => {
      const heard: Committed[] = []
      db.onCommitted((committed) => heard.push(...committed))
      await append('s', '1', '2')
      await db.commit([log.append('s', ['3'], { seal: true })])
      expect(heard.map(({ after, tail, events, sealed }) => [seq(after), seq(tail), events, sealed])).toEqual([
        [0, 2, ['1', '2'], false],
        [2, 3, ['3'], true],
      ])
    })

    it('[DB9] the tables of the log go down again with data in them', async () => {
      await append('s', '1')
      await migrateDown(db, logMigrations, logMigrations.length)
      await migrateUp(db, logMigrations, 0)
      expect(await log.info('s')).toBeNull()
    })
  })
  describeOutsideAppends(name, open)
  describeForks(name, open)
  describeLifetimes(name, open)
  describeGrowth(name, open)
}

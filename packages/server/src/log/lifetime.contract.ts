import { formatOffset } from '@holdfast/protocol'
import { ManualClock, until } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Committed, Database } from '../db/database.ts'
import { statement } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'

const withCode = (code: string) => expect.objectContaining({ code })
const SECOND = 1_000

/** Streams that end by themselves, and what is done with deleted ones (SPEC.md, rules LOG17, LOG18, LOG20). */
export function describeLifetimes(name: string, open: () => Promise<Database>): void {
  describe(`lifetimes on ${name}`, () => {
    let db: Database
    let clock: ManualClock
    let log: SqlStreamLog
    let read: Set<string>
    let heard: Committed[]
    const start = () => new SqlStreamLog(db, clock, { hasReaders: (stream) => read.has(stream) })
    beforeEach(async () => {
      db = await open()
      await migrateUp(db, logMigrations, 0)
      clock = new ManualClock()
      read = new Set()
      heard = []
      log = start()
      db.onCommitted((committed) => heard.push(...committed))
    })
    afterEach(() => db.close())

    const append = (stream: string) => log.appendFrom(stream, { messages: ['1'], contentType: 'application/json' })
    const use = async (stream: string) => {
      const info = await log.info(stream)
      if (info) log.touch(info)
    }
    const count = async (table: string) => {
      const [row] = await db.read<{ n: number }>(statement(`SELECT COUNT(*) AS n FROM ${table}`))
      return Number(row?.n)
    }
    /** Lets rounds of housekeeping come and pass, a second each. */
    const rounds = (holds: () => Promise<boolean>) =>
      until(() => {
        clock.advance(SECOND)
        return holds()
      })

    it('[LOG17] a TTL counts from the last use, and a look at the stream is none', async () => {
      const { info } = await log.ensure('s', { ttl: 10 })
      expect([info.ttl, info.expiresAt]).toEqual([10, null])
      clock.advance(9_999)
      expect(await log.info('s')).not.toBeNull()
      await use('s')
      clock.advance(9_999)
      expect(await append('s')).toMatchObject({ type: 'appended' })
      clock.advance(9_999)
      expect(await log.info('s')).not.toBeNull()
      clock.advance(1)
      expect([await log.info('s'), await log.findByOffset(info.tail)]).toEqual([null, null])
      for (const ask of [() => log.read('s', null), () => append('s'), () => log.remove('s')]) {
        await expect(ask()).rejects.toThrow(withCode('NOT_FOUND'))
      }
      expect(await log.ensure('s', {})).toMatchObject({ created: true })
    })

    it('[LOG17] a moment is kept to the millisecond, whatever happens to the stream', async () => {
      const expiresAt = clock.now() + 5_000
      expect(await log.ensure('s', { expiresAt })).toMatchObject({ info: { ttl: null, expiresAt } })
      read.add('s')
      clock.advance(4_999)
      expect(await append('s')).toMatchObject({ type: 'appended' })
      await use('s')
      clock.advance(1)
      expect(await log.info('s')).toBeNull()
      await expect(append('s')).rejects.toThrow(withCode('NOT_FOUND'))
    })

    it('[LOG17] an append of the server itself is a use as well, and none goes to a stream that has expired', async () => {
      const appendInside = (stream: string) => db.commit([log.append(stream, ['1'])])
      await log.ensure('ttl', { ttl: 10 })
      await log.ensure('at', { expiresAt: clock.now() + 15_000 })
      clock.advance(9_000)
      await appendInside('ttl')
      await appendInside('at')
      clock.advance(9_000)
      expect([(await log.read('ttl', null)).events, await log.info('at')]).toEqual([['1'], null])
      await expect(appendInside('at')).rejects.toThrow(withCode('STREAM_SEALED'))
    })

    it('[LOG17] a lifetime is one or the other, within what a date can be', async () => {
      for (const wrong of [
        { ttl: 1, expiresAt: 1 },
        { ttl: -1 },
        { ttl: 1.5 },
        { ttl: 9e15 },
        { expiresAt: Number.NaN },
      ]) {
        await expect(log.ensure('s', wrong), JSON.stringify(wrong)).rejects.toThrow(withCode('INVALID_INPUT'))
      }
    })

    it('[LOG17] a fork has the lifetime it asks for, or else that of its source, counted anew', async () => {
      const at = clock.now() + 60_000
      await log.ensure('plain', {})
      await log.ensure('ttl', { ttl: 10 })
      await log.ensure('at', { expiresAt: at })
      const lifetime = async (source: string, asked: { ttl?: number; expiresAt?: number }) => {
        const fork = `${source}-${JSON.stringify(asked)}`
        const { info } = await log.ensure(fork, { ...asked, fork: { source } })
        expect(await log.ensure(fork, { ...asked, fork: { source } })).toMatchObject({ created: false })
        return [info.ttl, info.expiresAt]
      }
      for (const source of ['plain', 'ttl', 'at']) {
        expect(await lifetime(source, { ttl: 7 })).toEqual([7, null])
        expect(await lifetime(source, { expiresAt: at + 1 })).toEqual([null, at + 1])
      }
      expect(await lifetime('plain', {})).toEqual([null, null])
      expect(await lifetime('at', {})).toEqual([null, at])
      clock.advance(9_000)
      expect(await lifetime('ttl', {})).toEqual([10, null])
      clock.advance(9_000)
      expect(await log.info('ttl-{}')).not.toBeNull()
      await expect(log.info('ttl')).rejects.toThrow(withCode('STREAM_GONE'))
    })

    it('[LOG17] an expired stream that forks stand on is STREAM_GONE, and they read on', async () => {
      await log.ensure('s', { ttl: 10, messages: ['1'] })
      await log.ensure('f', { ttl: 60, fork: { source: 's' } })
      clock.advance(10_000)
      await expect(log.info('s')).rejects.toThrow(withCode('STREAM_GONE'))
      await expect(log.ensure('s', {})).rejects.toThrow(withCode('STREAM_EXISTS'))
      expect((await log.read('f', null)).events).toEqual(['1'])
    })

    it('[LOG17] an expired stream is taken away and its readers are told; one with a TTL waits for them to go', async () => {
      await log.open()
      await log.ensure('at', { expiresAt: clock.now() + 3_000, messages: ['1'] })
      await log.ensure('ttl', { ttl: 3, messages: ['1'] })
      read.add('at').add('ttl')
      await rounds(async () => heard.some(({ stream, removed }) => stream === 'at' && removed === true))
      for (let round = 0; round < 10; round += 1) await rounds(async () => (await log.info('ttl')) !== null)
      read.clear()
      expect(await log.info('ttl')).not.toBeNull()
      await rounds(async () => heard.some(({ stream, removed }) => stream === 'ttl' && removed === true))
      await rounds(
        async () => (await count('events')) + (await count('streams')) + (await count('stream_garbage')) === 0,
      )
      await log.close()
    })

    it('[LOG17] an append that is under way when the moment comes is a use, and is there once it is acknowledged', async () => {
      let held: (() => void)[] | null = null
      const slow: Database = {
        dialect: db.dialect,
        read: (asked) => db.read(asked),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        commit: async (writes) => {
          const queue = held
          if (queue) await new Promise<void>((resolve) => queue.push(resolve))
          return db.commit(writes)
        },
      }
      log = new SqlStreamLog(slow, clock)
      await log.open()
      await log.ensure('s', { ttl: 10 })
      await append('s')
      clock.advance(9_500)
      await expect.poll(async () => (await log.info('s')) !== null).toBe(true)
      const queue: (() => void)[] = []
      held = queue
      const appending = append('s')
      await expect.poll(() => queue.length).toBeGreaterThan(0)
      const before = queue.length
      await rounds(async () => queue.length > before)
      for (const go of queue.slice(0, before)) go()
      expect(await appending).toMatchObject({ type: 'appended' })
      held = null
      for (const go of queue.slice(before)) go()
      // Waits for the round that wanted to take it away.
      await log.close()
      expect((await log.read('s', null)).events).toEqual(['1', '1'])
    })

    it('[LOG17] however many streams are in use at their end, looking at them holds nobody up', async () => {
      const at: number[] = []
      let turn = 0
      const watched: Database = {
        dialect: db.dialect,
        read(asked) {
          if (asked.sql.includes('ORDER BY expires_at')) at.push(turn)
          return db.read(asked)
        },
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        commit: (writes) => db.commit(writes),
      }
      log = new SqlStreamLog(watched, clock, { hasReaders: () => true })
      await Promise.all(Array.from({ length: 450 }, (_, index) => log.ensure(`s${index}`, { ttl: 1 })))
      await log.open()
      const count = () => {
        turn += 1
        if (at.length < 5) setImmediate(count)
      }
      clock.advance(SECOND)
      count()
      await expect.poll(() => at.length).toBe(5)
      expect(new Set(at).size).toBe(5)
      await log.close()
    })

    it('[LOG20] uses are written down now and then and at the end, never one by one', async () => {
      let commits = 0
      const counted: Database = {
        dialect: db.dialect,
        read: (asked) => db.read(asked),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        commit: (writes) => {
          commits += 1
          return db.commit(writes)
        },
      }
      log = new SqlStreamLog(counted, clock)
      await log.open()
      await log.ensure('s', { ttl: 100 })
      const before = commits
      for (let i = 0; i < 100; i += 1) await use('s')
      expect(commits).toBe(before)
      clock.advance(1_500)
      await use('s')
      await log.close()
      // One for the use, one that says that this was an orderly end; the rounds in between may have had one.
      expect(commits - before).toBeLessThanOrEqual(3)
      log = start()
      clock.advance(99_999)
      expect(await log.info('s')).not.toBeNull()
      clock.advance(1)
      expect(await log.info('s')).toBeNull()
    })

    it('[LOG20] after a crash no stream expires earlier than it may, and after an orderly end none later', async () => {
      await log.open()
      await log.ensure('s', { ttl: 10 })
      clock.advance(5_000)
      await use('s')
      // The process is killed: nothing was written down.
      clock.advance(9_000)
      log = start()
      await log.open()
      expect(await log.info('s')).not.toBeNull()
      await log.close()
      // It may have been used until then.
      clock.advance(9_999)
      log = start()
      await log.open()
      expect(await log.info('s')).not.toBeNull()
      await log.close()
      clock.advance(1)
      log = start()
      await log.open()
      expect(await log.info('s')).toBeNull()
      await log.close()
    })

    it('[LOG20] what was lost with a crash is made up for once and for all, also where the next process ends at once', async () => {
      const { info } = await log.ensure('s', { ttl: 10 })
      clock.advance(5_000)
      log.touch(info)
      // Killed. The next one never gets to work, and the one after it ends in order.
      log = start()
      await log.close()
      for (let process = 0; process < 2; process += 1) {
        log = start()
        await log.open()
        await log.close()
      }
      log = start()
      clock.advance(9_999)
      expect(await log.info('s')).not.toBeNull()
      clock.advance(1)
      expect(await log.info('s')).toBeNull()
    })

    it('[LOG18] what a deleted stream leaves is removed in the background, also by the next process', async () => {
      const messages = Array.from({ length: 700 }, (_, i) => `${i}`)
      await log.ensure('s', { messages })
      await log.appendFrom('s', { messages, contentType: 'application/json', producer: { id: 'p', epoch: 0, seq: 0 } })
      await log.ensure('kept', { messages: ['1'] })
      await log.ensure('f', { fork: { source: 's', offset: formatOffset({ incarnation: 1, seq: 5 }) } })
      await log.remove('s')
      await log.remove('f')
      expect([await count('events'), await count('stream_garbage')]).toEqual([1401, 2])
      log = start()
      await log.open()
      await rounds(async () => (await count('stream_garbage')) === 0)
      expect([await count('events'), await count('stream_producers'), await count('stream_lineage')]).toEqual([1, 0, 0])
      await log.close()
    })

    it('[LOG19] forks that are deleted at once leave no source behind', async () => {
      await log.ensure('s', { messages: ['1'] })
      const forks = Array.from({ length: 6 }, (_, index) => `f${index}`)
      for (const fork of forks) await log.ensure(fork, { fork: { source: 's' } })
      await log.remove('s')
      await Promise.all(forks.map((fork) => log.remove(fork)))
      await log.open()
      await rounds(
        async () => (await count('streams')) + (await count('events')) + (await count('stream_garbage')) === 0,
      )
      await log.close()
    })
  })
}

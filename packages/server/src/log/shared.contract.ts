import { formatOffset, type Offset } from '@holdfast/protocol'
import { ManualClock, until } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'

/** What the logs of several processes on one store promise. `openStore` answers the way to open the same store again. */
export function describeSharedLog(name: string, openStore: () => Promise<() => Promise<Database>>): void {
  describe(`several logs on ${name}`, () => {
    let clock: ManualClock
    let databases: Database[]
    let logs: SqlStreamLog[]
    let readers: Set<string>[]
    beforeEach(async () => {
      const open = await openStore()
      clock = new ManualClock()
      databases = [await open(), await open()]
      readers = [new Set(), new Set()]
      await migrateUp(databases[0] as Database, logMigrations, 0)
      logs = databases.map(
        (db, at) =>
          new SqlStreamLog(db, clock, { shared: true, hasReaders: (stream) => readers[at]?.has(stream) ?? false }),
      )
      for (const log of logs) await log.open()
    })
    afterEach(async () => {
      for (const log of logs) await log.close()
      for (const db of databases) await db.close()
    })

    const [first, second] = [() => logs[0] as SqlStreamLog, () => logs[1] as SqlStreamLog]
    /** Lets time pass, with every round of housekeeping on the way. */
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 500) {
        clock.advance(500)
        await until(() => clock.pending === logs.length)
      }
    }

    it('[LOG24] a stream that is read on one node does not end for another', async () => {
      await first().ensure('used', { ttl: 10 })
      await first().ensure('read live', { ttl: 2 })
      await first().ensure('left alone', { ttl: 10 })
      readers[0]?.add('read live')
      for (let round = 0; round < 6; round += 1) {
        await pass(6_000)
        const info = await first().info('used')
        if (info) first().touch(info)
        expect([round, info !== null]).toEqual([round, true])
        expect((await second().info('read live')) !== null).toBe(true)
      }
      expect([await first().info('left alone'), await second().info('left alone')]).toEqual([null, null])
      expect((await second().info('used')) !== null).toBe(true)
      readers[0]?.clear()
      await pass(30_000)
      expect([await first().info('used'), await second().info('read live')]).toEqual([null, null])
    })

    it('[LOG4] appends through several nodes are in one order, and each reads what the other wrote', async () => {
      await first().ensure('s', {})
      const contentType = 'application/json'
      const sent = Array.from({ length: 60 }, (_, n) =>
        (logs[n % 2] as SqlStreamLog).appendFrom('s', { messages: [String(n)], contentType }),
      )
      const places = (await Promise.all(sent)).map((outcome) => outcome.type === 'appended' && outcome.tail)
      const { events, offset } = await second().read('s', null)
      expect(events.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
      const { incarnation = 0 } = (await first().info('s')) ?? {}
      expect(offset).toBe(formatOffset({ incarnation, seq: 60 }))
      for (const [n, place] of places.entries()) {
        expect(events[Number(String(place as Offset).slice(17)) - 1]).toBe(String(n))
      }
    })

    it('[LOG12] a producer that goes over to another node goes on in order, and its repetitions are known there', async () => {
      await first().ensure('s', {})
      const contentType = 'application/json'
      const append = (at: number, seq: number) =>
        (logs[at] as SqlStreamLog).appendFrom('s', {
          ...{ messages: [String(seq)], contentType },
          producer: { id: 'p', epoch: 0, seq },
        })
      const types: string[] = []
      for (const [at, seq] of [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
        [0, 2],
        [1, 4],
      ] as const) {
        types.push((await append(at, seq)).type)
      }
      expect(types).toEqual(['appended', 'duplicate', 'appended', 'duplicate', 'appended', 'producer_gap'])
      expect((await first().read('s', null)).events).toEqual(['0', '1', '2'])
    })
  })
}

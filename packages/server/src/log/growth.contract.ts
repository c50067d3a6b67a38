import { defineStream, formatOffset, HoldfastError, parseOffset, type Retention } from '@holdfast/protocol'
import { ManualClock, until } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Database, statement, write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from './log-migrations.ts'
import { SqlStreamLog } from './sql-stream-log.ts'
import type { AnyStream } from './stream-log.ts'
import { StreamRegistry } from './stream-registry.ts'

const withCode = (code: string) => expect.objectContaining({ code })

const counter = (retain?: Retention) =>
  defineStream('counters/:id', {
    version: 1,
    events: { added: z.object({ by: z.number() }) },
    initial: { sum: 0 },
    fold: (state, { by }) => ({ sum: state.sum + by }),
    ...(retain ? { retain } : {}),
  })
const plain = counter()

/** The second version: the sum under another name. */
const renamed = (migrate?: (state: unknown, from: number) => { total: number }) =>
  defineStream('counters/:id', {
    version: 2,
    events: { added: z.object({ by: z.number() }) },
    initial: { total: 0 },
    fold: (state, { by }) => ({ total: state.total + by }),
    ...(migrate ? { migrate } : {}),
  })

/** What is done as streams grow: snapshots and retention (SPEC.md, rules LOG21 and LOG22). */
export function describeGrowth(name: string, open: () => Promise<Database>): void {
  describe(`growth on ${name}`, () => {
    let db: Database
    let clock: ManualClock
    let log: SqlStreamLog
    let errors: unknown[]
    beforeEach(async () => {
      db = await open()
      await migrateUp(db, logMigrations, 0)
      clock = new ManualClock()
      errors = []
    })
    afterEach(async () => {
      await log.close()
      await db.close()
      expect(errors).toEqual([])
    })

    const start = async (definition: AnyStream) => {
      const registry = new StreamRegistry([definition])
      log = new SqlStreamLog(db, clock, { registry, onError: (error) => errors.push(error) })
      await log.open()
    }
    const add = (count: number, id = 'c') =>
      db.commit([
        log.appendEvents(
          plain,
          { id },
          Array.from({ length: count }, () => ({ type: 'added', by: 1 }) as const),
        ),
      ])
    const snapshot = async (version = 1) => {
      const [row] = await db.read<{ seq: number }>(
        statement('SELECT seq FROM stream_snapshots WHERE version = ?', [version]),
      )
      return row?.seq ?? 0
    }
    const stream = 'counters/c'
    const seqs = async () => {
      const info = await log.info(stream)
      return [info?.head, info?.tail].map((offset) => parseOffset(offset ?? '')?.seq)
    }
    const stored = async () => {
      const [row] = await db.read<{ n: number; bytes: number }>(
        statement('SELECT COUNT(*) AS n, COALESCE(SUM(octet_length(data)), 0) AS bytes FROM events'),
      )
      return { n: Number(row?.n), bytes: Number(row?.bytes) }
    }

    it('[X8a][LOG21] a stream that grows gets its snapshots though nobody asks for its state', async () => {
      await start(plain)
      await add(255)
      await add(1)
      await expect.poll(() => snapshot()).toBe(256)
      for (let round = 0; round < 10; round += 1) await add(200)
      await expect.poll(() => snapshot()).toBeGreaterThan(2000)
      // Whoever joins reads what came after the snapshot, and nothing before it.
      const reads: number[] = []
      const counted: Database = {
        dialect: db.dialect,
        async read<T>(asked: Parameters<Database['read']>[0]) {
          const rows = await db.read<T>(asked)
          if (asked.sql.includes('FROM events')) reads.push(rows.length)
          return rows
        },
        commit: (writes) => db.commit(writes),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
      }
      const joining = new SqlStreamLog(counted, clock)
      expect((await joining.state(plain, stream)).state).toEqual({ sum: 2256 })
      expect(reads.reduce((sum, rows) => sum + rows, 0)).toBeLessThan(256)
    })

    it('[LOG21] what grew while nobody folded is caught up with', async () => {
      log = new SqlStreamLog(db, clock)
      await add(1000)
      expect(await snapshot()).toBe(0)
      await start(plain)
      clock.advance(1000)
      await expect.poll(() => snapshot()).toBe(1000)
    })

    it('[LOG21] a snapshot that could not be stored is stored later, though nothing is appended any more', async () => {
      let full = true
      const filling: Database = {
        dialect: db.dialect,
        read: (asked) => db.read(asked),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        commit: (writes) => (full ? Promise.reject(new HoldfastError('STORAGE_FULL')) : db.commit(writes)),
      }
      log = new SqlStreamLog(filling, clock)
      await add(300)
      expect((await log.state(plain, stream)).state).toEqual({ sum: 300 })
      expect(await snapshot()).toBe(0)
      full = false
      await log.state(plain, stream)
      expect(await snapshot()).toBe(300)
    })

    it('[LOG21] a fold that fails is told, and holds up no other stream', async () => {
      const failing = defineStream('counters/:id', {
        version: 1,
        events: { added: z.object({ by: z.number() }) },
        initial: { sum: 0 },
        fold: (state, { by }) => {
          if (by < 0) throw new RangeError('not that way')
          return { sum: state.sum + by }
        },
      })
      await start(failing)
      const bad = Array.from({ length: 256 }, () => ({ type: 'added', by: -1 }) as const)
      await db.commit([log.appendEvents(failing, { id: 'bad' }, bad)])
      await add(256)
      await expect.poll(() => snapshot()).toBe(256)
      expect(errors).toEqual([new RangeError('not that way')])
      errors = []
    })

    it('[LOG21] a long fold holds nobody up', async () => {
      log = new SqlStreamLog(db, clock)
      for (let round = 0; round < 20; round += 1) await add(1000)
      const fold = log.state(plain, stream)
      let turns = 0
      let done = false
      const turn = () => {
        turns += 1
        if (!done) setImmediate(turn)
      }
      setImmediate(turn)
      expect((await fold).state).toEqual({ sum: 20_000 })
      done = true
      expect(turns).toBeGreaterThan(2)
    })

    it('[LOG21] of many that join a stream at once, one folds', async () => {
      let folds = 0
      const counting = defineStream('counters/:id', {
        version: 1,
        events: { added: z.object({ by: z.number() }) },
        initial: { sum: 0 },
        fold: (state, { by }) => {
          folds += 1
          return { sum: state.sum + by }
        },
      })
      log = new SqlStreamLog(db, clock)
      await add(1000)
      const states = await Promise.all(Array.from({ length: 20 }, () => log.state(counting, stream)))
      expect(new Set(states.map(({ state }) => state.sum))).toEqual(new Set([1000]))
      expect(folds).toBe(1000)
    })

    it('[LOG21] a state is told though another process has trimmed the stream since it was last looked at', async () => {
      const other = new SqlStreamLog(db, clock)
      await add(100)
      expect((await other.state(plain, stream)).state).toEqual({ sum: 100 })
      await start(counter({ events: 10 }))
      await add(900)
      await expect.poll(seqs).toEqual([990, 1000])
      expect((await other.state(plain, stream)).state).toEqual({ sum: 1000 })
    })

    it('[LOG21] streams get snapshots of a new version, though nobody asks and nothing is appended', async () => {
      await start(plain)
      await add(300)
      await expect.poll(() => snapshot()).toBe(300)
      await log.close()
      await start(renamed())
      clock.advance(1000)
      await expect.poll(() => snapshot(2)).toBe(300)
    })

    it('[LOG21] a state beyond 64 KB is refused, and is told again once it is small', async () => {
      const texts = defineStream('counters/:id', {
        version: 1,
        events: { said: z.object({ text: z.string() }) },
        initial: '',
        fold: (_, { text }) => text,
      })
      await start(texts)
      const say = (length: number) =>
        db.commit([log.appendEvents(texts, { id: 'c' }, [{ type: 'said', text: 'ä'.repeat(length) }])])
      // Two bytes each, and two quotation marks.
      await say(32_767)
      expect((await log.state(texts, stream)).state).toHaveLength(32_767)
      await say(32_768)
      await expect(log.state(texts, stream)).rejects.toThrow(withCode('STATE_TOO_LARGE'))
      await say(1)
      expect((await log.state(texts, stream)).state).toBe('ä')
    })

    it('[LOG21] a new version takes over the state of an earlier one where it can, and folds anew where not', async () => {
      await start(plain)
      await add(300)
      await expect.poll(() => snapshot()).toBe(300)
      const from: number[] = []
      const migrated = renamed((state, version) => {
        from.push(version)
        return { total: (state as { sum: number }).sum + 1_000_000 }
      })
      expect((await log.state(migrated, stream)).state).toEqual({ total: 1_000_300 })
      expect([from, await snapshot(2)]).toEqual([[1], 300])
      expect((await log.state(plain, stream)).state).toEqual({ sum: 300 })
    })

    it('[LOG21] where the history needed is no longer kept there is no state, rather than a wrong one', async () => {
      await start(counter({ events: 10 }))
      await add(300)
      await expect.poll(seqs).toEqual([290, 300])
      expect((await log.state(plain, stream)).state).toEqual({ sum: 300 })
      await expect(log.state(renamed(), stream)).rejects.toThrow(withCode('NO_FOLD'))
      expect(
        (
          await log.state(
            renamed(() => ({ total: 7 })),
            stream,
          )
        ).state,
      ).toEqual({ total: 7 })
    })

    it('[LOG22] only as many events are kept as the definition says; what is gone is refused', async () => {
      await start(counter({ events: 100 }))
      await add(1500)
      await expect.poll(seqs).toEqual([1400, 1500])
      await expect.poll(stored).toMatchObject({ n: 100 })
      const page = await log.read(stream, null)
      expect([page.events.length, parseOffset(page.after)?.seq]).toEqual([100, 1400])
      const { incarnation } = (await log.info(stream)) ?? { incarnation: 0 }
      await expect(log.read(stream, formatOffset({ incarnation, seq: 1399 }))).rejects.toThrow(withCode('OFFSET_GONE'))
      expect((await log.read(stream, formatOffset({ incarnation, seq: 1499 }))).events).toHaveLength(1)
      expect((await log.state(plain, stream)).state).toEqual({ sum: 1500 })
    })

    it('[LOG22] only as many bytes are kept, and what is counted is what is there', async () => {
      await start(counter({ bytes: 5_000 }))
      for (let round = 0; round < 3; round += 1) await add(256)
      await expect.poll(async () => (await stored()).bytes).toBeLessThanOrEqual(5_000)
      await log.close()
      const { bytes, n } = await stored()
      expect([bytes > 4_800, n > 50]).toEqual([true, true])
      expect(await db.read(statement('SELECT bytes FROM streams'))).toEqual([{ bytes }])
    })

    it('[LOG22] what is too old goes, though nothing is appended any more; the newest stays', async () => {
      await start(counter({ ageMs: 600_000 }))
      const begun = clock.now()
      await add(10)
      clock.advance(500_000)
      await add(5)
      /** Lets rounds of housekeeping come and pass until there is something else to see. */
      const trimmed = async (from: number) => {
        await until(async () => {
          clock.advance(5_000)
          return (await seqs())[0] !== from
        })
        return [...(await seqs()), clock.now() - begun]
      }
      const old = await trimmed(0)
      expect(old).toEqual([10, 15, expect.any(Number)])
      expect(old[2]).toBeGreaterThan(600_000)
      expect((await trimmed(10)).slice(0, 2)).toEqual([14, 15])
      expect(clock.now() - begun).toBeGreaterThan(1_100_000)
      expect((await log.state(plain, stream)).state).toEqual({ sum: 15 })
    })

    it('[LOG22] an event that says it is old takes none along that came before it', async () => {
      await start(counter({ ageMs: 600_000 }))
      const at = (ms: number, count: number) =>
        Array.from({ length: count }, () => ({ type: 'added', by: 1, timestamp: new Date(ms).toISOString() }) as const)
      const now = clock.now()
      const events = [...at(0, 3), ...at(now, 127), ...at(0, 4), ...at(now, 127)]
      await db.commit([log.appendEvents(plain, { id: 'c' }, events)])
      await expect.poll(seqs).toEqual([3, 261])
    })

    it('[LOG22] nothing is trimmed that no snapshot covers', async () => {
      log = new SqlStreamLog(db, clock)
      await add(300)
      await start(counter({ events: 10 }))
      // No snapshot can be stored.
      await db.commit([write(statement('ALTER TABLE stream_snapshots RENAME TO away'))])
      await add(300)
      await expect.poll(() => errors.length).toBeGreaterThan(0)
      errors = []
      expect(await seqs()).toEqual([0, 600])
      await db.commit([write(statement('ALTER TABLE away RENAME TO stream_snapshots'))])
      await add(300)
      await expect.poll(seqs).toEqual([890, 900])
    })

    it('[LOG22] a fork keeps what it reads of its source, and nothing after that', async () => {
      await start(counter({ events: 10 }))
      await add(5)
      await log.ensure('fork', { fork: { source: stream } })
      for (let round = 0; round < 3; round += 1) await add(256)
      await expect.poll(seqs).toEqual([763, 773])
      await expect.poll(stored).toMatchObject({ n: 15 })
      expect((await log.read('fork', null)).events).toHaveLength(5)
    })

    it('[LOG22] a fork that is made while its source is trimmed has what it says it has', async () => {
      const held: (() => void)[] = []
      const slow: Database = {
        dialect: db.dialect,
        read: (asked) => db.read(asked),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        async commit(writes) {
          if (held.length === 0) await new Promise<void>((resolve) => held.push(resolve))
          return db.commit(writes)
        },
      }
      await start(counter({ events: 10 }))
      await add(200)
      const late = new SqlStreamLog(slow, clock).ensure('late', { fork: { source: stream } })
      await expect.poll(() => held.length).toBe(1)
      await add(100)
      await expect.poll(seqs).toEqual([290, 300])
      await expect.poll(stored).toMatchObject({ n: 10 })
      held[0]?.()
      await late
      const page = await log.read('late', null)
      expect([page.events.length, parseOffset(page.after)?.seq]).toEqual([10, 290])
    })

    it('[LOG22] forks go on reading what their source has trimmed', async () => {
      await start(counter({ events: 10 }))
      await add(200)
      await log.ensure('fork', { fork: { source: stream } })
      await add(200)
      await expect.poll(seqs).toEqual([390, 400])
      expect((await log.read('fork', null)).events).toHaveLength(200)
      await log.remove('fork')
      await add(200)
      await expect.poll(seqs).toEqual([590, 600])
      await expect.poll(stored).toMatchObject({ n: 10 })
      // A fork of a trimmed stream begins where its source begins by now.
      await log.ensure('late', { fork: { source: stream } })
      const page = await log.read('late', null)
      expect([page.events.length, parseOffset(page.after)?.seq]).toEqual([10, 590])
      const place = formatOffset({
        incarnation: parseOffset((await log.info(stream))?.head ?? '')?.incarnation ?? 0,
        seq: 100,
      })
      await expect(log.ensure('no', { fork: { source: stream, offset: place } })).rejects.toThrow(
        withCode('INVALID_INPUT'),
      )
    })
  })
}

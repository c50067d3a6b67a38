import { HoldfastError } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Database, statement } from '../db/database.ts'
import { between, type OpenRunsStore, storyRun, useRunWorld, withCode } from './fixtures/run-world.ts'
import type { RunEngine } from './run-engine.ts'
import { RunSchedules } from './schedules.ts'

const HOUR_MS = 3_600_000

/** What schedules promise, whatever database they stand on (SPEC.md, rules SCHED). */
export function describeSchedules(name: string, openStore: OpenRunsStore): void {
  describe(`Schedules on ${name}`, () => {
    const world = useRunWorld(openStore)
    let ids = 0

    /** Schedules of a node, closed by the test that opens them. */
    function schedules(runs: RunEngine, db: Database = world.db, onChange: (id: string) => void = () => {}) {
      const newId = () => `s${++ids}`
      return new RunSchedules({
        db,
        clock: world.clock,
        runs,
        newId,
        onChange,
        onError: (error) => world.errors.push(error),
      })
    }

    /** The runs that schedules have begun: for which time, and by which. */
    async function begun(): Promise<string[]> {
      const rows = await world.db.read<{ dedupe_key: string; schedule_id: string; id: string }>(
        statement('SELECT dedupe_key, schedule_id, id FROM runs ORDER BY dedupe_key'),
      )
      expect(rows.every((row) => row.dedupe_key.startsWith(`schedule:${row.schedule_id}:`))).toBe(true)
      return rows.map((row) => row.dedupe_key.slice(`schedule:${row.schedule_id}:`.length))
    }

    const hourly = { name: 'story', input: { n: 1 }, cron: '0 * * * *' }

    it('[SCHED1] begins a run at each time, and says which was the last and which comes next', async () => {
      const made = schedules(world.engine())
      made.open()
      const { id } = await made.create(hourly)
      const view = { id, ...hourly, timezone: 'UTC', paused: false }
      expect(await made.list()).toEqual([{ ...view, nextAt: '2026-01-01T01:00:00.000Z', lastRunId: null }])
      await expect.poll(() => world.clock.pending).toBe(1)
      world.clock.advance(HOUR_MS - 1)
      expect(await begun()).toEqual([])
      await world.passing(begun, ['2026-01-01T01:00:00.000Z'], 1)
      const [run] = await world.db.read<{ id: string; input: string }>(statement('SELECT id, input FROM runs'))
      expect(JSON.parse(run?.input ?? '')).toEqual({ n: 1 })
      expect(await made.list()).toEqual([{ ...view, nextAt: '2026-01-01T02:00:00.000Z', lastRunId: run?.id }])
      await world.passing(async () => (await begun()).length, 3, 600_000)
      expect(await begun()).toEqual([1, 2, 3].map((hour) => `2026-01-01T0${hour}:00:00.000Z`))
      expect(world.errors).toEqual([])
      await made.close()
    })

    it('[SCHED1] the run is carried out like any other', async () => {
      const runs = world.engine()
      const made = schedules(runs)
      made.open()
      await runs.open()
      await made.create({ ...hourly, cron: '* * * * * *' })
      await world.passing(
        async () => (await world.db.read(statement("SELECT 1 AS one FROM runs WHERE status = 'done'"))).length > 1,
        true,
        500,
      )
      await made.close()
    })

    it('[SCHED2] however many nodes fire, each time begins one run', async () => {
      const nodes: RunSchedules[] = []
      for (let count = 0; count < 3; count += 1) {
        const db = await world.connect()
        nodes.push(schedules(world.engine({ db, exclusive: false }), db))
      }
      for (const each of nodes) each.open()
      const { id } = await (nodes[0] as RunSchedules).create({ ...hourly, cron: '*/10 * * * * *' })
      for (const each of nodes) each.wake()
      await world.passing(async () => (await begun()).length >= 6, true, 5_000)
      await Promise.all(nodes.map((each) => each.close()))
      const times = await begun()
      expect(new Set(times).size).toBe(times.length)
      const rows = await world.db.read<{ last_run_id: string; id: string }>(
        statement(
          'SELECT s.last_run_id, r.id FROM run_schedules s LEFT JOIN runs r ON r.id = s.last_run_id WHERE s.id = ?',
          [id],
        ),
      )
      expect(rows[0]?.id).toBe(rows[0]?.last_run_id)
      expect(world.errors).toEqual([])
    })

    it('[SCHED2] a run begins and its schedule moves on in one commit, or neither', async () => {
      let refuses = true
      const failing = between(world.db, {
        commit: (writes) => {
          const fires = writes.some(({ statements }) =>
            statements.some(({ sql }) => sql.startsWith('UPDATE run_schedules')),
          )
          if (!fires || !refuses) return world.db.commit(writes)
          // The last statement of the commit fails.
          const unmet = {
            ...statement('SELECT 1 AS one WHERE 1 = 0'),
            expect: { rows: 1, otherwise: 'UNAVAILABLE' as const },
          }
          return world.db.commit([...writes, { statements: [unmet] }])
        },
      })
      const made = schedules(world.engine({ db: failing }), failing)
      made.open()
      await made.create(hourly)
      await world.passing(() => world.errors.length > 0, true, 600_000)
      expect(await begun()).toEqual([])
      expect((await made.list())[0]).toMatchObject({ nextAt: '2026-01-01T01:00:00.000Z', lastRunId: null })
      expect(world.errors[0]).toEqual(withCode('UNAVAILABLE'))
      refuses = false
      await world.passing(begun, ['2026-01-01T01:00:00.000Z'])
      await made.close()
    })

    it('[SCHED2] a commit whose answer was lost begins no second run', async () => {
      let loses = true
      const losing = between(world.db, {
        commit: async (writes) => {
          const result = await world.db.commit(writes)
          const starts = writes.some(({ statements }) => statements.some(({ sql }) => sql.includes('INSERT INTO runs')))
          if (!starts || !loses) return result
          loses = false
          throw new HoldfastError('OUTCOME_UNKNOWN')
        },
      })
      const made = schedules(world.engine({ db: losing }), losing)
      made.open()
      await made.create(hourly)
      await world.passing(async () => (await begun()).length, 2, 600_000)
      expect(await begun()).toEqual(['2026-01-01T01:00:00.000Z', '2026-01-01T02:00:00.000Z'])
      await made.close()
    })

    it('[SCHED3] of the times that were missed while nobody ran, the latest alone begins a run', async () => {
      const before = schedules(world.engine())
      await before.create(hourly)
      world.clock.advance(5.5 * HOUR_MS)
      const made = schedules(world.engine())
      made.open()
      await expect.poll(begun).toEqual(['2026-01-01T05:00:00.000Z'])
      expect((await made.list())[0]?.nextAt).toBe('2026-01-01T06:00:00.000Z')
      await world.passing(async () => (await begun()).length, 2, 600_000)
      expect(await begun()).toEqual(['2026-01-01T05:00:00.000Z', '2026-01-01T06:00:00.000Z'])
      await made.close()
    })

    it('[SCHED4] a paused schedule begins nothing, and makes nothing up for when it goes on', async () => {
      const made = schedules(world.engine())
      made.open()
      const { id } = await made.create(hourly)
      expect(await made.update(id, { paused: true })).toMatchObject({ paused: true, nextAt: null })
      world.clock.advance(3.5 * HOUR_MS)
      await expect.poll(begun).toEqual([])
      expect(await made.update(id, { paused: false })).toMatchObject({
        paused: false,
        nextAt: '2026-01-01T04:00:00.000Z',
      })
      await world.passing(async () => (await begun()).length, 1, 600_000)
      expect(await begun()).toEqual(['2026-01-01T04:00:00.000Z'])
      await made.close()
    })

    it('[SCHED4] goes on by other times once it has them, and no more once it is removed', async () => {
      const made = schedules(world.engine())
      made.open()
      const { id } = await made.create({ ...hourly, cron: '0 0 1 1 *' })
      const changed = await made.update(id, { cron: '*/15 * * * *' })
      expect(changed).toMatchObject({ cron: '*/15 * * * *', nextAt: '2026-01-01T00:15:00.000Z' })
      await world.passing(async () => (await begun()).length, 2, 300_000)
      await made.remove(id)
      const before = await begun()
      world.clock.advance(2 * HOUR_MS)
      expect(await made.list()).toEqual([])
      expect(await begun()).toEqual(before)
      await expect(made.remove(id)).rejects.toThrow(withCode('NOT_FOUND'))
      await expect(made.update(id, { paused: true })).rejects.toThrow(withCode('NOT_FOUND'))
      await made.close()
    })

    it('[SCHED5] refuses what it could not begin, and stores nothing', async () => {
      const made = schedules(world.engine())
      const refused = (schedule: object) => made.create({ ...hourly, ...schedule }).catch((error) => error)
      expect(await refused({ name: 'unheard' })).toEqual(withCode('NOT_FOUND'))
      expect(await refused({ cron: '* *' })).toMatchObject({ code: 'INVALID_INPUT', errors: [{ field: 'cron' }] })
      expect(await refused({ timezone: 'Here' })).toMatchObject({
        code: 'INVALID_INPUT',
        errors: [{ field: 'timezone' }],
      })
      expect(await refused({ input: { n: 'one' } })).toMatchObject({
        code: 'INVALID_INPUT',
        errors: [{ field: 'input.n' }],
      })
      expect(await made.list()).toEqual([])
      const { id } = await made.create(hourly)
      await expect(made.update(id, { cron: 'never' })).rejects.toThrow(withCode('INVALID_INPUT'))
      expect((await made.list())[0]?.cron).toBe(hourly.cron)
    })

    it('[SCHED7] is woken exactly at the earliest time of all, also of one that was made elsewhere', async () => {
      const first = schedules(world.engine())
      const told: string[] = []
      const second = schedules(world.engine({ db: await world.connect(), exclusive: false }), world.db, (id) => {
        told.push(id)
        first.wake()
      })
      first.open()
      // Nothing is waited for while there is nothing.
      await expect.poll(() => world.clock.pending).toBe(0)
      const later = await second.create(hourly)
      const soon = await second.create({ ...hourly, cron: '*/5 * * * * *' })
      expect(told).toEqual([later.id, soon.id])
      await expect.poll(() => world.clock.pending).toBe(1)
      await first.list()
      world.clock.advance(4_999)
      expect(await begun()).toEqual([])
      await world.passing(begun, ['2026-01-01T00:00:05.000Z'], 1)
      await first.close()
      world.clock.advance(HOUR_MS)
      await first.list()
      expect(await begun()).toEqual(['2026-01-01T00:00:05.000Z'])
    })

    it('[SCHED8] an input that a newer version takes no more is told and passed over, and others go on', async () => {
      const older = schedules(world.engine())
      const { id } = await older.create(hourly)
      await older.create({ ...hourly, input: { n: 200 } })
      const newer = { ...world.definition, version: 2, input: z.object({ n: z.number().check(z.gte(100)) }) }
      const made = schedules(world.engine({}, [newer]))
      made.open()
      await world.passing(async () => (await begun()).length, 1, 600_000)
      await expect.poll(() => world.errors).toEqual([withCode('INVALID_INPUT')])
      const passed = (await made.list()).find((one) => one.id === id)
      expect(passed).toMatchObject({ nextAt: '2026-01-01T02:00:00.000Z', lastRunId: null })
      await made.close()
    })

    it('[SCHED8] a kind of run that a node does not know is left to those who do', async () => {
      const knows = schedules(world.engine())
      await knows.create(hourly)
      const other = storyRun(
        'other',
        async () => 'ok',
        () => world.log,
      )
      const doesNot = schedules(world.engine({}, [other]))
      doesNot.open()
      world.clock.advance(1.5 * HOUR_MS)
      await doesNot.list()
      expect(await begun()).toEqual([])
      knows.open()
      await expect.poll(begun).toEqual(['2026-01-01T01:00:00.000Z'])
      expect(world.errors).toEqual([])
      await Promise.all([knows.close(), doesNot.close()])
    })
  })
}

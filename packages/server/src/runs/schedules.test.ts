import type { Clock } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { statement } from '../db/database.ts'
import { openMemoryDatabase } from '../db/sqlite-database.ts'
import { useRunWorld, withCode } from './fixtures/run-world.ts'
import { ScheduleStore } from './schedule-store.ts'
import { RunSchedules } from './schedules.ts'

const DAY_MS = 24 * 3_600_000

describe('Schedules and a clock that is set', () => {
  const world = useRunWorld(async () => {
    const db = openMemoryDatabase()
    return async () => db
  })
  let offset = 0
  let ids = 0
  /** The clock as it is read; timers measure the time that passes. */
  const set: Clock = { now: () => world.clock.now() + offset, after: (ms, task) => world.clock.after(ms, task) }
  const schedules = () =>
    new RunSchedules({
      db: world.db,
      clock: set,
      runs: world.engine({ clock: set }),
      newId: () => `s${++ids}`,
      onChange: () => {},
      onError: (error) => world.errors.push(error),
    })
  const begun = async () => {
    const rows = await world.db.read<{ dedupe_key: string }>(
      statement('SELECT dedupe_key FROM runs ORDER BY dedupe_key'),
    )
    return rows.map(({ dedupe_key }) => dedupe_key)
  }
  const hourly = { name: 'story', input: { n: 1 }, cron: '0 * * * *' }

  it('[SCHED7] one that is put forward is noticed within a minute, as times that were missed', async () => {
    offset = 0
    const made = schedules()
    made.open()
    await made.create(hourly)
    await expect.poll(() => world.clock.pending).toBe(1)
    offset = 10.5 * 3_600_000
    world.clock.advance(60_000)
    await expect.poll(begun).toEqual([expect.stringContaining(':2026-01-01T10:00:00.000Z')])
    await made.close()
  })

  it('[SCHED7] one that is put back begins no run twice, and leaves no schedule waiting for what was the future', async () => {
    offset = 400 * DAY_MS
    const made = schedules()
    made.open()
    const { id } = await made.create({ ...hourly, cron: '0 0 * * *' })
    await made.create(hourly)
    await world.passing(async () => (await begun()).length, 25, 1_800_000)
    const ahead = await begun()
    offset = 0
    world.clock.advance(60_000)
    await expect
      .poll(async () => (await made.list()).find((one) => one.id === id)?.nextAt)
      .toBe('2026-01-03T00:00:00.000Z')
    await world.passing(async () => (await begun()).length, 27, 1_800_000)
    expect((await begun()).filter((time) => !ahead.includes(time))).toHaveLength(2)

    // Half an hour back, again and again: the time that has just begun a run comes again, and begins none.
    const before = await begun()
    for (let times = 1; times <= 3; times += 1) {
      offset -= 1_800_000
      world.clock.advance(1_900_000)
      await made.list()
    }
    await world.passing(async () => (await begun()).length, before.length + 1, 600_000)
    expect(world.errors).toEqual([])
    await made.close()
  })

  it('[SCHED2] a change holds only of the times it was seen with', async () => {
    offset = 0
    const store = new ScheduleStore(world.db, set)
    const { id } = await schedules().create(hourly)
    const seen = await store.get(id)
    const nextAt = (seen.nextAt ?? 0) + 3_600_000
    expect(await store.tryChange(seen, { nextAt, lastRunId: 'r1' })).toBe(true)
    const moved = await store.get(id)
    expect(moved).toEqual({ ...seen, nextAt, lastRunId: 'r1' })
    const others = [seen, { ...moved, cron: '1 * * * *' }, { ...moved, paused: true }, { ...moved, nextAt: null }]
    for (const other of others) expect(await store.tryChange(other, { nextAt: 5 })).toBe(false)
    expect(await store.get(id)).toEqual(moved)
  })

  it('[SCHED5] there is an end to how many there can be', async () => {
    offset = 0
    const made = schedules()
    const rows = Array.from({ length: 999 }, (_, index) =>
      statement(
        `INSERT INTO run_schedules (id, name, input, cron, timezone, paused, created_at)
         VALUES (?, 'story', '{"n":1}', '0 * * * *', 'UTC', 1, 0)`,
        [`many${index}`],
      ),
    )
    await world.db.commit([{ statements: rows }])
    await made.create(hourly)
    await expect(made.create(hourly)).rejects.toThrow(withCode('CONFLICT'))
    expect(await made.list()).toHaveLength(1_000)
  })
})

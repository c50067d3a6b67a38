import { HoldfastError } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { type Database, type Statement, statement, write } from '../db/database.ts'
import { between, gate, isClaim, type OpenRunsStore, untilStopped, useRunWorld } from './fixtures/run-world.ts'

/** How runs are claimed, and what of it several nodes may count on (SPEC.md, rules RUN). */
export function describeClaims(name: string, openStore: OpenRunsStore): void {
  describe(`Claims of runs on ${name}`, () => {
    const world = useRunWorld(openStore)
    const { definition, engine, node, connected, ended, passing } = world

    it('[RUN4] runs of one serial key work one after the other, in order, others beside them', async () => {
      const events: string[] = []
      const stuck = gate()
      world.work = async ({ run, input }) => {
        events.push(`+${run.id}`)
        if (input.n === 1) await stuck.opened
        events.push(`-${run.id}`)
      }
      const runs = engine()
      await runs.open()
      const first = await runs.start(definition, { n: 1 }, { serialKey: 'p' })
      world.clock.advance(1)
      const second = await runs.start(definition, { n: 2 }, { serialKey: 'p' })
      world.clock.advance(1)
      const other = await runs.start(definition, { n: 3 }, { serialKey: 'q' })
      await ended(runs, other.id)
      expect((await runs.get(second.id))?.status).toBe('queued')
      stuck.open()
      await ended(runs, second.id)
      expect(events.filter((text) => !text.includes(other.id))).toEqual(['+r1', '-r1', '+r2', '-r2'])
      expect(await ended(runs, first.id)).toBe('done')
    })

    it('[RUN4] a run that was given back goes on before those queued behind it, on its own when its time comes', async () => {
      const order: number[] = []
      let isFull = true
      world.work = async ({ input }) => {
        order.push(input.n)
        if (isFull) throw new HoldfastError('STORAGE_FULL')
      }
      const runs = engine()
      await runs.open()
      const first = await runs.start(definition, { n: 1 }, { serialKey: 'k' })
      const isBack = async () => world.errors.length > 0 && (await runs.get(first.id))?.status
      await expect.poll(isBack, { interval: 5, timeout: 10_000 }).toBe('queued')
      world.clock.advance(1)
      const second = await runs.start(definition, { n: 2 }, { serialKey: 'k' })
      const other = await runs.start(definition, { n: 3 }, { serialKey: 'another' })
      await expect.poll(() => order, { interval: 5, timeout: 10_000 }).toEqual([1, 3])
      isFull = false
      const passing = expect.poll(
        async () => {
          world.clock.advance(1_000)
          return Promise.all([first, second, other].map(async ({ id }) => (await runs.get(id))?.status))
        },
        { interval: 5, timeout: 10_000 },
      )
      await passing.toEqual(['done', 'done', 'done'])
      expect(order.filter((n) => n !== 3)).toEqual([1, 1, 2])
    })

    it('[RUN4] a wake-up that comes while a look for due runs is ending is not lost', async () => {
      let afterLook: (() => Promise<void>) | null = null
      const watched = between(world.db, {
        async read<T>(asked: Statement) {
          const rows = await world.db.read<T>(asked)
          if (asked.sql.includes('string_agg') && rows.length === 0) await afterLook?.()
          return rows
        },
      })
      const runs = engine({ db: watched })
      const maker = engine()
      await runs.open()
      for (let turns = 0; turns < 12; turns += 1) {
        const id = `late${turns}`
        const told = gate()
        afterLook = async () => {
          afterLook = null
          // Queued by somebody else after the look, and told of a few turns of the microtask queue later.
          await maker.start(definition, { n: 1 }, { id })
          void (async () => {
            for (let turn = 0; turn < turns; turn += 1) await undefined
            runs.wake()
            told.open()
          })()
        }
        runs.wake()
        await told.opened
        expect(await ended(runs, id)).toBe('done')
      }
    })

    it('[RUN13] nodes that claim at once take no run twice, and per key one after the other, in order', async () => {
      const keys = 12
      const each = 8
      const working = new Set<string>()
      const order = new Map<string, number[]>()
      const clashes: string[] = []
      world.work = async ({ run, input }) => {
        const key = run.serialKey ?? run.id
        if (working.has(key)) clashes.push(key)
        working.add(key)
        await world.db.read(statement('SELECT 1 AS one'))
        order.set(key, [...(order.get(key) ?? []), input.n])
        working.delete(key)
      }
      const nodes = await connected(3)
      const queue = async (key: number) => {
        for (let n = 0; n < each; n += 1) {
          // Each of a line by another node, one after the other was acknowledged; the clock stands still.
          await nodes[(key + n) % 3]?.start(definition, { n }, { serialKey: `k${key}` })
        }
      }
      await Promise.all(Array.from({ length: keys }, (_, key) => queue(key)))
      const done = () => order.size === keys && [...order.values()].every((ns) => ns.length === each)
      await expect.poll(done, { interval: 10, timeout: 20_000 }).toBe(true)
      const inOrder = Array.from({ length: each }, (_, n) => n)
      for (const ns of order.values()) expect(ns).toEqual(inOrder)
      expect(clashes).toEqual([])
      const [rest] = await world.db.read(
        statement("SELECT COUNT(*) AS n FROM runs WHERE attempt > 1 OR status = 'failed'"),
      )
      expect(rest?.n).toBe(0)
      expect(world.errors).toEqual([])
    })

    it('[RUN13] a claim that another node was before in is followed by another look at once', async () => {
      let conflicts = 0
      const db = await world.connect()
      const contested = between(db, {
        async commit(writes) {
          if (isClaim(writes) && conflicts < 3) {
            conflicts += 1
            throw new HoldfastError('CONFLICT')
          }
          return db.commit(writes)
        },
      })
      const runs = await node({ db: contested })
      await runs.open()
      // No time passes.
      const { id } = await runs.start(definition, { n: 1 })
      expect(await ended(runs, id)).toBe('done')
      expect(conflicts).toBe(3)
      expect(world.errors).toEqual([])
    })

    it('[RUN14] what the engine asks costs the same however many runs have ended', async () => {
      const seen = new Map<string, Statement>()
      const watch = (asked: Statement) => {
        if (/\bruns\b/.test(asked.sql)) seen.set(asked.sql, asked)
      }
      await world.db.commit([write(statement(ENDED_RUNS[world.db.dialect]))])
      await world.db.commit([write(statement('ANALYZE runs'))])
      const watched = between(world.db, {
        commit: (writes) => {
          for (const { statements } of writes) for (const asked of statements) watch(asked)
          return world.db.commit(writes)
        },
        read: (asked) => {
          watch(asked)
          return world.db.read(asked)
        },
      })
      world.work = async (context) => {
        if (context.input.n === 0) await untilStopped(context)
        await context.commit()
      }
      const runs = await node({ db: watched })
      await runs.open()
      const stuck = await runs.start(definition, { n: 0 }, { serialKey: 'k0' })
      const queued = await runs.start(definition, { n: 1 }, { serialKey: 'k0' })
      await ended(runs, (await runs.start(definition, { n: 1 })).id)
      await runs.cancel(queued.id)
      await passing(() => [...seen.keys()].some((sql) => sql.includes('quiet_ms, ')), true)
      await runs.cancel(stuck.id)
      await ended(runs, stuck.id)
      const other = await node({ db: watched })
      await other.open()
      expect(seen.size).toBeGreaterThan(8)
      for (const asked of seen.values()) expect(await fullScan(world.db, asked), asked.sql).toBeNull()
    })

    it('[RUN15] start tells when the run was queued by the clock of the store', async () => {
      const runs = await node({ clock: world.hanging() })
      world.clock.advance(5)
      const run = await runs.start(definition, { n: 1 })
      expect(run.createdAt).toBe(world.clock.now())
      expect(await runs.get(run.id)).toEqual(run)
    })

    it('[RUN15] whoever joins the line of a key later stands behind, also where the clock went back', async () => {
      const runs = await node()
      const before = { now: () => world.clock.now() - 60_000, after: world.clock.after.bind(world.clock) }
      const late = await node({ clock: before })
      const made = [
        await runs.start(definition, { n: 1 }, { id: 'z', serialKey: 'k' }),
        await late.start(definition, { n: 2 }, { id: 'y', serialKey: 'k' }),
        await runs.start(definition, { n: 3 }, { id: 'x', serialKey: 'k' }),
      ]
      const times = made.map(({ createdAt }) => createdAt)
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    })
  })
}

/** A hundred thousand runs that have ended, with keys and workers of the living. */
const ENDED_RUNS = {
  sqlite: `WITH RECURSIVE made (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < 100000) ${endedRuns('made')}`,
  postgres: endedRuns('generate_series(1, 100000) AS made (n)'),
}

function endedRuns(source: string): string {
  return `INSERT INTO runs (id, name, version, input, stream, serial_key, root_id, status, attempt, crashes, due_at,
      created_at, ended_at, worker, parent_id)
    SELECT 'ended' || n, 'story', 1, '{}', 's' || n, 'k' || (n % 100), 'ended' || n, 'done', 1, 0, n, n, n, NULL, 'p' || (n % 100)
    FROM ${source}`
}

// The table itself, or an index that holds the ended ones as well, and not just those of one parent.
const ALL_OF_THEM = [
  /Seq Scan on runs|^(SCAN|SEARCH) (runs|r|a)$/,
  /runs_by_name|runs_by_time|runs_children \(parent_id>/,
]

/** The line of the plan that goes through all runs there ever were; `null` where none does. */
async function fullScan(db: Database, { sql, params }: Statement): Promise<string | null> {
  const rows = await db.read(statement(`${db.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${sql}`, params))
  const lines = rows.map((row) => String(row.detail ?? row['QUERY PLAN']))
  return lines.find((line) => ALL_OF_THEM.some((scan) => scan.test(line))) ?? null
}

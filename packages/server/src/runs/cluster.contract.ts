import { HoldfastError } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { type Database, type Statement, statement, type Write, write } from '../db/database.ts'
import {
  between,
  gate,
  type OpenRunsStore,
  storyRun,
  untilStopped,
  useRunWorld,
  withCode,
} from './fixtures/run-world.ts'
import type { RunContext } from './run.ts'
import type { RunEngine } from './run-engine.ts'
import type { RunWord } from './words.ts'

/** What the engines of several nodes promise on one store (SPEC.md, rules RUN). */
export function describeRunNodes(name: string, openStore: OpenRunsStore): void {
  describe(`Runs of several nodes on ${name}`, () => {
    const world = useRunWorld(openStore)
    const { definition, node, tell, state, ended, passing } = world

    /** Nodes that tell each other; `words` has what was told. */
    const connected = async (count: number, words: RunWord[] = []) => {
      const nodes: RunEngine[] = []
      for (let index = 0; index < count; index += 1) {
        const tellOthers = (word: RunWord) => {
          words.push(word)
          for (const [other, each] of nodes.entries()) if (other !== index) each.hear(word)
        }
        nodes.push(await node({ tell: tellOthers }))
      }
      for (const each of nodes) await each.open()
      return nodes as [RunEngine, ...RunEngine[]]
    }

    /** A process that hangs: its timers do not fire and nobody hears of it. */
    const hanging = () => ({ now: () => world.clock.now(), after: () => () => {} })

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
      await passing(() => [...seen.keys()].some((sql) => sql.includes('MIN(lease_until)')), true)
      await runs.cancel(stuck.id)
      await ended(runs, stuck.id)
      const other = await node({ db: watched })
      await other.open()
      expect(seen.size).toBeGreaterThan(8)
      for (const asked of seen.values()) expect(await fullScan(world.db, asked), asked.sql).toBeNull()
    })

    it('[RUN15] start tells when the run was queued by the clock of the store', async () => {
      const runs = await node({ clock: { ...hanging(), now: () => world.clock.now() } })
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

    it('[RUN11][RUN16] a run whose lease ran out goes on with another worker, not before', async () => {
      const stuck = gate()
      const attempts: number[] = []
      world.work = async ({ run }) => {
        attempts.push(run.attempt)
        if (run.attempt === 1) await stuck.opened
      }
      const first = await node({ clock: hanging(), leaseMs: 30_000 })
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => attempts).toEqual([1])
      const begun = world.clock.now()
      world.clock.advance(15_000)
      const second = await node({ leaseMs: 30_000 })
      await second.open()
      await passing(() => attempts.length, 2, 100)
      stuck.open()
      expect(world.clock.now() - begun).toBeGreaterThanOrEqual(30_000)
      // To the moment, and not at the next time somebody looks.
      expect(world.clock.now() - begun).toBeLessThan(34_000)
      expect(await ended(second, id)).toBe('done')
    })

    it('[RUN16] a node that was stopped and wakes writes nothing, and its attempts are told', async () => {
      const stuck = gate()
      let late: RunContext<{ n: number }> | undefined
      world.work = async (context) => {
        if (context.run.attempt > 1) return
        late = context
        await stuck.opened
        await context.step('late', async (step) => step.write(tell(context, 'late')))
      }
      let timers: (() => void)[] = []
      const clock = {
        now: () => world.clock.now(),
        after: (_: number, task: () => void) => {
          timers.push(task)
          return () => {}
        },
      }
      const first = await node({ clock })
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => late).toBeDefined()
      const second = await node()
      await second.open()
      await passing(async () => (await second.get(id))?.status, 'done')
      expect(late?.signal.aborted).toBe(false)
      const due = timers
      timers = []
      for (const task of due) task()
      await expect.poll(() => late?.signal.aborted).toBe(true)
      stuck.open()
      await first.close()
      expect(await state(id)).toEqual({ told: [], ended: 'done' })
      expect((await second.get(id))?.attempt).toBe(2)
    })

    it('[RUN17] a cancel reaches an attempt on another node by word, before any time passes', async () => {
      world.work = untilStopped
      const [first, second] = await connected(2)
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(async () => (await first.get(id))?.status).toBe('working')
      // Whoever works on it: one of the two is another node.
      await first.cancel(id)
      expect(await ended(first, id)).toBe('cancelled')
      const next = await first.start(definition, { n: 1 })
      await expect.poll(async () => (await first.get(next.id))?.status).toBe('working')
      await second?.cancel(next.id)
      expect(await ended(first, next.id)).toBe('cancelled')
      await expect(second?.cancel(next.id)).rejects.toThrow(withCode('ALREADY_ENDED'))
      expect(world.errors).toEqual([])
    })

    it('[RUN17] a cancel whose word was lost is found within seconds', async () => {
      world.work = untilStopped
      const [worker, other] = [await node(), await node({ concurrency: 0 })]
      await worker.open()
      const { id } = await worker.start(definition, { n: 1 })
      await expect.poll(async () => (await worker.get(id))?.status).toBe('working')
      await other.cancel(id)
      const asked = world.clock.now()
      await passing(async () => (await worker.get(id))?.status, 'cancelled', 500)
      expect(world.clock.now() - asked).toBeLessThanOrEqual(5_000)
    })

    it('[RUN17] a queued run of a kind a node does not know is ended by one that does, word or not', async () => {
      world.work = untilStopped
      const strange = storyRun('strange', untilStopped, () => world.log)
      const words: RunWord[] = []
      const knowing = await node({ concurrency: 1 })
      const other = await node({ tell: (word) => words.push(word) }, [strange])
      await knowing.open()
      await other.open()
      const busy = await knowing.start(definition, { n: 0 })
      await expect.poll(async () => (await knowing.get(busy.id))?.status).toBe('working')
      for (const isHeard of [true, false]) {
        const { id } = await knowing.start(definition, { n: 1 })
        await other.cancel(id)
        expect(await knowing.get(id)).toMatchObject({ status: 'queued', cancelRequestedAt: world.clock.now() })
        expect(words.splice(0)).toEqual([{ type: 'run_cancel', run: id }])
        if (isHeard) knowing.hear({ type: 'run_cancel', run: id })
        else await passing(async () => (await knowing.get(id))?.status, 'cancelled')
        expect(await ended(knowing, id)).toBe('cancelled')
        expect(await state(id)).toEqual({ told: [], ended: 'cancelled' })
      }
    })

    it('[RUN17] a cancel that meets a claim, here or elsewhere, ends the run as cancelled', async () => {
      world.work = untilStopped
      const nodes = await connected(2)
      const made = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => {
          const { id } = await (nodes[n % 2] as RunEngine).start(definition, { n })
          await (nodes[(n >> 1) % 2] as RunEngine).cancel(id)
          return id
        }),
      )
      for (const id of made) expect(await ended(nodes[0], id)).toBe('cancelled')
      expect(world.errors).toEqual([])
    })

    it.each([
      ['done', async () => 'ok'],
      ['failed', () => Promise.reject(new Error('it did not work'))],
    ])('[RUN5][RUN17] a cancel acknowledged while a run is about to end as %s is not outrun', async (_, end) => {
      const asked = await node()
      world.work = async ({ run }) => {
        // Its word is lost, and the end comes before anybody looks.
        await asked.cancel(run.id)
        return end()
      }
      const worker = await node()
      await worker.open()
      const { id } = await worker.start(definition, { n: 1 })
      expect(await ended(worker, id)).toBe('cancelled')
      expect(await state(id)).toEqual({ told: [], ended: 'cancelled' })
    })

    it('[RUN17] a cancel the store cannot take is refused with its code, and can be asked for again', async () => {
      let away = false
      const db = await world.connect()
      const lost = between(db, {
        commit: (writes) => (away ? Promise.reject(new HoldfastError('UNAVAILABLE')) : db.commit(writes)),
      })
      const runs = await node({ db: lost })
      const { id } = await runs.start(definition, { n: 1 })
      away = true
      await expect(runs.cancel(id)).rejects.toThrow(withCode('UNAVAILABLE'))
      away = false
      await runs.cancel(id)
      expect((await runs.get(id))?.status).toBe('cancelled')
    })

    it('[RUN18] starts of one turn are told once, and so are ends that free a key and what is given back', async () => {
      const words: RunWord[] = []
      const due = { type: 'runs_due' }
      const queued = gate()
      const gates = [gate(), gate()]
      const waiting = [...gates]
      world.work = async (context) => (context.run.serialKey ? waiting.shift()?.opened : untilStopped(context))
      const db = await world.connect()
      const held = between(db, {
        async commit(writes) {
          const result = await db.commit(writes)
          if (writes.some(({ statements }) => /INSERT INTO runs /.test(statements[0]?.sql ?? ''))) await queued.opened
          return result
        },
      })
      const runs = await node({ db: held, tell: (word) => words.push(word) })
      await runs.open()
      const starts = [0, 1, 2].map((n) => runs.start(definition, { n }, n < 2 ? { serialKey: 'k' } : {}))
      const count = async () => (await db.read(statement('SELECT id FROM runs'))).length
      await expect.poll(count).toBe(3)
      queued.open()
      const [, , last] = await Promise.all(starts)
      await expect.poll(() => words).toEqual([due])
      for (const [n, each] of gates.entries()) {
        each.open()
        await expect.poll(() => words).toEqual(Array(n + 2).fill(due))
      }
      await expect.poll(async () => (await runs.get(last?.id ?? ''))?.status).toBe('working')
      await runs.close()
      expect(words).toEqual([due, due, due, due])
    })

    it('[RUN18] what another node queued is claimed at its word', async () => {
      const [first] = [await node(), await node()]
      await first.open()
      const second = await node({ tell: (word) => first.hear(word) })
      const { id } = await second.start(definition, { n: 1 })
      expect(await ended(first, id)).toBe('done')
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
      created_at, ended_at, worker)
    SELECT 'ended' || n, 'story', 1, '{}', 's' || n, 'k' || (n % 100), 'ended' || n, 'done', 1, 0, n, n, n, NULL
    FROM ${source}`
}

function isClaim(writes: readonly Write[]): boolean {
  return writes.some(({ statements }) => statements.some(({ sql }) => sql.includes("SET status = 'working'")))
}

/** The line of the plan that goes through all runs there ever were; `null` where none does. */
async function fullScan(db: Database, { sql, params }: Statement): Promise<string | null> {
  const rows = await db.read(statement(`${db.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${sql}`, params))
  const lines = rows.map((row) => String(row.detail ?? row['QUERY PLAN']))
  return lines.find((line) => /Seq Scan on runs|^SCAN (runs|r|a)$/.test(line)) ?? null
}

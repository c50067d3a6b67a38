import { describe, expect, it } from 'vitest'
import { type Database, statement, write } from '../db/database.ts'
import { gate, type OpenRunsStore, useRunWorld, withCode } from './fixtures/run-world.ts'
import { faraway, lossy, readable } from './fixtures/troubled-stores.ts'

/** What the engine promises while its store is in trouble (SPEC.md, rules RUN). */
export function describeRunTrouble(name: string, openStore: OpenRunsStore): void {
  describe(`Runs in trouble on ${name}`, () => {
    const world = useRunWorld(openStore)
    const { definition, node, tell, state, ended, passing } = world

    const crashes = async () => {
      const [row] = await world.db.read<{ n: number }>(statement('SELECT SUM(crashes) AS n FROM runs'))
      return row?.n
    }

    /** No sooner than the store answers: what the nodes do meanwhile is not outrun. */
    const hasPassed = async (end: number) => {
      await world.db.read(statement('SELECT 1 AS one'))
      return world.clock.now() >= end
    }

    it('[RUN19] a step that was recorded, though no answer came, goes on and is not done again', async () => {
      const lost = lossy(await world.connect(), 'run_steps', 'done')
      const done: number[] = []
      world.work = async (context) => {
        await context.step('a', async (step) => {
          done.push(context.run.attempt)
          step.write(tell(context, 'a'))
        })
        return context.run.attempt
      }
      const runs = await node({ db: lost.db })
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      expect(await ended(runs, id)).toBe('done')
      expect(lost.count()).toBe(1)
      expect(done).toEqual([1])
      expect(await state(id)).toEqual({ told: ['a'], ended: 'done' })
      expect(world.errors).toEqual([])
    })

    for (const fate of ['not done', 'done late'] as const) {
      it(`[RUN19] a step whose write is ${fate} is done by the next attempt, and written once`, async () => {
        const lost = lossy(await world.connect(), 'run_steps', fate)
        const done: number[] = []
        world.work = async (context) => {
          await context.step('a', async (step) => {
            done.push(context.run.attempt)
            step.write(tell(context, 'a'))
          })
        }
        const runs = await node({ db: lost.db })
        await runs.open()
        const { id } = await runs.start(definition, { n: 1 })
        await passing(async () => (await runs.get(id))?.status, 'done')
        expect(done).toEqual([1, 2])
        // What was still on its way when the attempt was given back changes nothing any more.
        if (fate === 'done late') await expect(lost.late()).rejects.toThrow(withCode('FENCED'))
        expect(await state(id)).toEqual({ told: ['a'], ended: 'done' })
        expect(await crashes()).toBe(0)
      })
    }

    it('[RUN19] a step that was recorded late, but before the attempt was given back, is not done again', async () => {
      const lost = lossy(await world.connect(), 'run_steps', 'done late')
      const done: number[] = []
      const stuck = gate()
      world.work = async (context) => {
        const step = context.step('a', async (step) => {
          done.push(context.run.attempt)
          step.write(tell(context, 'a'))
        })
        await step.catch(async (error) => {
          await stuck.opened
          throw error
        })
      }
      const runs = await node({ db: lost.db })
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(() => lost.count()).toBe(1)
      await lost.late()
      stuck.open()
      await passing(async () => (await runs.get(id))?.status, 'done')
      expect(done).toEqual([1])
      expect(await state(id)).toEqual({ told: ['a'], ended: 'done' })
    })

    it('[RUN19] a plain commit of unknown outcome ends its attempt, whatever the code makes of it', async () => {
      const lost = lossy(await world.connect(), 'WHERE id = ? AND attempt = ?', 'not done')
      const aborted: boolean[] = []
      const later: unknown[] = []
      world.work = async (context) => {
        await context.commit(tell(context, `${context.run.attempt}`)).catch(() => {})
        // While it works: one that has ended may be told so by the look at its lease.
        aborted.push(context.signal.aborted)
        if (context.run.attempt === 1) later.push(await context.commit().catch((error) => error.code))
      }
      const runs = await node({ db: lost.db })
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      // Before time passes: a lease that is renewed on the way would be what is lost.
      await expect.poll(() => lost.count()).toBe(1)
      await passing(async () => (await runs.get(id))?.status, 'done')
      expect(aborted).toEqual([true, false])
      expect(later).toEqual(['OUTCOME_UNKNOWN'])
      expect(await state(id)).toEqual({ told: ['2'], ended: 'done' })
    })

    for (const fate of ['done', 'not done', 'done late'] as const) {
      it(`[RUN19] a run whose end is ${fate}, though no answer came, ends once`, async () => {
        const lost = lossy(await world.connect(), 'ended_at =', fate)
        const runs = await node({ db: lost.db })
        await runs.open()
        const { id } = await runs.start(definition, { n: 1 })
        await expect.poll(() => lost.count()).toBe(1)
        await passing(async () => (await runs.get(id))?.status, 'done')
        if (fate === 'done late') await expect(lost.late()).rejects.toThrow(withCode('FENCED'))
        expect(world.errors).toHaveLength(fate === 'done' ? 0 : 1)
        expect((await world.log.read((await runs.get(id))?.stream ?? '', null)).events).toHaveLength(1)
        expect(await crashes()).toBe(0)
      })
    }

    it('[RUN19] a claim that was made, though no answer came, is taken up by its node', async () => {
      const lost = lossy(await world.connect(), "SET status = 'working'", 'done')
      const runs = await node({ db: lost.db })
      const { id } = await runs.start(definition, { n: 1 })
      await runs.open()
      await expect.poll(() => lost.count()).toBe(1)
      await passing(async () => (await runs.get(id))?.status, 'done')
      expect(await runs.get(id)).toMatchObject({ attempt: 1 })
      expect(await crashes()).toBe(0)
    })

    it('[RUN19] a claim that takes effect when nobody waits for it any more is taken up too', async () => {
      const stuck = gate()
      world.work = async ({ input }) => (input.n === 1 ? stuck.opened : 'ok')
      const runs = await node({ worker: 'slow', concurrency: 1 })
      await runs.open()
      const busy = await runs.start(definition, { n: 1 })
      await expect.poll(async () => (await runs.get(busy.id))?.status).toBe('working')
      const { id } = await runs.start(definition, { n: 2 })
      const late =
        "UPDATE runs SET status = 'working', attempt = 1, worker = 'slow', lease_until = due_at + 30000 WHERE id = ?"
      await world.db.commit([write(statement(late, [id]))])
      await passing(async () => (await runs.get(id))?.status, 'done')
      expect(await runs.get(id)).toMatchObject({ attempt: 1 })
      expect(await crashes()).toBe(0)
      stuck.open()
    })

    it('[RUN19] a claim that was never answered is given back at the end of its node', async () => {
      const lost = lossy(await world.connect(), "SET status = 'working'", 'done')
      const runs = await node({ db: lost.db })
      const { id } = await runs.start(definition, { n: 1 })
      await runs.open()
      await expect.poll(() => world.errors).toEqual([withCode('OUTCOME_UNKNOWN')])
      await runs.close()
      expect((await world.engine().get(id))?.status).toBe('queued')
      expect(await crashes()).toBe(0)
    })

    it('[RUN19] start finds out whether the run was queued, or says that it is not known', async () => {
      const one = await node({ db: lossy(await world.connect(), 'INSERT INTO runs', 'done').db })
      const run = await one.start(definition, { n: 1 })
      expect(await one.get(run.id)).toEqual(run)
      const other = await node({ db: lossy(await world.connect(), 'INSERT INTO runs', 'not done').db })
      await expect(other.start(definition, { n: 1 }, { id: 'x' })).rejects.toThrow(withCode('OUTCOME_UNKNOWN'))
      await other.start(definition, { n: 1 }, { id: 'x' })
    })

    /** A run whose first attempt works on one node until `stuck` opens, and a second node beside it. */
    const workingBesideAnother = async (first: Database, second: Database) => {
      const stuck = gate()
      let attempts = 0
      world.work = async () => {
        attempts += 1
        if (attempts === 1) await stuck.opened
      }
      const worker = await node({ db: first })
      const other = await node({ db: second })
      await worker.open()
      const { id } = await worker.start(definition, { n: 1 })
      await expect.poll(() => attempts).toBe(1)
      await other.open()
      /** Nobody took it over, or said that its node had died. */
      const isUntouched = async () => {
        expect(attempts).toBe(1)
        expect(await worker.get(id)).toMatchObject({ attempt: 1 })
        expect(await crashes()).toBe(0)
      }
      return { worker, other, stuck, id, isUntouched }
    }
    const pass = async (seconds: number) => {
      const end = world.clock.now() + seconds * 1_000
      await passing(() => hasPassed(end), true, 500)
    }

    it('[RUN20] while the store is away longer than a lease, who lives keeps its runs and nobody takes them', async () => {
      const [first, second] = [faraway(await world.connect()), faraway(await world.connect())]
      const { worker, stuck, id, isUntouched } = await workingBesideAnother(first.db, second.db)
      await pass(25)
      first.away(true)
      second.away(true)
      await pass(60)
      // It is the other that sees the store first.
      second.away(false)
      await pass(3)
      first.away(false)
      await pass(60)
      stuck.open()
      expect(await ended(worker, id)).toBe('done')
      await isUntouched()
    })

    it('[RUN20] a store that is read and takes no writes for longer than a lease says nothing of those who live', async () => {
      const [first, second] = [
        readable(await world.connect(), world.clock),
        readable(await world.connect(), world.clock),
      ]
      const { worker, stuck, id, isUntouched } = await workingBesideAnother(first.db, second.db)
      await pass(25)
      first.readOnly()
      second.readOnly()
      // Until the lease has run out, and others have had the time they are given to renew theirs.
      await expect
        .poll(async () => {
          await pass(0.5)
          const [row] = await world.db.read<{ n: number }>(statement('SELECT lease_until AS n FROM runs'))
          return world.clock.now() - (row?.n ?? 0)
        })
        .toBeGreaterThan(12_000)
      // It is the other that may write first.
      await second.writable()
      await pass(2)
      await first.writable()
      await pass(60)
      stuck.open()
      expect(await ended(worker, id)).toBe('done')
      await isUntouched()
    })

    it('[RUN20] what died while the store was away goes on elsewhere within a lease after it is back', async () => {
      const [first, second] = [faraway(await world.connect()), faraway(await world.connect())]
      const { other, stuck, id } = await workingBesideAnother(first.db, second.db)
      first.away(true)
      second.away(true)
      await pass(60)
      const end = world.clock.now()
      second.away(false)
      await passing(async () => (await other.get(id))?.attempt, 2, 200)
      expect(world.clock.now() - end).toBeLessThan(30_000)
      expect(await ended(other, id)).toBe('done')
      first.away(false)
      stuck.open()
    })
  })
}

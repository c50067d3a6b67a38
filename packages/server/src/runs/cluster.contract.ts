import { HoldfastError } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { statement } from '../db/database.ts'
import {
  between,
  gate,
  isClaim,
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
    const { definition, node, connected, hanging, tell, state, ended, passing } = world

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
      await passing(async () => (await second.get(id))?.attempt, 2, 100)
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
      let stoppedAt = 0
      world.work = (context) => {
        context.signal.addEventListener('abort', () => {
          stoppedAt = world.clock.now()
        })
        return untilStopped(context)
      }
      const [worker, other] = [await node(), await node({ concurrency: 0 })]
      await worker.open()
      const { id } = await worker.start(definition, { n: 1 })
      await expect.poll(async () => (await worker.get(id))?.status).toBe('working')
      await other.cancel(id)
      const asked = world.clock.now()
      await passing(async () => (await worker.get(id))?.status, 'cancelled', 500)
      expect(stoppedAt - asked).toBeLessThanOrEqual(5_000)
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
        expect(words.splice(0)).toEqual([{ type: 'run_told', run: id }])
        if (isHeard) knowing.hear({ type: 'run_told', run: id })
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

    it('[RUN17] a cancel that comes while a claim is being answered stops what was claimed', async () => {
      world.work = untilStopped
      const db = await world.connect()
      const answer = gate()
      let isClaimed = false
      const slow = between(db, {
        async commit(writes) {
          const result = await db.commit(writes)
          if (isClaim(writes) && result[0]?.[0]?.length) {
            isClaimed = true
            await answer.opened
          }
          return result
        },
      })
      const runs = await node({ db: slow })
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(() => isClaimed).toBe(true)
      const cancelling = runs.cancel(id)
      await expect.poll(async () => (await runs.get(id))?.cancelRequestedAt).toBe(world.clock.now())
      answer.open()
      await cancelling
      expect(await ended(runs, id)).toBe('cancelled')
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

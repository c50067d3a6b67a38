import { HoldfastError } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { statement, write } from '../db/database.ts'
import { describeClaims } from './claims.contract.ts'
import { describeRunNodes } from './cluster.contract.ts'
import { between, gate, type OpenRunsStore, story, useRunWorld, withCode } from './fixtures/run-world.ts'
import { describeMoments } from './moments.contract.ts'
import { describePauses } from './pause.contract.ts'
import type { RunContext } from './run.ts'
import { describeSchedules } from './schedules.contract.ts'
import { describeSteering } from './steering.contract.ts'
import { describeRunTrouble } from './trouble.contract.ts'

/** For what only some stores promise. */
export { between, gate, type OpenRunsStore, untilStopped, useRunWorld } from './fixtures/run-world.ts'

/** What the engine promises, whatever database it stands on (SPEC.md, rules RUN). */
export function describeRuns(name: string, openStore: OpenRunsStore): void {
  describe(`Runs on ${name}`, () => {
    const world = useRunWorld(openStore)
    const { definition, engine, tell, state, ended } = world

    it('[X5a][RUN1] a run ends with its terminal event, its state and its seal in one commit', async () => {
      const runs = engine()
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      expect(await ended(runs, id)).toBe('done')
      expect(await state(id)).toEqual({ told: [], ended: 'done' })
      expect((await world.log.info(story.name({ id })))?.sealed).toBe(true)
    })

    it('[RUN1] a queued run has a stream to read from before it works', async () => {
      const runs = engine()
      const { stream } = await runs.start(definition, { n: 1 })
      expect((await world.log.read(stream, null)).upToDate).toBe(true)
    })

    it('[RUN2] an attempt that died is taken up after its last finished step, each step done once', async () => {
      const done: string[] = []
      const begun: string[] = []
      const stuck = gate()
      let dies = true
      world.work = async (context) => {
        for (const key of ['a', 'b', 'c']) {
          await context.step(key, async (step) => {
            begun.push(key)
            if (key === 'b' && dies) await stuck.opened
            done.push(key)
            step.write(tell(context, key))
          })
        }
      }
      const first = engine()
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => begun).toEqual(['a', 'b'])
      dies = false
      const second = engine()
      await second.open()
      expect(await ended(second, id)).toBe('done')
      expect(await state(id)).toEqual({ told: ['a', 'b', 'c'], ended: 'done' })
      // The first attempt wakes up late: its step runs out, but nothing of it is written.
      stuck.open()
      await first.close()
      expect(done).toEqual(['a', 'b', 'c', 'b'])
      expect((await state(id)).told).toEqual(['a', 'b', 'c'])
    })

    it('[RUN3] every write of a fenced attempt fails with FENCED and changes nothing', async () => {
      const stuck = gate()
      let late: RunContext<{ n: number }> | undefined
      world.work = async (context) => {
        if (context.run.attempt > 1) return
        late = context
        await stuck.opened
      }
      const first = engine()
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => late).toBeDefined()
      const second = engine()
      await second.open()
      await ended(second, id)
      if (!late) throw new Error('no attempt')
      await expect(late.commit(tell(late, 'late'))).rejects.toThrow(withCode('FENCED'))
      await expect(late.step('x', async () => 1)).rejects.toThrow()
      await expect(late.end({ status: 'done', result: 1 })).rejects.toThrow()
      expect(late.signal.aborted).toBe(true)
      stuck.open()
      expect(await state(id)).toEqual({ told: [], ended: 'done' })
    })

    it('[RUN9] a run that gets on between crashes is not given up', async () => {
      let attempts = 0
      world.work = async (context) => {
        attempts += 1
        await context.advance(tell(context, `${attempts}`))
        if (attempts > 8) return
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
      }
      const { id } = await engine().start(definition, { n: 1 })
      for (let crash = 1; crash <= 8; crash += 1) {
        await engine().open()
        await expect.poll(async () => (await state(id)).told.length).toBe(crash)
      }
      const last = engine()
      await last.open()
      expect(await ended(last, id)).toBe('done')
    })

    it('[RUN5] cancel ends a queued run at once and a working one as soon as its step lets go', async () => {
      world.work = ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      const runs = engine()
      await runs.open()
      const working = await runs.start(definition, { n: 1 }, { serialKey: 'p' })
      await expect.poll(async () => (await runs.get(working.id))?.status).toBe('working')
      const queued = await runs.start(definition, { n: 2 }, { serialKey: 'p' })
      await runs.cancel(queued.id)
      expect((await runs.get(queued.id))?.status).toBe('cancelled')
      expect((await state(queued.id)).ended).toBe('cancelled')
      await runs.cancel(working.id)
      expect(await ended(runs, working.id)).toBe('cancelled')
      await expect(runs.cancel(working.id)).rejects.toThrow(withCode('ALREADY_ENDED'))
      await expect(runs.cancel('nobody')).rejects.toThrow(withCode('NOT_FOUND'))
      expect(world.errors).toEqual([])
    })

    it('[RUN5] a cancel outlives the process that took it', async () => {
      const stuck = gate()
      let attempts = 0
      world.work = async () => {
        attempts += 1
        await stuck.opened
      }
      const first = engine()
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => attempts).toBe(1)
      await first.cancel(id)
      const second = engine()
      await second.open()
      expect(await ended(second, id)).toBe('cancelled')
      expect(attempts).toBe(1)
      stuck.open()
    })

    it('[RUN6] closing gives working runs back, and the next start goes on with them', async () => {
      let attempts = 0
      world.work = async ({ signal, step }) => {
        attempts += 1
        if (attempts > 1) return
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        await step('never', async () => 1)
      }
      const first = engine()
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => attempts).toBe(1)
      await first.close()
      expect((await first.get(id))?.status).toBe('queued')
      const second = engine()
      await second.open()
      expect(await ended(second, id)).toBe('done')
    })

    it('[RUN7] an error ends the run as failed, with its code where it is ours', async () => {
      world.work = async ({ input }) => {
        if (input.n === 1) throw new HoldfastError('SOURCE_UNREACHABLE', 'no answer')
        throw new TypeError('secret detail')
      }
      const runs = engine()
      await runs.open()
      const [ours, foreign] = [await runs.start(definition, { n: 1 }), await runs.start(definition, { n: 2 })]
      expect([await ended(runs, ours.id), await ended(runs, foreign.id)]).toEqual(['failed', 'failed'])
      const codes = await Promise.all(
        [ours, foreign].map(
          async ({ stream }) => JSON.parse((await world.log.read(stream, null)).events[0] ?? '').code,
        ),
      )
      expect(codes).toEqual(['SOURCE_UNREACHABLE', 'INTERNAL_ERROR'])
      expect(world.errors).toHaveLength(2)
    })

    it('[O13b][RUN7] failures of one cause stand together and those of another apart, also where people are told of none', async () => {
      world.work = async ({ input }) => {
        if (input.n < 3) throw new Error(`row ${input.n} of "people" is broken`)
        throw new Error('the printer is on fire')
      }
      const runs = engine()
      await runs.open()
      const started = await Promise.all([1, 2, 3].map((n) => runs.start(definition, { n })))
      for (const { id } of started) await ended(runs, id)
      const failed = await Promise.all(started.map(({ id }) => runs.get(id)))
      expect(new Set(failed.map((run) => run?.error?.message)).size).toBe(1)
      const [first, second, third] = failed.map((run) => run?.cause)
      expect(first).toBe(second)
      expect(third).not.toBe(first)
    })

    it('[RUN8] a retry reuses the finished steps of its line, but not those with another input or not kept', async () => {
      const done: string[] = []
      world.work = async (context) => {
        const step = (key: string, options = {}) =>
          context.step(key, async () => void done.push(`${context.run.id}:${key}`), options)
        await step('same', { input: null })
        await step('input', { input: context.input.n })
        await step('unkept', { keep: () => false })
        if (context.input.n < 3) throw new HoldfastError('INVALID_INPUT')
      }
      const runs = engine()
      await runs.open()
      const first = await runs.start(definition, { n: 1 })
      await ended(runs, first.id)
      const second = await runs.start(definition, { n: 2 }, { retryOf: (await runs.get(first.id)) ?? first })
      await ended(runs, second.id)
      const third = await runs.start(definition, { n: 3 }, { retryOf: (await runs.get(second.id)) ?? second })
      await ended(runs, third.id)
      expect(done.filter((text) => text.endsWith('same'))).toEqual(['r1:same'])
      expect(done.filter((text) => text.endsWith('input'))).toEqual(['r1:input', 'r2:input', 'r3:input'])
      expect(done.filter((text) => text.endsWith('unkept'))).toHaveLength(3)
      expect(await runs.get(third.id)).toMatchObject({ retryOf: second.id, rootId: first.id, status: 'done' })
    })

    it.each(['park', 'fail'] as const)(
      '[RUN9] a run that takes its process down again and again is not tried forever: %s',
      async (poison) => {
        let attempts = 0
        let isSound = false
        world.work = async ({ signal }) => {
          attempts += 1
          if (!isSound) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        }
        const poisonous = { ...definition, poison }
        const { id } = await engine({}, [poisonous]).start(poisonous, { n: 1 })
        for (let crash = 1; crash <= 5; crash += 1) {
          // Each engine takes back what the one before had in hand, as after a kill.
          await engine({}, [poisonous]).open()
          await expect.poll(() => attempts).toBe(crash)
        }
        const last = engine({}, [poisonous])
        await last.open()
        if (poison === 'fail') expect(await ended(last, id)).toBe('failed')
        else {
          await expect.poll(async () => (await last.get(id))?.status).toBe('waiting')
          expect(await last.store.waits(id)).toEqual([{ kind: 'parked', error: withCode('RUN_CRASHED') }])
        }
        expect(attempts).toBe(5)
        expect(world.errors).toContainEqual(withCode('RUN_CRASHED'))
        if (poison === 'fail') return
        // A person has it tried again.
        isSound = true
        await last.commands.resume(id, { id: 'c1', by: 'operator' })
        expect(await ended(last, id)).toBe('done')
      },
    )

    it('[RUN10] while the store takes no writes a run waits and then goes on', async () => {
      let full = false
      const flaky = between(world.db, {
        commit: (writes) => (full ? Promise.reject(new HoldfastError('STORAGE_FULL')) : world.db.commit(writes)),
      })
      const runs = engine({ db: flaky })
      let attempts = 0
      world.work = async (context) => {
        attempts += 1
        if (attempts === 1) full = true
        await context.step('write', async (step) => step.write(tell(context, 'once')))
      }
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(() => world.errors.length).toBe(2)
      full = false
      const passing = expect.poll(
        async () => {
          world.clock.advance(5_000)
          return (await runs.get(id))?.status
        },
        { interval: 5, timeout: 10_000 },
      )
      await passing.toBe('done')
      expect(await state(id)).toEqual({ told: ['once'], ended: 'done' })
    })

    it('[RUN12] a run and the writes it is started with are queued together or not at all', async () => {
      const runs = engine()
      const violated = write(statement('SELECT 1 AS one', [], { rows: 0, otherwise: 'CONFLICT' }))
      await expect(runs.start(definition, { n: 1 }, { id: 'x', writes: [violated] })).rejects.toThrow(
        withCode('CONFLICT'),
      )
      expect(await runs.get('x')).toBeNull()
      expect(await world.log.info(story.name({ id: 'x' }))).toBeNull()
    })
  })
  describeClaims(name, openStore)
  describeRunNodes(name, openStore)
  describeRunTrouble(name, openStore)
  describeSteering(name, openStore)
  describePauses(name, openStore)
  describeMoments(name, openStore)
  describeSchedules(name, openStore)
}

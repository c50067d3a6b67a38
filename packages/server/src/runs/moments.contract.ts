import { HoldfastError } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { type Write, write } from '../db/database.ts'
import { between, gate, type OpenRunsStore, story, untilStopped, useRunWorld, withCode } from './fixtures/run-world.ts'
import { storedRun } from './fixtures/stored-runs.ts'
import type { RunEngine } from './run-engine.ts'
import { sql } from './sql.ts'

/** What happens to a run at one moment: several waits of its code, and commands, words and free places that come as it waits. */
export function describeMoments(name: string, openStore: OpenRunsStore): void {
  describe(`Several things at once on ${name}`, () => {
    const world = useRunWorld(openStore)
    const { definition, ended } = world
    const given = (id: string) => ({ id, by: 'u1' })
    const status = (runs: RunEngine, id: string) => async () => (await runs.get(id))?.status
    const suspends = (writes: readonly Write[]) =>
      writes.some(({ statements }) => statements.some(({ sql }) => sql.includes("SET status = 'waiting'")))
    async function opened(options: Parameters<typeof world.engine>[0] = {}) {
      const runs = world.engine(options)
      await runs.open()
      return runs
    }

    it('[RUN50] code that waits for one thing in several places gives its worker free, and each place gets its own', async () => {
      world.work = async ({ waitFor, sleep }) => {
        const [first, second] = await Promise.all([
          waitFor<number>('number', { key: 'first' }),
          waitFor<number>('number', { key: 'second' }),
          sleep('nap', 60_000),
          sleep('nap', 60_000),
        ])
        return [first?.payload, second?.payload].sort()
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('waiting')
      await runs.commands.signal(id, 'number', 1, given('s1'))
      await runs.commands.signal(id, 'number', 2, given('s2'))
      await world.passing(status(runs, id), 'done')
      expect(await runs.outcome(id)).toEqual({ status: 'done', result: [1, 2] })
    })

    it('[RUN50] several steps of one run that wait for one provider give their worker free, and all are done', async () => {
      const stuck = gate()
      world.work = async ({ step, input }) => {
        if (input.n === 0) return step('first', () => stuck.opened, { provider: 'mail' })
        const keys = ['a', 'b', 'c']
        return Promise.all(keys.map((key) => step(key, async () => key, { provider: 'mail' })))
      }
      const runs = await opened()
      await runs.limits.set('provider', 'mail', { concurrency: 1 })
      await runs.start(definition, { n: 0 })
      await expect.poll(async () => (await world.db.read(sql`SELECT 1 FROM run_permits`)).length).toBe(1)
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('waiting')
      stuck.open()
      expect(await ended(runs, id)).toBe('done')
    })

    it('[RUN51] a wait that its code does not look at yet, and a listener that fails, take nothing down', async () => {
      world.work = async (context) => {
        context.onSignal('steer', () => {
          throw new Error('the listener is broken')
        })
        const answer = context.waitFor('answer')
        await context.step('long', () => untilStopped(context))
        return answer
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('working')
      await runs.commands.signal(id, 'steer', 'left', given('s'))
      await runs.cancel(id)
      expect(await ended(runs, id)).toBe('cancelled')
      // What nobody caught would be told by now, and fail this file.
      await new Promise(setImmediate)
    })

    it('[RUN52] a step whose key stands for another input in the same run is refused, and nothing is done twice', async () => {
      const sent: number[] = []
      world.work = async ({ step }) => {
        for (const to of [1, 2]) await step('send', async () => sent.push(to), { input: to, effect: 'unsafe' })
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      expect(await ended(runs, id)).toBe('failed')
      expect(sent).toEqual([1])
      expect((await runs.get(id))?.error?.message).toContain('"send"')
    })

    it('[RUN53] a cancel that comes while the run gives its worker free ends it at once', async () => {
      const waits = gate()
      const goOn = gate()
      const held = between(world.db, {
        async commit(writes) {
          if (!suspends(writes)) return world.db.commit(writes)
          waits.open()
          await goOn.opened
          return world.db.commit(writes)
        },
      })
      world.work = async ({ waitFor }) => waitFor('never')
      const first = await opened({ db: held, exclusive: false })
      const { id } = await first.start(definition, { n: 1 })
      await waits.opened
      // Given on another node, whose word is still on its way.
      const other = world.engine({ exclusive: false })
      await other.cancel(id)
      goOn.open()
      expect(await ended(first, id)).toBe('cancelled')
    })

    it('[RUN54] what a person decides of a step goes on at once, also beside a step that works', async () => {
      const stuck = gate()
      const done: string[] = []
      world.work = async ({ step }) => {
        const send = step(
          'send',
          async () => {
            done.push('sent')
            if (done.length === 1) throw new Error('cut off')
          },
          { effect: 'unsafe' },
        )
        await Promise.all([send, step('long', () => stuck.opened)])
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      const asked = async () => (await world.db.read(sql`SELECT 1 FROM run_steps WHERE status = 'unknown'`)).length
      await expect.poll(asked).toBe(1)
      await runs.commands.decide(id, 'send', { kind: 'repeat' }, given('d'))
      await expect.poll(() => done).toEqual(['sent', 'sent'])
      stuck.open()
      expect(await ended(runs, id)).toBe('done')
    })

    it('[RUN54] a run that a decision ends lets go of the step it is in at once', async () => {
      const aborted: unknown[] = []
      world.work = async (context) => {
        const send = context.step('send', () => Promise.reject(new Error('cut off')), { effect: 'unsafe' })
        const long = context.step('long', () => untilStopped(context).catch((error) => aborted.push(error)))
        await Promise.all([send, long])
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      const asked = async () => (await world.db.read(sql`SELECT 1 FROM run_steps WHERE status = 'unknown'`)).length
      await expect.poll(asked).toBe(1)
      await runs.commands.decide(id, 'send', { kind: 'fail' }, given('d'))
      expect(await ended(runs, id)).toBe('failed')
      await expect.poll(() => aborted).toHaveLength(1)
    })

    it('[RUN54] a place that is free at a provider is taken at once, also by a run with a step that works', async () => {
      const [stuck, long] = [gate(), gate()]
      const done: string[] = []
      world.work = async ({ step, input }) => {
        if (input.n === 0) return step('first', () => stuck.opened, { provider: 'mail' })
        const second = step('second', async () => done.push('second'), { provider: 'mail' })
        return Promise.all([second, step('long', () => long.opened)])
      }
      const runs = await opened()
      await runs.limits.set('provider', 'mail', { concurrency: 1 })
      await runs.start(definition, { n: 0 })
      await expect.poll(async () => (await world.db.read(sql`SELECT 1 FROM run_permits`)).length).toBe(1)
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('working')
      stuck.open()
      await expect.poll(() => done).toEqual(['second'])
      long.open()
      expect(await ended(runs, id)).toBe('done')
    })

    it('[RUN55] an id that was another command, or another run, is refused, and a retry at once is one retry', async () => {
      world.work = async ({ input, waitFor }) => {
        if (input.n === 0) throw new Error('broken')
        await waitFor('go')
      }
      const runs = await opened()
      const waiting = await runs.start(definition, { n: 1 })
      const failed = await runs.start(definition, { n: 0 })
      await ended(runs, failed.id)
      await expect.poll(status(runs, waiting.id)).toBe('waiting')
      await runs.commands.signal(waiting.id, 'other', 1, given('used'))
      await expect(runs.commands.pause(waiting.id, given('used'))).rejects.toEqual(withCode('CONFLICT'))
      await expect(runs.commands.retry(failed.id, { from: 'start' }, given('used'))).rejects.toEqual(
        withCode('CONFLICT'),
      )
      const again = () => runs.commands.retry(failed.id, { from: 'start' }, given('again'))
      const [one, two] = await Promise.all([again(), again()])
      expect(one?.id).toBe(two?.id)
      await expect(runs.commands.pause(failed.id, given('again'))).rejects.toEqual(withCode('CONFLICT'))
    })

    it('[RUN53] a cancel that comes while a failed run is about to wait for its next try ends it at once', async () => {
      let cancels = () => Promise.resolve()
      const held = between(world.db, {
        async commit(writes) {
          if (!suspends(writes)) return world.db.commit(writes)
          await cancels()
          throw new HoldfastError('CONFLICT')
        },
      })
      world.work = async () => {
        throw new HoldfastError('SOURCE_UNREACHABLE')
      }
      const runs = world.engine({ db: held }, [{ ...definition, retry: { attempts: 3, minMs: 60_000 } }])
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 }, { id: 'r' })
      cancels = () => runs.cancel('r')
      expect(await ended(runs, id)).toBe('cancelled')
    })

    it('[RUN36][RUN37] a limit that is set and paused at the same moment is both', async () => {
      const runs = await opened()
      await Promise.all([
        runs.limits.set('queue', 'story', { concurrency: 3 }),
        runs.limits.set('queue', 'story', { paused: true }),
      ])
      expect(await runs.limits.get('queue', 'story')).toEqual({ paused: true, concurrency: 3 })
      expect(await runs.limits.set('queue', 'story', { concurrency: null })).toEqual({
        paused: true,
        concurrency: null,
      })
    })

    it('[RUN56] a failure of many words is told in few, and a step whose key no store takes is not begun', async () => {
      const begun: string[] = []
      world.work = async ({ step, input }) => {
        if (input.n === 0) throw new HoldfastError('INVALID_INPUT', 'x'.repeat(1_000_000))
        const key = input.n === 1 ? 'ä'.repeat(1_001) : 'a\0b'
        await step(key, async () => begun.push(key))
      }
      const runs = await opened()
      for (const n of [0, 1, 2]) {
        const { id } = await runs.start(definition, { n })
        expect(await ended(runs, id)).toBe('failed')
        const { code, message = '' } = (await runs.get(id))?.error ?? {}
        expect(code).toBe('INVALID_INPUT')
        expect(message.length).toBeLessThanOrEqual(2_000)
      }
      expect(begun).toEqual([])
    })

    it('[RUN57] work that says more than the store takes keeps a bounded part of it, and tells how much it left out', async () => {
      const goOn = gate()
      let commits = 0
      let isStuck = false
      const slow = between(world.db, {
        async commit(writes) {
          if (isStuck) commits += 1
          if (isStuck) await goOn.opened
          return world.db.commit(writes)
        },
      })
      world.work = async ({ log, step }) => {
        isStuck = true
        for (let line = 0; line < 5_000; line += 1) log('info', `line ${line}`)
        await new Promise(setImmediate)
        await step('after', async () => 1)
      }
      const runs = await opened({ db: slow })
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(() => isStuck).toBe(true)
      goOn.open()
      expect(await ended(runs, id)).toBe('done')
      expect(commits).toBeLessThan(10)
      const { events } = await world.log.read(`runs/${id}`, null, { maxEvents: 10_000, maxLength: 10_000_000 })
      const lines = events
        .map((text) => JSON.parse(text))
        .flatMap((event) => (event.type === 'log' ? [event.message] : []))
      expect(lines.length).toBeLessThan(2_000)
      expect(lines.at(-1)).toMatch(/^\d+ lines were left out/)
    })

    it('[RUN5] cancels of kinds that no node here knows do not stand before those of others', async () => {
      const cancelled = { status: 'waiting', cancel_requested_at: 1 }
      const unknown = Array.from({ length: 120 }, (_, n) => storedRun({ id: `a${n}`, name: 'gone', ...cancelled }))
      const known = { ...cancelled, cancel_requested_at: 2, stream: story.name({ id: 'known' }) }
      await world.db.commit([write(...unknown, storedRun({ id: 'known', ...known })), world.log.create(known.stream)])
      const runs = await opened()
      expect((await runs.get('known'))?.status).toBe('cancelled')
    })

    it('[RUN58] who waits at a provider is not woken for a place that the next step of another run has taken', async () => {
      const stuck = gate()
      const turns = async (count: number) => {
        for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
      }
      world.work = async ({ step, input }) => {
        await step('first', () => (input.n === 1 ? stuck.opened : turns(1)), { provider: 'mail' })
        for (let n = 0; n < 40 * input.n; n += 1) await step(`${n}`, () => turns(50), { provider: 'mail' })
      }
      const runs = await opened()
      await runs.limits.set('provider', 'mail', { concurrency: 1 })
      const long = await runs.start(definition, { n: 1 })
      await expect.poll(async () => (await world.db.read(sql`SELECT 1 FROM run_permits`)).length).toBe(1)
      const { id } = await runs.start(definition, { n: 0 })
      await expect.poll(status(runs, id)).toBe('waiting')
      stuck.open()
      expect(await ended(runs, long.id)).toBe('done')
      expect(await ended(runs, id)).toBe('done')
      expect((await runs.get(id))?.attempt).toBeLessThan(6)
    })

    it('[RUN32][RUN40] a run that was paused and lost, of a version nobody knows, stays paused', async () => {
      await world.db.commit([write(storedRun({ id: 'r', version: 9, paused_at: 5 }))])
      const runs = await opened()
      expect(await runs.get('r')).toMatchObject({ status: 'waiting', pausedAt: expect.any(Number) })
      expect(await runs.store.waits('r')).toEqual([{ kind: 'paused' }])
      await runs.commands.resume('r', given('go on'))
      expect(await runs.get('r')).toMatchObject({ status: 'queued', pausedAt: null })
    })
  })
}

import { defineStream, HoldfastError } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Database } from '../db/database.ts'
import { statement, write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import { defineRun, type RunContext } from './run.ts'
import { RunEngine, type RunEngineOptions } from './run-engine.ts'
import { runMigrations } from './run-migrations.ts'

const story = defineStream('stories/:id', {
  version: 1,
  events: { told: z.object({ what: z.string() }), ended: z.object({ status: z.string(), code: z.string() }) },
  initial: { told: [] as string[], ended: null as string | null },
  fold: (state, event) =>
    event.type === 'told' ? { ...state, told: [...state.told, event.what] } : { ...state, ended: event.status },
  terminal: ['ended'],
})

function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const withCode = (code: string) => expect.objectContaining({ code })

/** What the engine promises, whatever database it stands on (SPEC.md, rules RUN). */
export function describeRuns(name: string, openDatabase: () => Promise<Database>): void {
  describe(`Runs on ${name}`, () => {
    let db: Database
    let log: SqlStreamLog
    let clock: ManualClock
    let engines: RunEngine[]
    let errors: unknown[]
    let ids: number
    let work: (context: RunContext<{ n: number }>) => Promise<unknown>

    const definition = defineRun<{ n: number }>({
      name: 'story',
      version: 1,
      input: z.object({ n: z.number() }),
      stream: (_, id) => story.name({ id }),
      run: (context) => work(context),
      ended: async (run, outcome) => {
        const code = outcome.status === 'failed' ? outcome.error.code : ''
        return [log.appendEvents(story, { id: run.id }, [{ type: 'ended', status: outcome.status, code }])]
      },
    })

    beforeEach(async () => {
      db = await openDatabase()
      await migrateUp(db, [...logMigrations, ...runMigrations], 0)
      clock = new ManualClock()
      log = new SqlStreamLog(db, clock)
      engines = []
      errors = []
      ids = 0
      work = async () => 'ok'
    })
    afterEach(async () => {
      await Promise.all(engines.map((engine) => engine.close()))
      await db.close()
    })

    function engine(options: Partial<RunEngineOptions> = {}): RunEngine {
      const made = new RunEngine({
        db,
        clock,
        createStream: (stream) => log.create(stream),
        worker: `w${engines.length}`,
        newId: () => `r${++ids}`,
        exclusive: true,
        onError: (error) => errors.push(error),
        ...options,
      })
      made.register(definition)
      engines.push(made)
      return made
    }

    const tell = (context: RunContext<{ n: number }>, what: string) =>
      log.appendEvents(story, { id: context.run.id }, [{ type: 'told', what }])
    const state = async (id: string) => (await log.state(story, story.name({ id }))).state
    const ended = async (owner: RunEngine, id: string) => {
      await expect.poll(async () => (await owner.get(id))?.endedAt, { interval: 2, timeout: 10_000 }).not.toBeNull()
      return (await owner.get(id))?.status
    }

    it('[X5a][RUN1] a run ends with its terminal event, its state and its seal in one commit', async () => {
      const runs = engine()
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      expect(await ended(runs, id)).toBe('done')
      expect(await state(id)).toEqual({ told: [], ended: 'done' })
      expect((await log.info(story.name({ id })))?.sealed).toBe(true)
    })

    it('[RUN1] a queued run has a stream to read from before it works', async () => {
      const runs = engine()
      const { stream } = await runs.start(definition, { n: 1 })
      expect((await log.read(stream, null)).upToDate).toBe(true)
    })

    it('[RUN2] an attempt that died is taken up after its last finished step, each step done once', async () => {
      const done: string[] = []
      const stuck = gate()
      let dies = true
      work = async (context) => {
        for (const key of ['a', 'b', 'c']) {
          await context.step(key, async (step) => {
            if (key === 'b' && dies) await stuck.opened
            done.push(key)
            step.write(tell(context, key))
          })
        }
      }
      const first = engine()
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => done).toEqual(['a'])
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
      work = async (context) => {
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

    it('[RUN4] runs of one serial key work one after the other, in order, others beside them', async () => {
      const events: string[] = []
      const stuck = gate()
      work = async ({ run, input }) => {
        events.push(`+${run.id}`)
        if (input.n === 1) await stuck.opened
        events.push(`-${run.id}`)
      }
      const runs = engine()
      await runs.open()
      const first = await runs.start(definition, { n: 1 }, { serialKey: 'p' })
      clock.advance(1)
      const second = await runs.start(definition, { n: 2 }, { serialKey: 'p' })
      clock.advance(1)
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
      work = async ({ input }) => {
        order.push(input.n)
        if (isFull) throw new HoldfastError('STORAGE_FULL')
      }
      const runs = engine()
      await runs.open()
      const first = await runs.start(definition, { n: 1 }, { serialKey: 'k' })
      const isBack = async () => errors.length > 0 && (await runs.get(first.id))?.status
      await expect.poll(isBack, { interval: 5, timeout: 10_000 }).toBe('queued')
      clock.advance(1)
      const second = await runs.start(definition, { n: 2 }, { serialKey: 'k' })
      const other = await runs.start(definition, { n: 3 }, { serialKey: 'another' })
      await expect.poll(() => order, { interval: 5, timeout: 10_000 }).toEqual([1, 3])
      isFull = false
      const passing = expect.poll(
        async () => {
          clock.advance(1_000)
          return Promise.all([first, second, other].map(async ({ id }) => (await runs.get(id))?.status))
        },
        { interval: 5, timeout: 10_000 },
      )
      await passing.toEqual(['done', 'done', 'done'])
      expect(order.filter((n) => n !== 3)).toEqual([1, 1, 2])
    })

    it('[RUN4] a wake-up that comes while a look for due runs is ending is not lost', async () => {
      let afterLook: (() => void) | null = null
      const watched: Database = {
        dialect: db.dialect,
        commit: (writes) => db.commit(writes),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        read: async (asked) => {
          const rows = await db.read(asked)
          if (asked.sql.includes('AS due')) {
            afterLook?.()
            afterLook = null
          }
          return rows as never
        },
      }
      const runs = engine({ db: watched })
      const maker = engine()
      await runs.open()
      for (let turns = 0; turns < 12; turns += 1) {
        const id = `late${turns}`
        await new Promise<void>((resolve) => {
          afterLook = () => {
            // Queued by somebody else after the look, and told of a few turns of the microtask queue later.
            void maker.start(definition, { n: 1 }, { id }).then(async () => {
              for (let turn = 0; turn < turns; turn += 1) await undefined
              runs.wake()
              resolve()
            })
          }
          runs.wake()
        })
        expect(await ended(runs, id)).toBe('done')
      }
    })

    it('[RUN9] a run that gets on between crashes is not given up', async () => {
      let attempts = 0
      work = async (context) => {
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
      work = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
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
      expect(errors).toEqual([])
    })

    it('[RUN5] a cancel outlives the process that took it', async () => {
      const stuck = gate()
      let attempts = 0
      work = async () => {
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
      work = async ({ signal, step }) => {
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
      work = async ({ input }) => {
        if (input.n === 1) throw new HoldfastError('SOURCE_UNREACHABLE', 'no answer')
        throw new TypeError('secret detail')
      }
      const runs = engine()
      await runs.open()
      const [ours, foreign] = [await runs.start(definition, { n: 1 }), await runs.start(definition, { n: 2 })]
      expect([await ended(runs, ours.id), await ended(runs, foreign.id)]).toEqual(['failed', 'failed'])
      const codes = await Promise.all(
        [ours, foreign].map(async ({ stream }) => JSON.parse((await log.read(stream, null)).events[0] ?? '').code),
      )
      expect(codes).toEqual(['SOURCE_UNREACHABLE', 'INTERNAL_ERROR'])
      expect(errors).toHaveLength(2)
    })

    it('[RUN8] a retry reuses the finished steps of its line, but not those with another input or not kept', async () => {
      const done: string[] = []
      work = async (context) => {
        const step = (key: string, options = {}) =>
          context.step(key, async () => void done.push(`${context.run.id}:${key}`), options)
        await step('same')
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

    it('[RUN9] a run that takes its process down again and again is not tried forever', async () => {
      let attempts = 0
      work = async ({ signal }) => {
        attempts += 1
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      }
      const { id } = await engine().start(definition, { n: 1 })
      for (let crash = 1; crash <= 5; crash += 1) {
        // Each engine takes back what the one before had in hand, as after a kill.
        await engine().open()
        await expect.poll(() => attempts).toBe(crash)
      }
      const last = engine()
      await last.open()
      expect(await ended(last, id)).toBe('failed')
      expect(attempts).toBe(5)
      expect(errors).toContainEqual(withCode('RUN_CRASHED'))
    })

    it('[RUN10] while the store takes no writes a run waits and then goes on', async () => {
      let full = false
      const flaky: Database = {
        ...db,
        dialect: db.dialect,
        read: (asked) => db.read(asked),
        onCommitted: (listener) => db.onCommitted(listener),
        close: () => db.close(),
        commit: (writes) => (full ? Promise.reject(new HoldfastError('STORAGE_FULL')) : db.commit(writes)),
      }
      const runs = engine({ db: flaky })
      let attempts = 0
      work = async (context) => {
        attempts += 1
        if (attempts === 1) full = true
        await context.step('write', async (step) => step.write(tell(context, 'once')))
      }
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(() => errors.length).toBe(2)
      full = false
      const passing = expect.poll(
        async () => {
          clock.advance(5_000)
          return (await runs.get(id))?.status
        },
        { interval: 5, timeout: 10_000 },
      )
      await passing.toBe('done')
      expect(await state(id)).toEqual({ told: ['once'], ended: 'done' })
    })

    it('[RUN11] a run whose lease ran out goes on with another worker, not before', async () => {
      const stuck = gate()
      let attempts = 0
      work = async () => {
        attempts += 1
        if (attempts === 1) await stuck.opened
      }
      const first = engine({ exclusive: false, leaseMs: 30_000 })
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(() => attempts).toBe(1)
      const frozen = clock
      clock = new ManualClock(frozen.now() + 20_000)
      const second = engine({ exclusive: false, leaseMs: 30_000 })
      await second.open()
      expect((await second.get(id))?.attempt).toBe(1)
      const passing = expect.poll(
        async () => {
          clock.advance(5_000)
          return (await second.get(id))?.status
        },
        { interval: 5, timeout: 10_000 },
      )
      await passing.toBe('done').finally(() => stuck.open())
      expect((await second.get(id))?.attempt).toBe(2)
    })

    it('[RUN12] a run and the writes it is started with are queued together or not at all', async () => {
      const runs = engine()
      const violated = write(statement('SELECT 1 AS one', [], { rows: 0, otherwise: 'CONFLICT' }))
      await expect(runs.start(definition, { n: 1 }, { id: 'x', writes: [violated] })).rejects.toThrow(
        withCode('CONFLICT'),
      )
      expect(await runs.get('x')).toBeNull()
      expect(await log.info(story.name({ id: 'x' }))).toBeNull()
    })
  })
}

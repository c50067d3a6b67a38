import { HoldfastError } from '@holdfast/protocol'
import { type RunEvent, runStream } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { statement } from '../db/database.ts'
import { gate, type Input, type OpenRunsStore, untilStopped, useRunWorld, withCode } from './fixtures/run-world.ts'
import { notDone } from './retry-policy.ts'
import type { Run, RunContext, RunDefinition } from './run.ts'

/** How runs are steered, wait and are tried again (SPEC.md, rules RUN). */
export function describeSteering(name: string, openStore: OpenRunsStore): void {
  const world = useRunWorld(openStore)
  const { definition, engine, ended, passing } = world
  const given = (id: string) => ({ id, by: 'operator' })
  // Of no app that tells of it.
  const { stream: _, ended: __, ...quiet } = definition

  /** What a run's own stream tells, in order, without the times. */
  async function story(id: string): Promise<RunEvent[]> {
    const { events } = await world.log.read(runStream.name({ id }), null)
    return events.map((text) => JSON.parse(text))
  }
  const types = async (id: string) => (await story(id)).map(({ type }) => type)
  const status = (runs: { get(id: string): Promise<Run | null> }, id: string) => async () =>
    (await runs.get(id))?.status
  async function opened(...definitions: RunDefinition<Input>[]) {
    const runs = engine({}, definitions.length > 0 ? definitions : [definition])
    await runs.open()
    return runs
  }

  describe(`The story of a run on ${name}`, () => {
    it('[X3b][X4a][RUN21] every transition is told in order in its own stream, which its end seals', async () => {
      world.work = async ({ step }) => {
        await step('a', async () => 1)
        await step('b', async () => 2)
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await ended(runs, id)
      expect(await types(id)).toEqual(['queued', 'working', 'step_done', 'step_done', 'done'])
      expect((await world.log.info(runStream.name({ id })))?.sealed).toBe(true)
      const { state } = await world.log.state(runStream, runStream.name({ id }))
      expect(state).toMatchObject({ status: 'done', attempt: 1, name: 'story', steps: { done: 2, running: [] } })
    })

    it('[X5d][RUN22] its end and one row of the outbox are one commit, by the place of the terminal event', async () => {
      const runs = await opened()
      const { id, stream } = await runs.start(definition, { n: 1 })
      await ended(runs, id)
      const rows = await world.db.read(statement('SELECT stream, sequence FROM outbox'))
      expect(rows).toEqual([{ stream, sequence: Number((await world.log.info(stream))?.tail.slice(17)) }])
    })

    it('[RUN23] a log line and progress of the work are told, progress at most twice a second and never falling', async () => {
      const go = gate()
      world.work = async (context) => {
        context.log('info', 'reading')
        context.progress({ done: 5, total: 10, unit: 'files' })
        context.progress({ done: 6, total: 10 })
        await go.opened
        context.progress({ done: 6, total: 20 })
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await passing(async () => (await runs.get(id))?.progress?.percent, 60, 300)
      go.open()
      await ended(runs, id)
      const told = (await story(id)).flatMap((event) => (event.type === 'progress' ? [event.progress.percent] : []))
      expect(told.at(-1)).toBe(60)
      expect([...told].sort((a, b) => a - b)).toEqual(told)
      expect((await story(id)).some((event) => event.type === 'log' && event.message === 'reading')).toBe(true)
    })
  })

  describe(`Steps that fail on ${name}`, () => {
    it('[RUN24] a step is tried again after growing waits, the finished ones not, and its tries are told', async () => {
      const tries: string[] = []
      world.work = async ({ step }) => {
        await step('first', async () => void tries.push('first'))
        await step('second', async (step) => {
          tries.push(`second ${step.try}`)
          if (step.try < 3) throw new HoldfastError('SOURCE_UNREACHABLE', 'no answer')
        })
      }
      const runs = await opened({ ...definition, stepRetry: { attempts: 3, minMs: 10_000, maxMs: 60_000 } })
      const { id } = await runs.start(definition, { n: 1 })
      await passing(status(runs, id), 'done')
      expect(tries).toEqual(['first', 'second 1', 'second 2', 'second 3'])
      const failed = (await story(id)).flatMap((event) => (event.type === 'step_failed' ? [event] : []))
      expect(failed.map((event) => [event.key, event.try, event.error.code])).toEqual([
        ['second', 1, 'SOURCE_UNREACHABLE'],
        ['second', 2, 'SOURCE_UNREACHABLE'],
      ])
      // Between the tries its worker was free.
      expect(await types(id)).toContain('waiting')
    })

    it('[RUN24] Retry-After is kept, the cap of tries ends the run, an error that cannot pass is not tried again', async () => {
      let tries = 0
      world.work = async ({ step, input }) => {
        await step('ask', async () => {
          tries += 1
          if (input.n === 1) throw new HoldfastError('TOO_MANY_REQUESTS', 'slow down', { retryAfter: 120 })
          throw new HoldfastError('FORBIDDEN', 'never')
        })
      }
      const runs = await opened({ ...definition, stepRetry: { attempts: 2, minMs: 10 } })
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('waiting')
      const [wait] = await runs.store.waits(id)
      expect(Date.parse(wait?.kind === 'retry' ? wait.until : '') - world.clock.now()).toBeGreaterThan(119_000)
      await passing(status(runs, id), 'failed', 30_000)
      expect(tries).toBe(2)
      const other = await runs.start(definition, { n: 2 })
      expect(await ended(runs, other.id)).toBe('failed')
      expect(tries).toBe(3)
      expect((await runs.get(other.id))?.error?.code).toBe('FORBIDDEN')
    })

    it('[RUN25] a whole run is tried again by its policy, inside its open stream, and its attempts are counted', async () => {
      let attempts = 0
      world.work = async () => {
        attempts += 1
        if (attempts < 3) throw new HoldfastError('SOURCE_UNREACHABLE')
      }
      const runs = await opened({ ...definition, retry: { attempts: 3, minMs: 5_000 } })
      const { id } = await runs.start(definition, { n: 1 })
      await passing(status(runs, id), 'done')
      expect(await runs.get(id)).toMatchObject({ attempt: 3, failures: 2 })
      expect((await types(id)).filter((type) => type === 'failed' || type === 'done')).toEqual(['done'])
    })

    it('[RUN26] a step that takes too long is aborted and has failed with TIMEOUT', async () => {
      const aborted: unknown[] = []
      world.work = async ({ step }) => {
        await step(
          'slow',
          ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                aborted.push(signal.reason)
                reject(signal.reason)
              })
            }),
          { timeoutMs: 5_000, retry: { attempts: 1 } },
        )
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await passing(status(runs, id), 'failed')
      expect((await runs.get(id))?.error?.code).toBe('TIMEOUT')
      expect(aborted).toEqual([withCode('TIMEOUT')])
    })
  })

  describe(`Unsafe steps on ${name}`, () => {
    const unsafe = { effect: 'unsafe' } as const

    it.each([
      ['done', 'done', ['sent'], 'by hand'],
      ['repeat', 'done', ['sent', 'sent'], 'sent'],
      ['fail', 'failed', ['sent'], null],
    ] as const)(
      '[RUN27] after a crash nobody repeats it by itself: a person says "%s"',
      async (kind, end, effects, result) => {
        const done: string[] = []
        let dies = true
        world.work = async (context) =>
          context.step(
            'send',
            async () => {
              done.push('sent')
              if (dies) await untilStopped(context)
              return 'sent'
            },
            unsafe,
          )
        await (await opened()).start(definition, { n: 1 }, { id: 'r' })
        await expect.poll(() => done).toEqual(['sent'])
        dies = false
        const runs = await opened()
        await expect.poll(status(runs, 'r')).toBe('waiting')
        expect(await runs.store.waits('r')).toEqual([{ kind: 'decision', name: 'send' }])
        expect(done).toEqual(['sent'])
        await runs.commands.decide('r', 'send', kind === 'done' ? { kind, output: 'by hand' } : { kind }, given('d'))
        expect(await ended(runs, 'r')).toBe(end)
        expect(done).toEqual(effects)
        if (result !== null) expect(await runs.outcome('r')).toEqual({ status: 'done', result })
        const outcome = kind === 'fail' ? [] : kind === 'repeat' ? ['step_done'] : []
        expect((await types('r')).filter((type) => type === 'step_unknown' || type === 'step_done')).toEqual([
          'step_unknown',
          ...outcome,
        ])
      },
    )

    it('[RUN27] an error leaves open whether it was done, unless it is surely not; then it is tried again', async () => {
      let tries = 0
      world.work = async ({ step, input }) =>
        step(
          'send',
          async () => {
            tries += 1
            if (tries === 1) throw input.n === 1 ? notDone(new Error('refused')) : new Error('cut off')
          },
          { ...unsafe, retry: { attempts: 2, minMs: 0 } },
        )
      const runs = await opened()
      const first = await runs.start(definition, { n: 1 })
      await passing(status(runs, first.id), 'done', 10)
      tries = 0
      const second = await runs.start(definition, { n: 2 })
      await expect.poll(status(runs, second.id)).toBe('waiting')
      expect(tries).toBe(1)
      expect(await runs.store.waits(second.id)).toEqual([{ kind: 'decision', name: 'send' }])
    })

    it('[RUN27] one that was cut off by a cancel is asked about when the run is tried again', async () => {
      let tries = 0
      world.work = async ({ step }) =>
        step(
          'send',
          async ({ signal }) => {
            tries += 1
            if (tries === 1) await untilStopped({ signal } as RunContext<{ n: number }>)
          },
          unsafe,
        )
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(() => tries).toBe(1)
      await runs.cancel(id)
      expect(await ended(runs, id)).toBe('cancelled')
      const again = await runs.commands.retry(id, { from: 'failed' }, given('again'))
      await expect.poll(status(runs, again.id)).toBe('waiting')
      expect(tries).toBe(1)
      await runs.commands.decide(again.id, 'send', { kind: 'repeat' }, given('d'))
      expect(await ended(runs, again.id)).toBe('done')
      expect(tries).toBe(2)
    })
  })

  describe(`Waiting on ${name}`, () => {
    it('[RUN28] sleep outlives its process and takes the time that was fixed first', async () => {
      let comings = 0
      world.work = async ({ sleep, step }) => {
        comings += 1
        await sleep('nap', 60_000)
        await step('after', async () => 1)
      }
      const first = await opened()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(status(first, id)).toBe('waiting')
      await first.close()
      world.clock.advance(50_000)
      const second = await opened()
      expect(await status(second, id)()).toBe('waiting')
      await passing(status(second, id), 'done')
      // Begun anew at the second start it would be longer; a busy machine lets some more of this clock's time pass.
      expect(world.clock.now() - ((await second.get(id))?.createdAt ?? 0)).toBeLessThan(105_000)
      expect(comings).toBe(2)
    })

    it('[X6c][RUN29] waits for an approval that comes from anywhere, before or after it is asked for, and takes it once', async () => {
      const got: unknown[] = []
      world.work = async ({ waitFor }) => {
        got.push(await waitFor('approval', { question: 'Send it?' }))
        got.push(await waitFor('answer'))
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('waiting')
      expect(await runs.store.waits(id)).toEqual([{ kind: 'event', name: 'approval', question: 'Send it?' }])
      const elsewhere = await opened()
      await elsewhere.commands.signal(id, 'answer', 42, given('c1'))
      await elsewhere.commands.signal(id, 'approval', { approved: true }, given('c2'), 'approve')
      await elsewhere.commands.signal(id, 'approval', { approved: true }, given('c2'), 'approve')
      expect(await ended(runs, id)).toBe('done')
      expect(got.slice(-2)).toEqual([
        { payload: { approved: true }, by: 'operator' },
        { payload: 42, by: 'operator' },
      ])
      expect((await types(id)).filter((type) => type === 'commanded')).toHaveLength(2)
    })

    it('[RUN29] gives up when its time is over, and says so by null', async () => {
      let got: unknown = 'nothing yet'
      world.work = async ({ waitFor }) => {
        got = await waitFor('approval', { timeoutMs: 30_000 })
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await passing(status(runs, id), 'done', 5_000)
      expect(got).toBeNull()
    })

    it('[X6b][RUN30] a message reaches running work at once, is taken once, and waits for work that does not run', async () => {
      const messages: unknown[] = []
      const seen = gate()
      world.work = async ({ onSignal, received, signal, step }) => {
        const came = Promise.withResolvers<void>()
        onSignal('steer', () => came.resolve())
        signal.addEventListener('abort', () => came.reject(signal.reason))
        seen.open()
        await came.promise
        messages.push(...(await received('steer', 'first')).map(({ payload }) => payload))
        await step('rest', async () => 1)
        messages.push(...(await received('steer', 'second')).map(({ payload }) => payload))
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await seen.opened
      await runs.commands.signal(id, 'steer', 'shorter', given('c1'), 'steer')
      expect(await ended(runs, id)).toBe('done')
      expect(messages).toEqual(['shorter'])
    })

    it('[RUN31] a run starts others once, waits for their ends, and its cancel cancels them', async () => {
      const child = { ...definition, name: 'child' }
      const parent = { ...definition, name: 'parent' }
      const results: unknown[] = []
      const parentWork = async ({ start, ended: endOf }: RunContext<{ n: number }>) => {
        const ids = [await start('one', child, { n: 1 }), await start('two', child, { n: 2 })]
        for (const id of ids) results.push(await endOf(id))
      }
      const runs = await opened(
        { ...parent, run: (context) => parentWork(context) },
        { ...child, run: async ({ input }) => input.n },
      )
      const { id } = await runs.start(parent, { n: 0 })
      expect(await ended(runs, id)).toBe('done')
      expect(results.slice(-2)).toEqual([
        { status: 'done', result: 1 },
        { status: 'done', result: 2 },
      ])
      const { state } = await world.log.state(runStream, runStream.name({ id }))
      expect(state.children).toEqual({ total: 2, done: 2, failed: 0, cancelled: 0 })
      const [count] = await world.db.read(statement("SELECT COUNT(*) AS count FROM runs WHERE name = 'child'"))
      expect(count?.count).toBe(2)
    })

    it('[RUN31] cancelling a run cancels what it started', async () => {
      const child = { ...definition, name: 'child', run: untilStopped }
      let childId = ''
      const parent = {
        ...definition,
        name: 'parent',
        run: async ({ start, ended: endOf }: RunContext<{ n: number }>) => {
          childId = await start('one', child, { n: 1 })
          return endOf(childId)
        },
      }
      const runs = await opened(parent, child)
      const { id } = await runs.start(parent, { n: 0 })
      await expect.poll(async () => childId !== '' && (await runs.get(childId))?.status).toBe('working')
      await expect.poll(status(runs, id)).toBe('waiting')
      await runs.commands.cancel(id, given('c'))
      expect(await ended(runs, id)).toBe('cancelled')
      expect(await ended(runs, childId)).toBe('cancelled')
    })
  })

  describe(`Commands on ${name}`, () => {
    it('[X6a][RUN32] pause holds a queued run, and a working one after its step; resume lets it go on', async () => {
      const done: string[] = []
      const inStep = gate()
      world.work = async ({ step }) => {
        await step('a', async () => {
          await inStep.opened
          done.push('a')
        })
        await step('b', async () => void done.push('b'))
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('working')
      await runs.commands.pause(id, given('p'))
      await runs.commands.pause(id, given('p'))
      inStep.open()
      await expect.poll(status(runs, id)).toBe('waiting')
      expect(done).toEqual(['a'])
      expect(await runs.store.waits(id)).toEqual([{ kind: 'paused' }])
      await runs.commands.resume(id, given('r'))
      expect(await ended(runs, id)).toBe('done')
      expect(done).toEqual(['a', 'b'])
    })

    it('[O13c][RUN33] a command meant for another revision is refused, and one given twice is one', async () => {
      const runs = engine()
      const { id } = await runs.start(definition, { n: 1 })
      const seen = (await runs.get(id)) as Run
      await runs.commands.pause(id, { ...given('p'), revision: seen.revision })
      await expect(runs.commands.cancel(id, { ...given('c'), revision: seen.revision })).rejects.toThrow(
        withCode('CONFLICT'),
      )
      await runs.commands.pause(id, { ...given('p'), revision: seen.revision })
      await runs.commands.cancel(id, given('c'))
      await runs.commands.cancel(id, given('c'))
      await expect(runs.commands.pause(id, given('late'))).rejects.toThrow(withCode('ALREADY_ENDED'))
      await expect(runs.commands.resume('nobody', given('x'))).rejects.toThrow(withCode('NOT_FOUND'))
      expect((await types(id)).filter((type) => type === 'commanded')).toHaveLength(2)
    })

    it('[O13a][RUN34] a retry goes on from the failed step, from the start, or with another input; each once, and linked', async () => {
      const done: string[] = []
      let broken = true
      world.work = async ({ step, run, input }) => {
        await step('a', async () => void done.push(`${run.id} a ${input.n}`))
        await step('b', async () => {
          if (broken) throw new HoldfastError('INVALID_INPUT', 'no')
          done.push(`${run.id} b`)
        })
      }
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 })
      await ended(runs, id)
      broken = false
      const second = await runs.commands.retry(id, { from: 'failed' }, given('c1'))
      expect((await runs.commands.retry(id, { from: 'failed' }, given('c1'))).id).toBe(second.id)
      expect(await ended(runs, second.id)).toBe('done')
      expect(done).toEqual([`${id} a 1`, `${second.id} b`])
      await expect(runs.commands.retry(id, { from: 'failed' }, given('c2'))).rejects.toThrow(withCode('CONFLICT'))
      const third = await runs.commands.retry(second.id, { from: 'failed', input: { n: 3 } }, given('c3'))
      await ended(runs, third.id)
      const fourth = await runs.commands.retry(third.id, { from: 'start' }, given('c4'))
      await ended(runs, fourth.id)
      expect(done.slice(2)).toEqual([`${third.id} a 3`, `${third.id} b`, `${fourth.id} a 3`, `${fourth.id} b`])
      expect(await runs.get(id)).toMatchObject({ status: 'failed', retriedBy: second.id })
      expect(await runs.get(second.id)).toMatchObject({ retryOf: id, retriedBy: third.id })
      await expect(runs.commands.retry(fourth.id, { from: 'failed', input: { n: 'x' } }, given('c5'))).rejects.toThrow(
        withCode('INVALID_INPUT'),
      )
    })
  })

  describe(`Queues on ${name}`, () => {
    it('[O12b][RUN35] who is due goes by due time less priority, which lets nobody starve; a move goes before both', async () => {
      const order: number[] = []
      world.work = async ({ input }) => void order.push(input.n)
      const runs = engine({ concurrency: 1 })
      const first = await runs.start(definition, { n: 1 })
      world.clock.advance(1_000)
      await runs.start(definition, { n: 2 }, { priority: 2 })
      world.clock.advance(5_000)
      await runs.start(definition, { n: 3 }, { priority: 2 })
      const last = await runs.start(definition, { n: 4 })
      await runs.commands.move(last.id, { before: first.id }, given('m'))
      await runs.open()
      await expect.poll(() => order.length).toBe(4)
      expect(order).toEqual([2, 4, 1, 3])
    })

    it('[O12c][RUN36] no more of a queue work than it may have, none of one that is paused, over all nodes', async () => {
      let working = 0
      let most = 0
      const open = gate()
      world.work = async () => {
        working += 1
        most = Math.max(most, working)
        await open.opened
        working -= 1
      }
      const runs = await opened()
      await runs.limits.set('queue', 'story', { concurrency: 2 })
      const ids = await Promise.all(Array.from({ length: 6 }, async (_, n) => (await runs.start(definition, { n })).id))
      await expect.poll(() => working).toBe(2)
      await runs.limits.set('queue', 'story', { paused: true })
      open.open()
      await expect.poll(() => working).toBe(0)
      const statuses = async () => (await Promise.all(ids.map(async (id) => (await runs.get(id))?.status))).sort()
      await expect.poll(statuses).toEqual(['done', 'done', 'queued', 'queued', 'queued', 'queued'])
      await runs.limits.set('queue', 'story', { paused: false })
      await expect.poll(statuses).toEqual(Array(6).fill('done'))
      expect(most).toBe(2)
      await expect(runs.limits.set('queue', 'story', { concurrency: -1 })).rejects.toThrow(withCode('INVALID_INPUT'))
    })

    it('[RUN37] no more steps are at a provider than it may have; the others wait, and their workers are free', async () => {
      let working = 0
      let most = 0
      const open = gate()
      world.work = async ({ step }) => {
        await step(
          'ask',
          async () => {
            working += 1
            most = Math.max(most, working)
            await open.opened
            working -= 1
          },
          { provider: 'apollo' },
        )
      }
      const runs = await opened()
      await runs.limits.set('provider', 'apollo', { concurrency: 2 })
      const ids = await Promise.all(Array.from({ length: 5 }, async (_, n) => (await runs.start(definition, { n })).id))
      const statuses = async () => (await Promise.all(ids.map(async (id) => (await runs.get(id))?.status))).sort()
      await expect.poll(statuses).toEqual(['waiting', 'waiting', 'waiting', 'working', 'working'])
      open.open()
      await expect.poll(statuses).toEqual(Array(5).fill('done'))
      expect(most).toBe(2)
      expect(await world.db.read(statement('SELECT * FROM run_permits'))).toEqual([])
    })

    it('[RUN38] a run that is started late begins when it is due, and not before', async () => {
      const runs = await opened()
      const { id } = await runs.start(definition, { n: 1 }, { delayMs: 60_000 })
      world.clock.advance(59_000)
      expect(await status(runs, id)()).toBe('queued')
      await passing(status(runs, id), 'done', 500)
      expect(world.clock.now() - ((await runs.get(id))?.createdAt ?? 0)).toBeLessThan(90_000)
    })

    it('[RUN39] of a kind one run has a dedupe key: starting it again is that run, with another input a conflict', async () => {
      const runs = await opened()
      const started = await Promise.all(
        [1, 2, 3].map(() => runs.startNamed('story', { n: 1 }, { dedupeKey: 'order 7' })),
      )
      expect(new Set(started.map(({ run }) => run.id)).size).toBe(1)
      expect(started.filter(({ created }) => created)).toHaveLength(1)
      await expect(runs.startNamed('story', { n: 2 }, { dedupeKey: 'order 7' })).rejects.toThrow(withCode('CONFLICT'))
      await expect(runs.startNamed('story', { n: 'x' })).rejects.toThrow(withCode('INVALID_INPUT'))
      await expect(runs.startNamed('nothing', {})).rejects.toThrow(withCode('NOT_FOUND'))
      const another = runs.startNamed('story', { n: 1 }, { outside: { version: 7 } })
      await expect(another).rejects.toThrow(withCode('INVALID_INPUT'))
    })

    it('[RUN40] a run of a version nobody knows waits where people see it, until somebody knows it', async () => {
      const old = { ...definition, version: 1 }
      const { id } = await engine({}, [old]).start(old, { n: 1 })
      const current = engine({}, [{ ...definition, version: 2 }])
      await current.open()
      await expect.poll(status(current, id)).toBe('waiting')
      expect(await current.store.waits(id)).toEqual([{ kind: 'version' }])
      await current.close()
      const back = engine({}, [old])
      await back.open()
      expect(await ended(back, id)).toBe('done')
    })

    it('[RUN40] cancelled while it waits so it ends, though nobody knows it', async () => {
      const old = { ...quiet, version: 1 }
      const { id } = await engine({}, [old]).start(old, { n: 1 })
      const current = engine({}, [{ ...quiet, version: 2, name: 'another' }])
      await current.open()
      await expect.poll(status(current, id)).toBe('waiting')
      await current.commands.cancel(id, given('c'))
      expect(await status(current, id)()).toBe('cancelled')
    })
  })

  describe(`Liveness on ${name}`, () => {
    it('[X3a][RUN41] work that says nothing is told to be quiet, then stalled, and to work again when it is heard', async () => {
      const go = gate()
      world.work = async ({ step }) => {
        await go.opened
        await step('at last', async () => 1)
      }
      const runs = await opened({ ...definition, quietMs: 20_000 })
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(status(runs, id)).toBe('working')
      const liveness = async () => (await runs.get(id))?.liveness
      await passing(liveness, 'quiet', 1_000)
      await passing(liveness, 'stalled', 2_000)
      go.open()
      expect(await ended(runs, id)).toBe('done')
      await expect
        .poll(() => types(id))
        .toEqual(['queued', 'working', 'quiet', 'stalled', 'step_done', 'working', 'done'])
    })
  })
}

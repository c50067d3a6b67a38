import { type RunEvent, runStream } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { statement } from '../db/database.ts'
import { again, FailingWorld } from './fixtures/failing-world.ts'
import { gate, story } from './fixtures/run-world.ts'
import { TRANSITIONS } from './lifecycle.ts'

const STATUSES = ['queued', 'working', 'quiet', 'stalled', 'lost', 'waiting', 'done', 'failed', 'cancelled']

/** Whatever happened on the way: what is told, what is stored and what is to be delivered fit together. */
async function checkWhole({ whole, log }: FailingWorld): Promise<void> {
  const runs = await whole.read<{ id: string; status: string; stream: string }>(
    statement('SELECT id, status, stream FROM runs'),
  )
  for (const { id, status, stream } of runs) {
    const { events } = await log.read(runStream.name({ id }), null)
    const told = events.map((text): RunEvent => JSON.parse(text)).map((event) => event.type)
    const stood = told.filter((type) => STATUSES.includes(type))
    expect(stood[0], id).toBe('queued')
    expect(told.at(-1), id).toBe(status)
    expect(
      stood.filter((type) => runStream.isTerminal(type)),
      id,
    ).toHaveLength(1)
    for (const [index, to] of stood.slice(1).entries()) {
      const leads = Object.values(TRANSITIONS).some(
        (one) => one.to === to && one.from.some((from) => from === stood[index]),
      )
      expect(leads, `${id}: from ${stood[index]} to ${to}`).toBe(true)
    }
    expect((await log.info(runStream.name({ id })))?.sealed).toBe(true)
    expect((await log.info(stream))?.sealed).toBe(true)
    const delivered = await whole.read(statement('SELECT sequence FROM outbox WHERE stream = ?', [stream]))
    expect(delivered, id).toHaveLength(1)
  }
  expect(await whole.read(statement('SELECT * FROM outbox'))).toHaveLength(runs.length)
  expect(await whole.read(statement('SELECT * FROM run_attempts WHERE ended_at IS NULL'))).toEqual([])
  expect(await whole.read(statement('SELECT * FROM run_waits'))).toEqual([])
  expect(await whole.read(statement('SELECT * FROM run_permits'))).toEqual([])
}

/** A story once through for each statement of each of its commits, which fails that once; gives how many did. */
async function throughAll(tellStory: (world: FailingWorld) => Promise<void>): Promise<Set<string>> {
  const failed = new Set<string>()
  for (let commit = 0; ; commit += 1) {
    for (let index = 0; ; index += 1) {
      const world = await FailingWorld.open({ commit, statement: index })
      const { seen } = world
      try {
        await tellStory(world)
        await checkWhole(world)
      } catch (error) {
        throw new Error(`with statement ${index} of commit ${commit} failed: ${seen.sql}: ${error}`, { cause: error })
      } finally {
        await world.close()
      }
      expect(seen.trace, seen.sql).toBeNull()
      if (seen.commits <= commit) return failed
      if (!seen.wasMade) break
      failed.add(`${commit}.${index}`)
    }
  }
}

describe('Every statement of every transition', () => {
  it('[X5a][RUN1] that fails leaves no trace of it, and the run goes on: tries, waits, words, pauses, children, effects', async () => {
    const failed = await throughAll(async (world) => {
      let effects = 0
      const part = world.kind(async () => 'part', { name: 'part', stream: undefined, ended: undefined })
      const kind = world.kind(
        async (context) => {
          const { run } = context
          await context.step('a', async (step) => step.write(world.tell(run.id, 'a')))
          context.progress({ done: 1, total: 2 })
          if (run.failures === 0) throw new Error('once')
          await context.step('b', async (step) => {
            if (step.try === 1) throw new Error('once')
            step.write(world.tell(run.id, 'b'))
          })
          await context.waitFor('go')
          await context.ended(await context.start('part', part, { n: 2 }))
          await context.step('mail', async () => effects++, { effect: 'unsafe', provider: 'post' })
          await context.sleep('rest', 10_000)
        },
        { retry: { attempts: 2, minMs: 10_000 }, stepRetry: { attempts: 2, minMs: 8_000 } },
      )
      const runs = await world.engine(kind, part)
      const { commands, store } = runs
      await again(() => runs.start(kind, { n: 1 }, { id: 'r' }))
      const said = ['pause', 'resume', 'signal']
      await world.live(async () => {
        const run = await runs.get('r')
        if (run?.status === 'waiting') {
          const waits = await store.waits('r')
          const what = said[0]
          const given = { id: `c-${what}`, by: 'u1' }
          const isAsked = waits.some(({ kind }) => kind === 'event' || kind === 'paused')
          if (isAsked && what === 'pause') await again(() => commands.pause('r', given))
          if (isAsked && what === 'resume') await again(() => commands.resume('r', given))
          if (isAsked && what === 'signal') await again(() => commands.signal('r', 'go', 1, given))
          if (isAsked) said.shift()
          const decision = { id: 'c-decide', by: 'u1' }
          if (waits.some(({ kind }) => kind === 'decision')) {
            await again(() => commands.decide('r', 'mail', { kind: 'done' }, decision))
          }
        }
        return run?.endedAt !== null
      })
      expect(await runs.get('r')).toMatchObject({ status: 'done', error: null })
      expect(effects).toBe(1)
      expect((await world.log.state(story, story.name({ id: 'r' }))).state.told).toEqual(['a', 'b'])
    })
    // As many as a story of this length has: it was not cut short.
    expect(failed.size).toBeGreaterThan(80)
  }, 240_000)

  it('[X5a][RUN1] that fails leaves no trace of it, and the run goes on: cancels, failures, retries, decisions, a lost worker', async () => {
    const failed = await throughAll(async (world) => {
      const stuck = gate()
      let effects = 0
      const kind = world.kind(async ({ run, input, signal, step, waitFor }) => {
        await step('a', async ({ write }) => write(world.tell(run.id, 'a')), { input: 0 })
        if (run.id === 'r') await waitFor('never')
        if (input.n === 1)
          await step('bad', async () => Promise.reject(Object.assign(new Error('no'), { retry: false })))
        if (input.n === 2) {
          await step(
            'mail',
            async () => {
              effects += 1
              throw new Error('perhaps')
            },
            { effect: 'unsafe' },
          )
        }
        if (run.attempt === 1) await stuck.opened
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      })
      let runs = await world.engine(kind)
      const by = 'u1'
      const isEnded = async (id: string) => (await runs.get(id))?.endedAt !== null
      await again(() => runs.start(kind, { n: 1 }, { id: 'r' }))
      await world.live(async () => (await runs.get('r'))?.status === 'waiting')
      await again(() => runs.commands.cancel('r', { id: 'c1', by }))
      expect((await runs.get('r'))?.status).toBe('cancelled')

      const second = await again(() => runs.commands.retry('r', { from: 'failed' }, { id: 'c2', by }))
      await world.live(() => isEnded(second.id))
      expect((await runs.get(second.id))?.status).toBe('failed')

      const third = await again(() =>
        runs.commands.retry(second.id, { from: 'failed', input: { n: 2 } }, { id: 'c3', by }),
      )
      await world.live(async () => (await runs.store.waits(third.id)).some((wait) => wait.kind === 'decision'))
      await again(() => runs.commands.decide(third.id, 'mail', { kind: 'fail' }, { id: 'c4', by }))
      await world.live(() => isEnded(third.id))
      expect((await runs.get(third.id))?.status).toBe('failed')
      expect(effects).toBe(1)

      const fourth = await again(() =>
        runs.commands.retry(third.id, { from: 'start', input: { n: 3 } }, { id: 'c5', by }),
      )
      await world.live(async () => (await runs.get(fourth.id))?.status === 'working')
      const before = (await runs.get(fourth.id))?.attempt ?? 0
      runs = await world.engine(kind)
      await world.live(async () => {
        const run = await runs.get(fourth.id)
        return run?.status === 'working' && run.attempt > before
      })
      stuck.open()
      await again(() => runs.commands.cancel(fourth.id, { id: 'c6', by }))
      await world.live(() => isEnded(fourth.id))
      expect((await runs.get(fourth.id))?.status).toBe('cancelled')
    })
    expect(failed.size).toBeGreaterThan(80)
  }, 240_000)
})

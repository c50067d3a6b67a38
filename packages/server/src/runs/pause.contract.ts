import { runStream } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import type { Write } from '../db/database.ts'
import { between, gate, type OpenRunsStore, useRunWorld } from './fixtures/run-world.ts'
import type { RunEngine } from './run-engine.ts'

/** A pause and what comes at the same moment, whatever database it stands on. */
export function describePauses(name: string, openStore: OpenRunsStore): void {
  describe(`Pauses on ${name}`, () => {
    const world = useRunWorld(openStore)
    const { definition, ended } = world
    const given = (id: string) => ({ id, by: 'u1' })
    const isSuspend = (writes: readonly Write[]) =>
      writes.some(({ statements }) => statements.some(({ sql }) => sql.includes("SET status = 'waiting'")))

    /** A run that is in its step: paused, and let go. */
    async function pausedInStep(runs: RunEngine, then: () => void): Promise<string> {
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(async () => (await runs.get(id))?.status).toBe('working')
      await runs.commands.pause(id, given('pause'))
      then()
      await expect.poll(async () => (await runs.get(id))?.status).toBe('waiting')
      return id
    }

    it('[X6a] work that comes to wait while it is paused waits for the person, and a word does not wake it', async () => {
      const stuck = gate()
      world.work = async ({ step, waitFor }) => {
        await step('a', () => stuck.opened)
        return (await waitFor('go'))?.payload
      }
      const runs = world.engine()
      await runs.open()
      const id = await pausedInStep(runs, stuck.open)
      expect(await runs.store.waits(id)).toEqual([{ kind: 'paused' }])
      await runs.commands.signal(id, 'go', 'now', given('go'))
      expect(await runs.get(id)).toMatchObject({ status: 'waiting', attempt: 1 })
      await runs.commands.resume(id, given('resume'))
      expect(await ended(runs, id)).toBe('done')
      expect(await runs.outcome(id)).toMatchObject({ result: 'now' })
    })

    it('[X6a] no time that comes wakes work that sleeps while it is paused', async () => {
      const stuck = gate()
      world.work = async ({ step, sleep }) => {
        await step('a', () => stuck.opened)
        await sleep('s', 60_000)
      }
      const runs = world.engine()
      await runs.open()
      const id = await pausedInStep(runs, stuck.open)
      for (let look = 0; look < 60; look += 1) {
        world.clock.advance(5_000)
        expect(await runs.get(id)).toMatchObject({ status: 'waiting', attempt: 1 })
      }
      await runs.commands.resume(id, given('resume'))
      expect(await ended(runs, id)).toBe('done')
    })

    it('[X6a] a failed run that is paused does not try again before a person lets it', async () => {
      const stuck = gate()
      let tries = 0
      world.work = async () => {
        tries += 1
        if (tries > 1) return
        await stuck.opened
        throw new Error('once')
      }
      const runs = world.engine({}, [{ ...definition, retry: { attempts: 2, minMs: 10_000 } }])
      await runs.open()
      const id = await pausedInStep(runs, stuck.open)
      for (let second = 0; second < 60; second += 1) {
        world.clock.advance(1_000)
        expect(await runs.get(id)).toMatchObject({ status: 'waiting', failures: 1 })
      }
      await runs.commands.resume(id, given('resume'))
      expect(await ended(runs, id)).toBe('done')
    })

    it('[X6a] a resume, or a pause, that comes as the work gives its worker free is not lost', async () => {
      const stuck = gate()
      let told: (() => Promise<void>) | null = null
      const db = between(world.db, {
        commit: async (writes) => {
          const tell = told
          if (tell && isSuspend(writes)) {
            told = null
            await tell()
          }
          return world.db.commit(writes)
        },
      })
      world.work = async ({ step, waitFor }) => {
        await step('a', () => stuck.opened)
        await step('b', async () => 1)
        await waitFor('go')
      }
      const runs = world.engine({ db })
      await runs.open()
      const { id } = await runs.start(definition, { n: 1 })
      await expect.poll(async () => (await runs.get(id))?.status).toBe('working')
      // The word of it is lost as well.
      const other = world.engine({ db: world.db })
      await runs.commands.pause(id, given('pause'))
      told = () => other.commands.resume(id, given('resume'))
      stuck.open()
      await expect.poll(() => runs.store.waits(id)).toMatchObject([{ kind: 'event', name: 'go' }])
      expect(await runs.get(id)).toMatchObject({ status: 'waiting', pausedAt: null })

      told = () => other.commands.pause(id, given('pause again'))
      await runs.commands.signal(id, 'elsewhere', 1, given('elsewhere'))
      const second = await runs.start(definition, { n: 2 }, { id: 'second' })
      told = () => other.commands.pause(second.id, given('pause second'))
      await expect.poll(() => runs.store.waits(second.id)).toEqual([{ kind: 'paused' }])
      for (const each of [id, second.id]) await runs.commands.signal(each, 'go', 1, given(`go ${each}`))
      await runs.commands.resume(second.id, given('resume second'))
      expect(await ended(runs, id)).toBe('done')
      expect(await ended(runs, second.id)).toBe('done')
    })

    it('[X6a] a pause that was asked of work whose server closed can be taken back before another takes it', async () => {
      world.work = ({ signal }) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) reject(signal.reason)
          signal.addEventListener('abort', () => reject(signal.reason))
          if (world.errors.length > 0) resolve('ok')
        })
      const first = world.engine()
      await first.open()
      const { id } = await first.start(definition, { n: 1 })
      await expect.poll(async () => (await first.get(id))?.status).toBe('working')
      await first.commands.pause(id, given('pause'))
      await first.close()
      const second = world.engine()
      expect(await second.get(id)).toMatchObject({ status: 'queued' })
      await second.commands.resume(id, given('resume'))
      expect(await second.get(id)).toMatchObject({ pausedAt: null })
      world.work = async () => 'ok'
      await second.open()
      expect(await ended(second, id)).toBe('done')
    })

    it('[X4a] a line of the log is told, also where what the work wanted to wait for has come meanwhile', async () => {
      let told: (() => Promise<void>) | null = null
      const db = between(world.db, {
        commit: async (writes) => {
          const tell = told
          if (tell && isSuspend(writes)) {
            told = null
            await tell()
          }
          return world.db.commit(writes)
        },
      })
      world.work = async ({ log, waitFor }) => {
        log('info', 'waits now')
        await waitFor('go')
      }
      const runs = world.engine({ db })
      const other = world.engine({ db: world.db })
      told = () => other.commands.signal('r', 'go', 1, given('go'))
      await runs.open()
      await runs.start(definition, { n: 1 }, { id: 'r' })
      expect(await ended(runs, 'r')).toBe('done')
      const { events } = await world.log.read(runStream.name({ id: 'r' }), null)
      const lines = events.map((text) => JSON.parse(text)).filter(({ type }) => type === 'log')
      expect(lines).toMatchObject([{ message: 'waits now' }])
    })
  })
}

import { beforeEach, describe, expect, it } from 'vitest'
import { useQueryWorld } from './fixtures/query-world.ts'
import type { OpenRunsStore } from './fixtures/run-world.ts'
import { failedRun, insertRow, storedRun } from './fixtures/stored-runs.ts'
import { tell } from './journal.ts'
import type { RunFilter } from './queries/run-filter.ts'
import { RUN_SORTS, type RunSort } from './queries/run-order.ts'

/** What people are told of runs, whatever database they are on (SPEC.md, rules RUNQ). */
export function describeRunQueries(name: string, openStore: OpenRunsStore): void {
  describe(`What is told of runs on ${name}`, () => {
    const world = useQueryWorld(openStore)
    const { store } = world
    const ids = async (filter: RunFilter, sort: RunSort = 'oldest') =>
      (await world.queries.list(filter, sort, { limit: 100, cursor: null })).items.map(({ id }) => id)

    describe('lists', () => {
      beforeEach(() =>
        store(
          storedRun({ id: 'queued', created_at: 1 }),
          storedRun({ id: 'lost', created_at: 2, liveness: 'lost', queue: 'q2', attempt: 1 }),
          storedRun({ id: 'working', created_at: 3, status: 'working', started_at: 10, name: 'mail' }),
          storedRun({ id: 'quiet', created_at: 4, status: 'working', liveness: 'quiet', started_at: 5, slot: 1 }),
          storedRun({ id: 'stalled', created_at: 5, status: 'working', liveness: 'stalled', started_at: 20, slot: 2 }),
          storedRun({ id: 'waiting', created_at: 6, status: 'waiting', started_at: 7, parent_id: 'working' }),
          storedRun({ id: 'done', created_at: 7, status: 'done', started_at: 7, ended_at: 1_007, schedule_id: 's1' }),
          failedRun({ id: 'failed', created_at: 8, retried_by: 'again' }, 'The 100% "quoted" Thing broke'),
          failedRun({ id: 'again', created_at: 9, retry_of: 'failed', root_id: 'failed', name: 'Mailer' }),
          storedRun({ id: 'cancelled', created_at: 10, status: 'cancelled', ended_at: 12 }),
          insertRow('run_waits', {
            run_id: 'waiting',
            kind: 'decision',
            name: 'pay',
            detail: '{"kind":"decision","name":"pay"}',
          }),
        ),
      )
      const all = ['queued', 'lost', 'working', 'quiet', 'stalled', 'waiting', 'done', 'failed', 'again', 'cancelled']

      it('[RUNQ1] shows all runs, or those that a filter means, and counts the same', async () => {
        const cases: [RunFilter, string[]][] = [
          [{}, all],
          [{ statuses: ['queued'] }, ['queued']],
          [{ statuses: ['lost', 'quiet'] }, ['lost', 'quiet']],
          [{ statuses: ['working', 'stalled', 'done'] }, ['working', 'stalled', 'done']],
          [{ statuses: ['waiting', 'failed', 'cancelled'] }, ['waiting', 'failed', 'again', 'cancelled']],
          [{ names: ['mail', 'Mailer'] }, ['working', 'again']],
          [{ names: ['story'], statuses: ['failed', 'queued'] }, ['queued', 'failed']],
          [{ queues: ['q2'] }, ['lost']],
          [{ queues: ['q2'], statuses: ['done'] }, []],
          [{ cause: 'broken' }, ['failed', 'again']],
          [{ cause: 'broken', isRetried: false }, ['again']],
          [{ statuses: ['failed'], isRetried: true }, ['failed']],
          [{ parentId: 'working' }, ['waiting']],
          [{ retryOf: 'failed' }, ['again']],
          [{ retryOf: 'nobody' }, []],
          [{ scheduleId: 's1' }, ['done']],
          [{ waits: ['decision', 'parked'] }, ['waiting']],
          [{ waits: ['parked'] }, []],
          [{ waits: ['person', 'sleep'] }, ['waiting']],
          [
            { names: ['story'], exceptIds: ['lost', 'done', 'failed'] },
            ['queued', 'quiet', 'stalled', 'waiting', 'cancelled'],
          ],
          [{ from: 3, to: 6 }, ['working', 'quiet', 'stalled']],
          [{ ids: ['done', 'queued', 'nobody'] }, ['queued', 'done']],
          [{ ids: [] }, []],
        ]
        for (const [filter, expected] of cases) {
          expect({ filter, ids: await ids(filter) }).toEqual({ filter, ids: expected })
          expect({ filter, count: (await world.queries.count(filter)).count }).toEqual({
            filter,
            count: expected.length,
          })
        }
      })

      it('[RUNQ1] counts by how runs stand', async () => {
        const { count, byStatus } = await world.queries.count({})
        expect(count).toBe(10)
        expect(byStatus).toEqual({
          ...{ queued: 1, working: 1, quiet: 1, stalled: 1, lost: 1, waiting: 1, done: 1, failed: 2, cancelled: 1 },
        })
      })

      it('[RUNQ3] a search finds the start of an id, a part of a kind, and a part of an error', async () => {
        const cases: [string, string[]][] = [
          ['qu', ['queued', 'quiet', 'failed']],
          ['quie', ['quiet']],
          ['MAIL', ['working', 'again']],
          ['story', ['queued', 'lost', 'quiet', 'stalled', 'waiting', 'done', 'failed', 'cancelled']],
          ['100% "QUOTED"', ['failed']],
          ['%', ['failed']],
          // In the code of each.
          ['_', ['failed', 'again']],
          ['broke', ['failed', 'again']],
          ['nothing of that', []],
        ]
        for (const [search, expected] of cases) {
          expect({ search, found: await ids({ search }) }).toEqual({ search, found: expected })
          expect((await world.queries.count({ search })).count).toBe(expected.length)
        }
        expect(await ids({ search: 'broke', statuses: ['failed'], names: ['Mailer'] })).toEqual(['again'])
      })

      it('[RUNQ2] a list has the order that is asked for', async () => {
        expect(await ids({}, 'newest')).toEqual(all.toReversed())
        expect(await ids({}, 'longest')).toEqual([
          ...['quiet', 'waiting', 'working', 'stalled'],
          ...['done', 'failed', 'again', 'cancelled'],
          ...['queued', 'lost'],
        ])
        await store(storedRun({ id: 'first', created_at: 11, priority: 5, rank: -5_000 }))
        expect(await ids({}, 'priority')).toEqual([
          ...['first', 'queued', 'lost', 'working', 'quiet', 'stalled', 'waiting'],
          ...['cancelled', 'again', 'failed', 'done'],
        ])
      })

      it('[RUNQ2] pages of every size join, and what comes and goes meanwhile neither doubles nor hides what stays', async () => {
        for (const sort of RUN_SORTS) {
          for (const filter of [{}, { search: 'story' }, { statuses: ['queued', 'working', 'failed'] as const }]) {
            const whole = await ids(filter, sort)
            for (const limit of [1, 2, 3, 7]) {
              const found: string[] = []
              let cursor: string | null = null
              do {
                const page = await world.queries.list(filter, sort, { limit, cursor })
                // No page is empty: there is more only where there is more.
                expect(page.items.length).toBeGreaterThan(0)
                expect(page.items.length).toBeLessThanOrEqual(limit)
                found.push(...page.items.map(({ id }) => id))
                cursor = page.nextCursor
              } while (cursor !== null)
              expect({ sort, filter, limit, found }).toEqual({ sort, filter, limit, found: whole })
            }
          }
        }
        const first = await world.queries.list({}, 'newest', { limit: 4, cursor: null })
        await store(storedRun({ id: 'new', created_at: 99 }), { sql: "DELETE FROM runs WHERE id = 'done'", params: [] })
        const rest = await world.queries.list({}, 'newest', { limit: 9, cursor: first.nextCursor })
        expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(all.toReversed())
      })

      it('[RUNQ2] a cursor of another order, and what is none, is refused by name', async () => {
        const { nextCursor } = await world.queries.list({}, 'newest', { limit: 1, cursor: null })
        const forged = [
          ['newest', 1, 1, 'x'],
          ['newest', 0, 'x', 'x'],
          ['newest', 0, 1, 2],
          ['newest', 0, 1e300, 'x'],
          ['newest', 0, 1, 'a\0b'],
          7,
        ]
        const texts = [
          '',
          'zzz',
          '%00',
          ...forged.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
        ]
        const refused = expect.objectContaining({
          code: 'INVALID_INPUT',
          errors: [{ field: 'cursor', message: 'not a cursor of this list' }],
        })
        for (const cursor of texts)
          await expect(world.queries.list({}, 'newest', { limit: 1, cursor })).rejects.toThrow(refused)
        await expect(world.queries.list({}, 'oldest', { limit: 1, cursor: nextCursor })).rejects.toThrow(refused)
        await expect(world.queries.steps('done', { limit: 1, cursor: nextCursor })).rejects.toThrow(refused)
      })

      it('[RUNQ10] failures that nobody has tried again stand by their cause, those of most runs first', async () => {
        await store(
          ...[1, 2, 3, 4, 5, 6].map((n) => failedRun({ id: `f${n}`, created_at: 100 + n, cause: 'away' }, `Try ${n}`)),
          failedRun({ id: 'mine', created_at: 300, cause: 'away', name: 'Mailer', queue: 'q9' }),
        )
        const groups = await world.queries.failures({})
        expect(groups.map(({ cause, count, runs }) => ({ cause, count, runs }))).toEqual([
          { cause: 'away', count: 7, runs: ['mine', 'f6', 'f5', 'f4', 'f3'] },
          { cause: 'broken', count: 1, runs: ['again'] },
        ])
        expect(groups[0]).toMatchObject({
          name: 'Mailer',
          error: { code: 'INTERNAL_ERROR', message: 'It broke.' },
          newestAt: new Date(310).toISOString(),
          oldestAt: new Date(111).toISOString(),
        })
        expect((await world.queries.failures({ names: ['story'] })).map(({ count }) => count)).toEqual([6])
        expect((await world.queries.failures({ queues: ['q9'], search: 'mailer' })).map(({ count }) => count)).toEqual([
          1,
        ])
      })
    })

    describe('one run', () => {
      const step = (run_id: string, step_key: string, row: object = {}) =>
        insertRow('run_steps', {
          ...{ run_id, step_key, root_id: 'a', input_hash: 'h', status: 'done', output: '1', effect: 'idempotent' },
          ...{ attempt: 1, tries: 1, started_at: 10, ended_at: 20 },
          ...row,
        })

      beforeEach(() =>
        store(
          failedRun({ id: 'a', created_at: 1, retried_by: 'b' }),
          failedRun({ id: 'b', created_at: 2, retry_of: 'a', root_id: 'a', retried_by: 'c' }),
          storedRun({
            id: 'c',
            created_at: 3,
            retry_of: 'b',
            root_id: 'a',
            status: 'working',
            attempt: 2,
            worker: 'w2',
          }),
          storedRun({ id: 'k', created_at: 4, parent_id: 'c', progress: '{"percent":5}' }),
          insertRow('run_attempts', {
            ...{ run_id: 'c', attempt: 1, worker: 'w1', started_at: 5, ended_at: 6, outcome: 'lost' },
            error: '{"code":"UNAVAILABLE","message":"away","data":{"secret":1}}',
          }),
          insertRow('run_attempts', { run_id: 'c', attempt: 2, worker: 'w2', started_at: 7, outcome: 'working' }),
        ),
      )

      it('[O13a][RUNQ7] a retry shows the steps it takes over from its line, each once, and its own', async () => {
        await store(
          step('a', 'one', { started_at: 10, output: '"first"' }),
          step('a', 'two', { started_at: 20, status: 'failed', error: '{"code":"INTERNAL_ERROR","message":"x"}' }),
          step('b', 'one', { started_at: 11, ended_at: 30, output: '"second"' }),
          step('b', 'two', { started_at: 21 }),
          step('b', 'three', { started_at: 31, status: 'unknown' }),
          step('c', 'two', { started_at: 40, output: `"${'x'.repeat(5_000)}"` }),
          // What the engine keeps for itself: the end of a sleep.
          step('c', '@sleep:nap', { started_at: 45, input_hash: '' }),
          step('c', 'a/b c', { started_at: 50, status: 'working', ended_at: null, output: null, provider: 'api' }),
        )
        const page = { limit: 10, cursor: null }
        const told = async (id: string) => {
          return (await world.queries.steps(id, page)).items.map(({ key, reused, runId }) => [key, reused, runId])
        }
        expect(await told('a')).toEqual([
          ['one', false, 'a'],
          ['two', false, 'a'],
        ])
        expect(await told('c')).toEqual([
          ['one', true, 'b'],
          ['two', false, 'c'],
          ['a/b c', false, 'c'],
        ])
        const { items } = await world.queries.steps('c', page)
        expect(items[1]?.output?.length).toBe(2_000)
        expect(items[2]).toMatchObject({ status: 'working', endedAt: null, output: null, provider: 'api' })
        const first = await world.queries.steps('c', { limit: 2, cursor: null })
        const rest = await world.queries.steps('c', { limit: 2, cursor: first.nextCursor })
        expect([...first.items, ...rest.items]).toEqual(items)
        expect(rest.nextCursor).toBeNull()
      })

      it('[O13a][RUNQ7] a run shows its attempts, its line of retries, its children, and what can be done with it', async () => {
        expect(await world.queries.details('c')).toMatchObject({
          ...{ id: 'c', status: 'working', since: new Date(7).toISOString(), input: {}, result: null },
          attempts: [
            { attempt: 1, worker: 'w1', outcome: 'lost', error: { code: 'UNAVAILABLE', message: 'away' } },
            { attempt: 2, worker: 'w2', outcome: 'working', endedAt: null, error: null },
          ],
          line: [{ id: 'a', status: 'failed' }, { id: 'b' }, { id: 'c', status: 'working' }],
          children: [{ id: 'k', name: 'story', status: 'queued', progress: { percent: 5 } }],
          commands: ['cancel', 'pause', 'steer'],
        })
        expect((await world.queries.details('a'))?.line.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
        expect((await world.queries.details('a'))?.commands).toEqual([])
        expect((await world.queries.details('k'))?.commands).toEqual(['cancel', 'pause', 'steer', 'priority'])
        expect(await world.queries.details('nobody')).toBeNull()
      })

      it('[RUNQ8] its log are the lines of its stream: by level, in pages, from a place on, or the last ones', async () => {
        await world.db.commit([
          tell(world.log, 'c', { type: 'queued', name: 'story', version: 1, queue: 'story', priority: 0 }),
          tell(world.log, 'c', { type: 'working', attempt: 1, worker: 'w1' }),
          tell(world.log, 'c', { type: 'log', level: 'debug', message: 'looked' }),
          tell(world.log, 'c', { type: 'log', level: 'error', message: 'broke' }),
          tell(world.log, 'c', { type: 'lost', attempt: 1 }),
        ])
        const all = await world.queries.log('c', { limit: 100 })
        expect(all.nextCursor).toBeNull()
        expect(all.items.map(({ level, message }) => [level, message])).toEqual([
          ['info', 'Queued in "story".'],
          ['info', 'Attempt 1 works at w1.'],
          ['debug', 'looked'],
          ['error', 'broke'],
          ['error', 'The worker is lost: its lease has ended.'],
        ])
        const errors = await world.queries.log('c', { level: 'error', limit: 1 })
        expect(errors.items.map(({ message }) => message)).toEqual(['broke'])
        const more = await world.queries.log('c', { level: 'error', limit: 1, after: errors.nextCursor ?? '' })
        expect(more).toMatchObject({ items: [{ type: 'lost', attempt: 1 }], nextCursor: null })
        expect((await world.queries.log('c', { last: 2, limit: 10 })).items).toEqual(all.items.slice(-2))
        expect((await world.queries.log('c', { last: 99, limit: 10 })).items).toEqual(all.items)
        // From before runs had streams of their own.
        expect(await world.queries.log('a', { limit: 10 })).toEqual({ items: [], nextCursor: null })
      })
    })
  })
}

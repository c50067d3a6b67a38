import { ManualClock } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Database, Statement } from '../db/database.ts'
import { write } from '../db/database.ts'
import { migrateUp } from '../db/migrations.ts'
import { logMigrations } from '../log/log-migrations.ts'
import { SqlStreamLog } from '../log/sql-stream-log.ts'
import type { OpenRunsStore } from './fixtures/run-world.ts'
import { failedRun, insertRow, storedRun } from './fixtures/stored-runs.ts'
import { tell } from './journal.ts'
import type { RunFilter } from './queries/run-filter.ts'
import { RUN_SORTS, type RunSort } from './queries/run-order.ts'
import { runMigrations } from './run-migrations.ts'
import { RunQueries } from './run-queries.ts'

/** What people are told of runs, whatever database they are on (SPEC.md, rules RUNQ). */
export function describeRunQueries(name: string, openStore: OpenRunsStore): void {
  describe(`What is told of runs on ${name}`, () => {
    let clock: ManualClock
    let db: Database
    let log: SqlStreamLog
    let queries: RunQueries

    beforeEach(async () => {
      clock = new ManualClock()
      db = await (await openStore(clock))()
      await migrateUp(db, [...logMigrations, ...runMigrations], 0)
      log = new SqlStreamLog(db, clock)
      queries = new RunQueries(db, log, clock)
    })
    afterEach(() => db.close())

    const store = (...rows: Statement[]) => db.commit([write(...rows)])
    const ids = async (filter: RunFilter, sort: RunSort = 'oldest') =>
      (await queries.list(filter, sort, { limit: 100, cursor: null })).items.map(({ id }) => id)
    const why = async (id: string) => (await queries.summary(id))?.why
    const knows = (...kinds: [string, number][]) =>
      store(
        insertRow('run_workers', { id: 'w1', seen_at: clock.now(), lease_ms: 30_000 }),
        ...kinds.map(([kind, version]) => insertRow('run_worker_kinds', { worker: 'w1', name: kind, version })),
      )

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
          [{ from: 3, to: 6 }, ['working', 'quiet', 'stalled']],
          [{ ids: ['done', 'queued', 'nobody'] }, ['queued', 'done']],
          [{ ids: [] }, []],
        ]
        for (const [filter, expected] of cases) {
          expect({ filter, ids: await ids(filter) }).toEqual({ filter, ids: expected })
          expect({ filter, count: (await queries.count(filter)).count }).toEqual({ filter, count: expected.length })
        }
      })

      it('[RUNQ1] counts by how runs stand', async () => {
        const { count, byStatus } = await queries.count({})
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
          expect((await queries.count({ search })).count).toBe(expected.length)
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
                const page = await queries.list(filter, sort, { limit, cursor })
                expect(page.items.length).toBeLessThanOrEqual(limit)
                found.push(...page.items.map(({ id }) => id))
                cursor = page.nextCursor
              } while (cursor !== null)
              expect({ sort, filter, limit, found }).toEqual({ sort, filter, limit, found: whole })
            }
          }
        }
        const first = await queries.list({}, 'newest', { limit: 4, cursor: null })
        await store(storedRun({ id: 'new', created_at: 99 }), { sql: "DELETE FROM runs WHERE id = 'done'", params: [] })
        const rest = await queries.list({}, 'newest', { limit: 9, cursor: first.nextCursor })
        expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(all.toReversed())
      })

      it('[RUNQ2] a cursor of another order, and what is none, is refused by name', async () => {
        const { nextCursor } = await queries.list({}, 'newest', { limit: 1, cursor: null })
        const forged = [
          ['newest', 1, 1, 'x'],
          ['newest', 0, 'x', 'x'],
          ['newest', 0, 1, 2],
          ['newest', 0, 1e300, 'x'],
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
          await expect(queries.list({}, 'newest', { limit: 1, cursor })).rejects.toThrow(refused)
        await expect(queries.list({}, 'oldest', { limit: 1, cursor: nextCursor })).rejects.toThrow(refused)
        await expect(queries.steps('done', { limit: 1, cursor: nextCursor })).rejects.toThrow(refused)
      })

      it('[RUNQ10] failures that nobody has tried again stand by their cause, those of most runs first', async () => {
        await store(
          ...[1, 2, 3, 4, 5, 6].map((n) => failedRun({ id: `f${n}`, created_at: 100 + n, cause: 'away' }, `Try ${n}`)),
          failedRun({ id: 'mine', created_at: 300, cause: 'away', name: 'Mailer', queue: 'q9' }),
        )
        const groups = await queries.failures({})
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
        expect((await queries.failures({ names: ['story'] })).map(({ count }) => count)).toEqual([6])
        expect((await queries.failures({ queues: ['q9'], search: 'mailer' })).map(({ count }) => count)).toEqual([1])
      })
    })

    describe('why', () => {
      const due = () => clock.now()

      it('[O12a][RUNQ4] a queued run says what it waits for: its turn, its key, its time, its queue, a worker', async () => {
        await store(
          storedRun({ id: 'a', due_at: due() - 3 }),
          storedRun({ id: 'b', due_at: due() - 2 }),
          storedRun({ id: 'c', due_at: due() - 1 }),
          storedRun({ id: 'later', due_at: Date.UTC(2026, 0, 2, 3, 4, 5), ready: 0 }),
          storedRun({ id: 'k1', serial_key: 'k', created_at: 1, queue: 'other' }),
          storedRun({ id: 'k2', serial_key: 'k', created_at: 2, queue: 'other', ready: 0 }),
          storedRun({ id: 'unwanted', cancel_requested_at: 1, queue: 'other' }),
          storedRun({ id: 'gone', liveness: 'lost', queue: 'fourth' }),
        )
        expect(await why('a')).toBe('No worker that is there knows version 1 of "story".')
        await knows(['story', 2], ['mail', 1])
        expect(await why('a')).toBe('No worker that is there knows version 1 of "story".')
        await store(
          ...['run_workers', 'run_worker_kinds'].map((table) => ({ sql: `DELETE FROM ${table}`, params: [] })),
        )
        await knows(['story', 1])
        expect(await why('a')).toBe('It is the next of its queue, and waits for a worker to be free.')
        expect(await why('b')).toBe('One run goes before it in the queue "story".')
        expect(await why('c')).toBe('2 runs go before it in the queue "story".')
        expect(await why('later')).toBe('It is due at 2026-01-02 03:04:05 UTC.')
        expect(await why('k2')).toBe('It comes after the run k1, which has the same key.')
        expect(await why('unwanted')).toBe('It is being cancelled.')
        expect(await why('gone')).toBe('Its worker was lost; it goes on as soon as another one is free.')
        // Nobody has heard of the worker for longer than its lease.
        clock.advance(31_000)
        expect(await why('a')).toBe('No worker that is there knows version 1 of "story".')
      })

      it('[O12a][RUNQ4] a queue that is paused, full or shut says so, with its numbers', async () => {
        await knows(['story', 1])
        const limit = (name: string, paused: number, concurrency: number | null) =>
          insertRow('run_limits', { kind: 'queue', name, paused, concurrency })
        await store(
          ...['paused', 'full', 'one', 'shut', 'open'].map((queue) => storedRun({ id: queue, queue })),
          ...['x', 'y'].map((id, n) => storedRun({ id, queue: 'full', status: 'working', slot: n + 1 })),
          storedRun({ id: 'z', queue: 'one', status: 'working', slot: 1 }),
          limit('paused', 1, 5),
          limit('full', 0, 2),
          limit('one', 0, 1),
          limit('shut', 0, 0),
          limit('open', 0, 1),
        )
        expect(await why('paused')).toBe('The queue "paused" is paused.')
        expect(await why('full')).toBe('The queue "full" is full: 2 of 2 runs at the same time.')
        expect(await why('one')).toBe('The queue "one" is full: 1 of 1 run at the same time.')
        expect(await why('shut')).toBe('The queue "shut" may work on nothing: its limit is 0.')
        expect(await why('open')).toBe('It is the next of its queue, and waits for a worker to be free.')
      })

      it('[O12a][RUNQ4] a waiting run says for whom or what, first what a person can do something about', async () => {
        const until = '2026-01-02T03:04:05.000Z'
        const error = { code: 'UNAVAILABLE', message: 'x' }
        const waits: Record<string, [object, string]> = {
          paused: [{ kind: 'paused' }, 'A person paused it.'],
          decision: [
            { kind: 'decision', name: 'pay' },
            'Nobody knows whether the step "pay" was done: a person decides.',
          ],
          parked: [
            { kind: 'parked', error },
            'It took its worker down again and again (UNAVAILABLE): it waits for a person to retry or cancel it.',
          ],
          version: [{ kind: 'version' }, 'No worker that is there knows version 1 of "story".'],
          approval: [
            { kind: 'event', name: 'approval', question: 'Send it to 12 people?' },
            'It waits for approval: Send it to 12 people?',
          ],
          answer: [{ kind: 'event', name: 'answer', until }, 'It waits for "answer", until 2026-01-02 03:04:05 UTC.'],
          full: [{ kind: 'provider', name: 'full' }, 'The provider "full" is full: 1 of 1 step at the same time.'],
          free: [{ kind: 'provider', name: 'free' }, 'It is about to get a place at the provider "free".'],
          child: [{ kind: 'child', name: 'c1' }, 'It waits for the end of the run c1, which it started.'],
          step: [
            { kind: 'retry', name: 'call', until, error },
            'The step "call" failed (UNAVAILABLE) and is tried again at 2026-01-02 03:04:05 UTC.',
          ],
          whole: [
            { kind: 'retry', name: '', until, error },
            'It failed (UNAVAILABLE) and is tried again at 2026-01-02 03:04:05 UTC.',
          ],
          sleep: [{ kind: 'sleep', name: 'nap', until }, 'It sleeps until 2026-01-02 03:04:05 UTC.'],
        }
        const wait = (run_id: string, given: object) => {
          const { kind, name = '' } = given as { kind: string; name?: string }
          return insertRow('run_waits', { run_id, kind, name, detail: JSON.stringify(given) })
        }
        await store(
          insertRow('run_limits', { kind: 'provider', name: 'full', paused: 0, concurrency: 1 }),
          insertRow('run_permits', { provider: 'full', slot: 1, run_id: 'x', step_key: 's' }),
          ...Object.entries(waits).flatMap(([id, [given]]) => [storedRun({ id, status: 'waiting' }), wait(id, given)]),
          storedRun({ id: 'many', status: 'waiting' }),
          wait('many', { kind: 'sleep', name: 'a', until }),
          wait('many', { kind: 'child', name: 'c1' }),
          wait('many', { kind: 'decision', name: 'pay' }),
          storedRun({ id: 'nothing', status: 'waiting' }),
        )
        for (const [id, [given, sentence]] of Object.entries(waits)) {
          expect(await queries.summary(id)).toMatchObject({ status: 'waiting', waits: [given], why: sentence })
        }
        expect(await why('many')).toBe(
          'Nobody knows whether the step "pay" was done: a person decides. It waits for 2 other things as well.',
        )
        expect(await why('nothing')).toBe('It is about to go on.')
      })

      it('[O12a][RUNQ4] work that gives no sign of life says since when, and what works or has ended says nothing', async () => {
        const heard_at = Date.UTC(2026, 0, 1, 2, 3, 4)
        await store(
          storedRun({ id: 'quiet', status: 'working', liveness: 'quiet', heard_at }),
          storedRun({ id: 'stalled', status: 'working', liveness: 'stalled', heard_at, slot: 1 }),
          storedRun({ id: 'working', status: 'working', heard_at, slot: 2 }),
          storedRun({ id: 'done', status: 'done', ended_at: 5 }),
        )
        expect(await why('quiet')).toBe('Its worker has given no sign of life since 2026-01-01 02:03:04 UTC.')
        expect(await why('stalled')).toBe(
          'Its worker has given no sign of life since 2026-01-01 02:03:04 UTC, and may have died.',
        )
        expect(await why('working')).toBeNull()
        expect(await why('done')).toBeNull()
        expect(await why('nobody')).toBeUndefined()
      })
    })

    it('[O12a][RUNQ5] a queued run tells its place in its queue, up to more than 1,000', async () => {
      const many = Array.from({ length: 1_005 }, (_, n) => storedRun({ id: `r${n}`, due_at: n, rank: n }))
      await store(
        ...many,
        storedRun({ id: 'other', queue: 'other' }),
        storedRun({ id: 'w', status: 'working', rank: -1 }),
      )
      const position = async (id: string) => (await queries.summary(id))?.position
      expect(await position('r0')).toBe(1)
      expect(await position('r41')).toBe(42)
      expect(await position('r999')).toBe(1_000)
      expect(await position('r1000')).toBe(1_001)
      expect(await position('r1004')).toBe(1_001)
      expect(await position('other')).toBe(1)
      expect(await position('w')).toBeNull()
    })

    it('[O12a][RUNQ9] queues tell who is in them, who works for them, and who is next, in order', async () => {
      await knows(['story', 1])
      await store(
        storedRun({ id: 'q2', due_at: 20 }),
        storedRun({ id: 'q1', due_at: 10 }),
        storedRun({ id: 'late', due_at: clock.now() + 60_000, ready: 0 }),
        storedRun({ id: 'w', status: 'working', worker: 'w1' }),
        storedRun({ id: 'a', status: 'waiting' }),
        insertRow('run_waits', {
          run_id: 'a',
          kind: 'provider',
          name: 'api',
          detail: '{"kind":"provider","name":"api"}',
        }),
        failedRun({ id: 'f1' }),
        failedRun({ id: 'f2', retried_by: 'x' }),
        insertRow('run_limits', { kind: 'queue', name: 'story', paused: 1, concurrency: 3 }),
        insertRow('run_limits', { kind: 'queue', name: 'empty', paused: 0, concurrency: 0 }),
        insertRow('run_permits', { provider: 'api', slot: 1, run_id: 'w', step_key: 's' }),
      )
      const none = { paused: false, queued: 0, working: 0, waiting: 0, failed: 0, oldestDueAt: null }
      expect(await queries.queues(['known'])).toEqual({
        queues: [
          { ...none, name: 'empty', concurrency: 0 },
          { ...none, name: 'known', concurrency: null },
          {
            ...{ name: 'story', paused: true, concurrency: 3, queued: 3, working: 1, waiting: 1, failed: 1 },
            oldestDueAt: new Date(10).toISOString(),
          },
        ],
        providers: [{ name: 'api', paused: false, concurrency: null, working: 1, waiting: 1 }],
        workers: [
          {
            ...{ id: 'w1', kinds: [{ name: 'story', version: 1 }], working: 1, outside: false },
            seenAt: new Date(clock.now()).toISOString(),
          },
        ],
      })
      const first = await queries.entries('story', { limit: 2, cursor: null })
      const rest = await queries.entries('story', { limit: 2, cursor: first.nextCursor })
      expect(first.items.map(({ id, position }) => [id, position])).toEqual([
        ['q1', 1],
        ['q2', 2],
      ])
      expect(rest).toMatchObject({ items: [{ id: 'late', position: 3 }], nextCursor: null })
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
          step('c', 'a/b c', { started_at: 50, status: 'working', ended_at: null, output: null, provider: 'api' }),
        )
        const page = { limit: 10, cursor: null }
        const told = async (id: string) => {
          return (await queries.steps(id, page)).items.map(({ key, reused, runId }) => [key, reused, runId])
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
        const { items } = await queries.steps('c', page)
        expect(items[1]?.output?.length).toBe(2_000)
        expect(items[2]).toMatchObject({ status: 'working', endedAt: null, output: null, provider: 'api' })
        const first = await queries.steps('c', { limit: 2, cursor: null })
        const rest = await queries.steps('c', { limit: 2, cursor: first.nextCursor })
        expect([...first.items, ...rest.items]).toEqual(items)
        expect(rest.nextCursor).toBeNull()
      })

      it('[O13a][RUNQ7] a run shows its attempts, its line of retries, its children, and what can be done with it', async () => {
        expect(await queries.details('c')).toMatchObject({
          ...{ id: 'c', status: 'working', since: new Date(7).toISOString(), input: {}, result: null },
          attempts: [
            { attempt: 1, worker: 'w1', outcome: 'lost', error: { code: 'UNAVAILABLE', message: 'away' } },
            { attempt: 2, worker: 'w2', outcome: 'working', endedAt: null, error: null },
          ],
          line: [{ id: 'a', status: 'failed' }, { id: 'b' }, { id: 'c', status: 'working' }],
          children: [{ id: 'k', name: 'story', status: 'queued', progress: { percent: 5 } }],
          commands: ['cancel', 'pause', 'steer'],
        })
        expect((await queries.details('a'))?.line.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
        expect((await queries.details('a'))?.commands).toEqual([])
        expect((await queries.details('k'))?.commands).toEqual(['cancel', 'pause', 'steer', 'priority'])
        expect(await queries.details('nobody')).toBeNull()
      })

      it('[RUNQ8] its log are the lines of its stream: by level, in pages, from a place on, or the last ones', async () => {
        await db.commit([
          tell(log, 'c', { type: 'queued', name: 'story', version: 1, queue: 'story', priority: 0 }),
          tell(log, 'c', { type: 'working', attempt: 1, worker: 'w1' }),
          tell(log, 'c', { type: 'log', level: 'debug', message: 'looked' }),
          tell(log, 'c', { type: 'log', level: 'error', message: 'broke' }),
          tell(log, 'c', { type: 'lost', attempt: 1 }),
        ])
        const all = await queries.log('c', { limit: 100 })
        expect(all.nextCursor).toBeNull()
        expect(all.items.map(({ level, message }) => [level, message])).toEqual([
          ['info', 'Queued in "story".'],
          ['info', 'Attempt 1 works at w1.'],
          ['debug', 'looked'],
          ['error', 'broke'],
          ['error', 'The worker is lost: its lease has ended.'],
        ])
        const errors = await queries.log('c', { level: 'error', limit: 1 })
        expect(errors.items.map(({ message }) => message)).toEqual(['broke'])
        const more = await queries.log('c', { level: 'error', limit: 1, after: errors.nextCursor ?? '' })
        expect(more).toMatchObject({ items: [{ type: 'lost', attempt: 1 }], nextCursor: null })
        expect((await queries.log('c', { last: 2, limit: 10 })).items).toEqual(all.items.slice(-2))
        expect((await queries.log('c', { last: 99, limit: 10 })).items).toEqual(all.items)
        // From before runs had streams of their own.
        expect(await queries.log('a', { limit: 10 })).toEqual({ items: [], nextCursor: null })
      })
    })
  })
}

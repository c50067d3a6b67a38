import { describe, expect, it } from 'vitest'
import { useQueryWorld } from './fixtures/query-world.ts'
import type { OpenRunsStore } from './fixtures/run-world.ts'
import { failedRun, insertRow, storedRun } from './fixtures/stored-runs.ts'

/** Why each run waits, where it stands, and what is in the queues (SPEC.md, rules RUNQ). */
export function describeWaiting(name: string, openStore: OpenRunsStore): void {
  describe(`Who waits, and why, on ${name}`, () => {
    const world = useQueryWorld(openStore)
    const { store, knows } = world
    const why = async (id: string) => (await world.queries.summary(id))?.why

    describe('why', () => {
      const due = () => world.clock.now()

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
        world.clock.advance(31_000)
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
          expect(await world.queries.summary(id)).toMatchObject({ status: 'waiting', waits: [given], why: sentence })
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
      const position = async (id: string) => (await world.queries.summary(id))?.position
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
        storedRun({ id: 'late', due_at: world.clock.now() + 60_000, ready: 0 }),
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
      expect(await world.queries.queues(['known'])).toEqual({
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
            seenAt: new Date(world.clock.now()).toISOString(),
          },
        ],
      })
      const first = await world.queries.entries('story', { limit: 2, cursor: null })
      const rest = await world.queries.entries('story', { limit: 2, cursor: first.nextCursor })
      expect(first.items.map(({ id, position }) => [id, position])).toEqual([
        ['q1', 1],
        ['q2', 2],
      ])
      expect(rest).toMatchObject({ items: [{ id: 'late', position: 3 }], nextCursor: null })
    })
  })
}

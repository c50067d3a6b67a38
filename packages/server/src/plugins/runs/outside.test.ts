import type { Problem } from '@holdfast/protocol'
import type { Paged, QueuesView, RunDetails, RunSummary, StepView } from '@holdfast/protocol/runs'
import { createTestWorld, ManualClock, type TestWorld, type TestWorldOptions } from '@holdfast/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ReportReceipt } from '../../runs/outside-work.ts'
import { workApp } from './fixtures/work-app.ts'

interface Claimed {
  run: RunDetails
  attempt: number
  leaseSeconds: number
  heartbeatSeconds: number
}

let world: TestWorld
afterEach(() => world[Symbol.asyncDispose]())

const open = async (options: Partial<TestWorldOptions> = {}) => {
  world = await createTestWorld({ durable: true, apps: () => [workApp({ work: async () => 'ok' })], ...options })
}
const KIND = { name: 'scan', version: 2 }
const start = (more: object = {}) => world.post<RunDetails>('/api/runs', { ...KIND, input: { page: 1 }, ...more })
const read = (id: string) => world.get<RunDetails>(`/api/runs/${id}`)
const claim = (worker = 'w1', more: object = {}) =>
  world.request<Claimed>('/api/queue/claim', { json: { worker, kinds: [KIND], ...more } })
const report = (id: string, path: string, json: object, headers: Record<string, string> = {}) =>
  world.request<ReportReceipt & Problem>(`/api/runs/${id}/${path}`, { json, headers })
/** A run that a worker has claimed. */
const claimed = async (worker?: string, more?: object) => {
  const { id } = await start()
  const { body } = await claim(worker, more)
  expect(body.run.id).toBe(id)
  return { id, attempt: body.attempt }
}
/** They have asked for work, and are known to be there. */
const present = (...workers: string[]) =>
  expect
    .poll(async () => {
      const { workers: all } = await world.get<QueuesView>('/api/queue')
      return all.flatMap(({ id, outside }) => (outside ? [id] : [])).sort()
    })
    .toEqual(workers)
const stepsOf = async (id: string) => (await world.get<Paged<StepView>>(`/api/runs/${id}/steps`)).items
const types = async (id: string) =>
  (await world.get<Paged<{ type: string }>>(`/api/runs/${id}/log?limit=1000`)).items.map(({ type }) => type)

describe('workers outside', () => {
  it('[X3c][RUNAPI12] claim what is due of their kinds, with a lease, and are told what to send when', async () => {
    await open()
    expect((await claim()).status).toBe(204)
    const { id } = await start({ priority: 3 })
    expect(await read(id)).toMatchObject({ status: 'queued', queue: 'scan', position: 1 })
    expect((await claim('w1', { kinds: [{ name: 'scan', version: 1 }] })).status).toBe(204)
    const { status, body } = await claim('w1', { leaseSeconds: 30 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ attempt: 1, leaseSeconds: 30, heartbeatSeconds: 10 })
    expect(body.run).toMatchObject({ id, status: 'working', worker: 'w1', input: { page: 1 } })
    expect((await claim('w2')).status).toBe(204)
    const { items } = await world.get<{ items: object[] }>('/api/runs/kinds')
    expect(items).toContainEqual({ ...KIND, queue: 'scan', phases: [], outside: true })
    const { workers } = await world.get<{ workers: { id: string }[] }>('/api/queue')
    expect(workers).toContainEqual(expect.objectContaining({ id: 'w1', outside: true, working: 1 }))
  })

  it('[X3c][RUNAPI12] who waits is woken by the start of a run, on whichever node, each by another', async () => {
    await open()
    const waiting = ['w1', 'w2'].map((worker) => claim(worker, { waitSeconds: 30 }))
    await present('w1', 'w2')
    const begun = performance.now()
    const runs = [await start(), await start()]
    const claims = await Promise.all(waiting)
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(claims.map(({ body }) => body.run.id).sort()).toEqual(runs.map(({ id }) => id).sort())
    expect(claims.map(({ body }) => body.run.worker)).toEqual(['w1', 'w2'])
    // One whose time comes later is handed over when it does.
    const late = claim('w3', { waitSeconds: 30 })
    const delayed = await start({ delaySeconds: 0.3 })
    expect((await late).body.run.id).toBe(delayed.id)
  })

  it('[X3c][RUNAPI12] while nothing falls due nobody asks the store for it, and whoever came first is served first', async () => {
    const clock = new ManualClock()
    await open({ clock, ground: 'sqlite' })
    const first = claim('w1', { waitSeconds: 30 })
    await present('w1')
    const second = claim('w2', { waitSeconds: 30 })
    await present('w1', 'w2')
    const read = vi.spyOn(world.db, 'read')
    const looks = () => read.mock.calls.filter(([{ sql }]) => sql.includes('string_agg')).length
    for (let second = 0; second < 9; second += 1) clock.advance(1_000)
    await world.get('/api/queue')
    expect(looks()).toBe(0)
    const { id } = await start()
    expect((await first).body.run).toMatchObject({ id, worker: 'w1' })
    const next = await start()
    expect((await second).body.run).toMatchObject({ id: next.id, worker: 'w2' })
  })

  it('[X3c][RUNAPI12] who leaves while waiting takes nothing with them, and a server that closes lets everybody go', async () => {
    await open()
    const gone = new AbortController()
    const left = fetch(`${world.url}/api/queue/claim`, {
      method: 'POST',
      signal: gone.signal,
      headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ worker: 'w1', kinds: [KIND], waitSeconds: 30 }),
    }).catch(() => null)
    await present('w1')
    gone.abort()
    await left
    const { id } = await start()
    expect((await claim('w2')).body.run.id).toBe(id)
    const waiting = claim('w3', { waitSeconds: 30 }).then(
      ({ status }) => status,
      () => 'cut off',
    )
    await present('w1', 'w2', 'w3')
    const begun = performance.now()
    await world.restart()
    expect([204, 'cut off']).toContain(await waiting)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  it('[X3c][RUNAPI1] a run is begun at once by the worker that starts it', async () => {
    await open()
    const run = await start({ worker: 'w9' })
    expect(run).toMatchObject({ status: 'working', worker: 'w9', attempt: 1 })
    expect((await report(run.id, 'finish', { attempt: 1, status: 'done', result: { n: 1 } })).status).toBe(200)
    expect(await read(run.id)).toMatchObject({ status: 'done', result: { n: 1 } })
    const ours = await world.request<Problem>('/api/runs', {
      json: { name: 'work', input: { n: 1 }, version: 3, worker: 'w9', delaySeconds: 60 },
    })
    expect([ours.status, ours.body.errors?.[0]?.field]).toEqual([400, 'worker'])
  })

  it('[X3c][RUNAPI13] what they report stands in the run like work of our own: steps, progress, log, end', async () => {
    await open()
    const { id, attempt } = await claimed()
    expect((await report(id, 'heartbeat', { attempt })).body).toEqual({ cancelRequested: false, paused: false })
    await report(id, 'steps', { attempt, key: 'read/a', status: 'started' })
    expect((await report(id, 'steps', { attempt, key: 'read/a', status: 'done', output: { pages: 3 } })).body).toEqual({
      ...{ cancelRequested: false, paused: false },
      step: { status: 'done' },
    })
    const error = { code: 'NOT_READABLE', message: 'Page 2 is blank.' }
    await report(id, 'steps', { attempt, key: 'read/b', status: 'started' })
    await report(id, 'steps', { attempt, key: 'read/b', status: 'failed', error })
    await report(id, 'progress', { attempt, done: 1, total: 4, unit: 'pages', message: 'reading' })
    await report(id, 'log', { attempt, level: 'warn', message: 'page 2 is blank' })
    expect(await stepsOf(id)).toMatchObject([
      { key: 'read/a', status: 'done', attempt: 1, tries: 1, output: '{"pages":3}', error: null },
      { key: 'read/b', status: 'failed', error },
    ])
    expect((await read(id)).progress).toMatchObject({
      percent: 25,
      done: 1,
      total: 4,
      unit: 'pages',
      message: 'reading',
    })
    expect((await report(id, 'finish', { attempt, status: 'failed', error })).status).toBe(200)
    expect(await read(id)).toMatchObject({ status: 'failed', error, attempts: [{ outcome: 'failed', worker: 'w1' }] })
    expect(await types(id)).toEqual([
      ...['queued', 'working', 'step_started', 'step_done', 'step_started', 'step_failed'],
      ...['progress', 'log', 'failed'],
    ])
    const info = await world.request(`/v1/stream/runs/${id}`, { method: 'HEAD' })
    expect(info.headers.get('stream-closed')).toBe('true')
  })

  it('[X3c][RUNAPI13] the same report again is one', async () => {
    await open()
    const { id, attempt } = await claimed()
    const twice = async (path: string, json: object, headers?: Record<string, string>) => {
      const first = await report(id, path, { attempt, ...json }, headers)
      expect(await report(id, path, { attempt, ...json }, headers)).toMatchObject({ status: 200, body: first.body })
    }
    await twice('steps', { key: 'a', status: 'started', effect: 'unsafe' })
    await twice('steps', { key: 'a', status: 'done', output: 1 })
    const error = { code: 'X', message: 'x' }
    await twice('steps', { key: 'b', status: 'failed', error })
    await twice('log', { level: 'info', message: 'once' }, { 'idempotency-key': 'line-1' })
    await twice('finish', { status: 'done' })
    expect(await types(id)).toEqual(['queued', 'working', 'step_started', 'step_done', 'step_failed', 'log', 'done'])
    expect((await stepsOf(id)).map(({ key }) => key).sort()).toEqual(['a', 'b'])
  })

  it('[X3c][RUNAPI13] they are told that a person has cancelled or paused the run, and a cancel is not outrun', async () => {
    await open()
    const { id, attempt } = await claimed()
    await world.post(`/api/runs/${id}/pause`)
    expect((await report(id, 'heartbeat', { attempt })).body).toEqual({ cancelRequested: false, paused: true })
    await world.post(`/api/runs/${id}/resume`)
    await world.post(`/api/runs/${id}/cancel`)
    expect((await report(id, 'progress', { attempt, done: 1 })).body).toEqual({ cancelRequested: true, paused: false })
    const outrun = await report(id, 'finish', { attempt, status: 'done', result: 1 })
    expect([outrun.status, outrun.body.code]).toEqual([409, 'CANCELLED'])
    expect((await read(id)).status).toBe('working')
    expect((await report(id, 'finish', { attempt, status: 'cancelled' })).status).toBe(200)
    expect(await read(id)).toMatchObject({ status: 'cancelled', error: null })
  })

  it('[X3a][RUNAPI14] one that falls silent is shown as quiet, stalled and lost; another goes on; when it wakes it changes nothing', async () => {
    const clock = new ManualClock()
    await open({ clock, ground: 'sqlite' })
    const { id, attempt } = await claimed('w1', { leaseSeconds: 60 })
    await report(id, 'steps', { attempt, key: 'first', status: 'done', output: 'kept' })
    const passing = async (status: string) => {
      await expect
        .poll(async () => {
          clock.advance(1_000)
          return (await read(id)).status
        })
        .toBe(status)
    }
    await passing('quiet')
    await report(id, 'heartbeat', { attempt })
    expect((await read(id)).status).toBe('working')
    await passing('quiet')
    await passing('stalled')
    await passing('lost')
    const { body } = await claim('w2')
    expect(body).toMatchObject({ attempt: 2, run: { id, worker: 'w2' } })
    const before = await world.request(`/v1/stream/runs/${id}`)
    const late: [string, object][] = [
      ['heartbeat', {}],
      ['progress', { done: 9 }],
      ['steps', { key: 'late', status: 'started', effect: 'unsafe' }],
      ['steps', { key: 'late', status: 'done' }],
      ['steps', { key: 'late', status: 'failed', error: { code: 'X', message: 'x' } }],
      ['log', { level: 'info', message: 'late' }],
      ['finish', { status: 'done' }],
      ['finish', { status: 'cancelled' }],
    ]
    for (const [path, json] of late) {
      const { status, body: problem } = await report(id, path, { attempt: 1, ...json })
      expect({ path, status, code: problem.code }).toEqual({ path, status: 409, code: 'FENCED' })
    }
    expect((await world.request(`/v1/stream/runs/${id}`)).text).toBe(before.text)
    expect((await stepsOf(id)).map(({ key }) => key)).toEqual(['first'])
    // The one that goes on finds what was done.
    const again = await report(id, 'steps', { attempt: 2, key: 'first', status: 'started' })
    expect(again.body.step).toEqual({ status: 'done', output: 'kept' })
    expect((await report(id, 'finish', { attempt: 2, status: 'done' })).status).toBe(200)
    expect(
      (await report(id, 'finish', { attempt: 2, status: 'failed', error: { code: 'X', message: 'x' } })).status,
    ).toBe(409)
    expect((await report(id, 'heartbeat', { attempt: 2 })).body.code).toBe('FENCED')
  })

  it('[X3c][RUNAPI12] a run whose workers are lost again and again is parked, with its last error, until a person resumes it', async () => {
    const clock = new ManualClock()
    await open({ clock, ground: 'sqlite' })
    const { id } = await start()
    const lose = async () => {
      await expect
        .poll(async () => {
          clock.advance(1_000)
          return (await read(id)).status
        })
        .toBe('lost')
    }
    for (let crash = 1; crash <= 5; crash += 1) {
      expect((await claim('w1', { leaseSeconds: 5 })).body.attempt).toBe(crash)
      await lose()
    }
    expect((await claim('w2')).status).toBe(204)
    expect(await read(id)).toMatchObject({
      status: 'waiting',
      waits: [{ kind: 'parked', error: { code: 'RUN_CRASHED', message: 'Its workers were lost 5 times.' } }],
      commands: expect.arrayContaining(['resume', 'cancel']),
    })
    await world.post(`/api/runs/${id}/resume`)
    expect((await claim('w2')).body.run.id).toBe(id)
  })

  it('[X3c][RUNAPI15] an unsafe step has its intent on disk before it is done; after a crash a person decides', async () => {
    const clock = new ManualClock()
    await open({ clock, ground: 'sqlite' })
    const { id, attempt } = await claimed('w1', { leaseSeconds: 5 })
    const started = { key: 'mail', status: 'started', effect: 'unsafe' }
    expect((await report(id, 'steps', { attempt, ...started })).body.step).toEqual({ status: 'working' })
    expect(await stepsOf(id)).toMatchObject([{ key: 'mail', status: 'working', effect: 'unsafe' }])
    await expect
      .poll(async () => {
        clock.advance(1_000)
        return (await read(id)).status
      })
      .toBe('lost')
    const second = await claim('w2')
    const unknown = await report(id, 'steps', { attempt: second.body.attempt, ...started })
    expect(unknown.body.step).toEqual({ status: 'unknown' })
    expect(await read(id)).toMatchObject({
      status: 'waiting',
      why: 'Nobody knows whether the step "mail" was done: a person decides.',
    })
    // That attempt is over.
    expect((await report(id, 'heartbeat', { attempt: 2 })).body.code).toBe('FENCED')
    await world.post(`/api/runs/${id}/steps/mail/decision`, { decision: 'done', output: 'm1' })
    const third = await claim('w3')
    const known = await report(id, 'steps', { attempt: third.body.attempt, ...started })
    expect(known.body.step).toEqual({ status: 'done', output: 'm1' })
  })

  it('[X3c][RUNAPI15] an unsafe step that failed is unknown, unless it surely was not done', async () => {
    await open()
    const error = { code: 'NO_ROUTE', message: 'no line' }
    const { id, attempt } = await claimed()
    const started = { attempt, key: 'mail', status: 'started', effect: 'unsafe' }
    await report(id, 'steps', started)
    const failed = { attempt, key: 'mail', status: 'failed', error }
    expect((await report(id, 'steps', { ...failed, notDone: true })).body.step).toEqual({ status: 'failed' })
    expect((await report(id, 'steps', started)).body.step).toEqual({ status: 'working' })
    expect(await stepsOf(id)).toMatchObject([{ tries: 2, status: 'working' }])
    expect((await report(id, 'steps', failed)).body.step).toEqual({ status: 'unknown' })
    expect((await read(id)).waits).toEqual([{ kind: 'decision', name: 'mail' }])
    await world.post(`/api/runs/${id}/steps/mail/decision`, { decision: 'repeat' })
    const next = await claim('w2')
    expect((await report(id, 'steps', { ...started, attempt: next.body.attempt })).body.step).toEqual({
      status: 'working',
    })
  })

  it('[O13b][RUNAPI13] a retry of a run outside finds the steps that were done', async () => {
    await open()
    const { id, attempt } = await claimed()
    await report(id, 'steps', { attempt, key: 'a', status: 'done', output: [1] })
    await report(id, 'finish', { attempt, status: 'failed', error: { code: 'X', message: 'x' } })
    const { run } = await world.post<{ run: RunSummary }>(`/api/runs/${id}/retry`)
    const { body } = await claim('w2')
    expect(body.run).toMatchObject({ id: run.id, retryOf: id })
    const known = await report(run.id, 'steps', { attempt: 1, key: 'a', status: 'started' })
    expect(known.body.step).toEqual({ status: 'done', output: [1] })
    expect(await stepsOf(run.id)).toMatchObject([{ key: 'a', reused: true, runId: id }])
  })

  it('[RUNAPI2] what is wrong with a claim or a report is named by field, and changes nothing', async () => {
    await open()
    const { id, attempt } = await claimed()
    const before = await world.request(`/v1/stream/runs/${id}`)
    const cases: [string, object, string][] = [
      ['/api/queue/claim', {}, 'worker'],
      ['/api/queue/claim', { worker: 'w', kinds: [] }, 'kinds'],
      ['/api/queue/claim', { worker: 'w', kinds: [{ name: 'a' }] }, 'kinds[0].version'],
      ['/api/queue/claim', { worker: 'w', kinds: [KIND], waitSeconds: 31 }, 'waitSeconds'],
      ['/api/queue/claim', { worker: 'w', kinds: [KIND], leaseSeconds: 1 }, 'leaseSeconds'],
      [`/api/runs/${id}/heartbeat`, {}, 'attempt'],
      [`/api/runs/${id}/heartbeat`, { attempt: 0 }, 'attempt'],
      [`/api/runs/${id}/heartbeat`, { attempt: 1e300 }, 'attempt'],
      [`/api/runs/${id}/progress`, { attempt, done: -1 }, 'done'],
      [`/api/runs/${id}/progress`, { attempt, done: 'many' }, 'done'],
      [`/api/runs/${id}/progress`, { attempt, message: 'x'.repeat(201) }, 'message'],
      [`/api/runs/${id}/steps`, { attempt, key: '', status: 'started' }, 'key'],
      [`/api/runs/${id}/steps`, { attempt, key: 'a', status: 'begun' }, 'status'],
      [`/api/runs/${id}/steps`, { attempt, key: 'a', status: 'failed' }, 'error'],
      [`/api/runs/${id}/steps`, { attempt, key: 'a', status: 'started', effect: 'odd' }, 'effect'],
      [`/api/runs/${id}/log`, { attempt, level: 'loud', message: 'x' }, 'level'],
      [`/api/runs/${id}/log`, { attempt, level: 'info', message: 'x'.repeat(5_000) }, 'message'],
      [`/api/runs/${id}/finish`, { attempt, status: 'gone' }, 'status'],
      [`/api/runs/${id}/finish`, { attempt, status: 'failed', error: { code: 'bad', message: 'x' } }, 'error.code'],
      [`/api/runs/${id}/finish`, { attempt, status: 'done', result: 'x'.repeat(300_000) }, 'result'],
    ]
    for (const [path, json, field] of cases) {
      const { status, body } = await world.request<Problem>(path, { json })
      expect({ path, field, status, code: body.code }).toEqual({ path, field, status: 400, code: 'INVALID_INPUT' })
      expect({ path, fields: body.errors?.map((error) => error.field) }).toMatchObject({
        fields: expect.arrayContaining([field]),
      })
    }
    expect((await report('nobody', 'heartbeat', { attempt: 1 })).status).toBe(404)
    expect((await world.request(`/v1/stream/runs/${id}`)).text).toBe(before.text)
  })
})

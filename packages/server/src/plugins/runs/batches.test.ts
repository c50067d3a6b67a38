import type { Problem } from '@holdfast/protocol'
import type { BatchView, RunDetails, RunSummary } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { write } from '../../db/database.ts'
import { storedRun } from '../../runs/fixtures/stored-runs.ts'
import { broken, type WorkHand, workApp } from './fixtures/work-app.ts'

interface Conflict extends Omit<Problem, 'status'> {
  current: { count: number }
}

let world: TestWorld
let hand: WorkHand
beforeEach(async () => {
  hand = { work: async () => 'ok' }
  world = await createTestWorld({ durable: true, apps: () => [workApp(hand)] })
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (more: object = {}) =>
  world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 }, delaySeconds: 3_600, ...more })
const summary = (id: string) => world.get<RunSummary>(`/api/runs/${id}`)
const batch = (json: object, headers: Record<string, string> = {}) =>
  world.request<BatchView & Conflict>('/api/runs/batches', { json, headers })
const ended = async (id: string) => {
  const view = () => world.get<BatchView>(`/api/runs/batches/${id}`)
  await expect.poll(async () => (await view()).status, { timeout: 20_000 }).toMatch(/done|failed|cancelled/)
  return view()
}
const undo = (id: string) => world.request<BatchView & Conflict>(`/api/runs/batches/${id}/undo`, { method: 'POST' })

describe('batches', () => {
  it('[O12b][RUNAPI10] does to all runs of a filter what is said, tells how far it is, and skips what does not fit', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => start()))
    const other = await start({ name: 'story' })
    const filter = { name: ['work'], status: ['queued', 'cancelled'] }
    await world.post(`/api/runs/${runs[0]?.id}/cancel`)
    const made = await batch({ action: 'cancel', filter, expected: 3 })
    expect(made.status).toBe(202)
    expect(made.headers.get('location')).toBe(`/api/runs/batches/${made.body.id}`)
    expect(made.body).toMatchObject({ action: 'cancel', count: 3, undoable: false, undoOf: null })
    expect(await ended(made.body.id)).toMatchObject({ status: 'done', done: 2, skipped: 1 })
    for (const { id } of runs) expect((await summary(id)).status).toBe('cancelled')
    expect((await summary(other.id)).status).toBe('queued')
    expect(await world.get(`/api/runs/${made.body.id}`)).toMatchObject({
      name: 'batch',
      progress: { done: 3, total: 3, unit: 'runs' },
      result: { done: 2, skipped: 1 },
    })
  })

  it('[O12b][RUNAPI10] is about the runs that were there when it began, by their ids where those are given', async () => {
    const [a, b, c] = [await start(), await start(), await start()]
    const made = await batch({ action: 'pause', filter: { name: ['work'] }, ids: [a.id, b.id], expected: 2 })
    await ended(made.body.id)
    const standing = await Promise.all([a, b, c].map(async ({ id }) => (await summary(id)).paused))
    expect(standing).toEqual([true, true, false])
    const rest = await batch({ action: 'pause', filter: { name: ['work'] }, exceptIds: [a.id, b.id], expected: 1 })
    expect(await ended(rest.body.id)).toMatchObject({ count: 1, done: 1 })
  })

  it('[O13c][RUNAPI10] a stated count that has changed is refused with the count now, and nothing is done', async () => {
    const { id } = await start()
    await start()
    const made = await batch({ action: 'cancel', filter: { name: ['work'] }, expected: 3 })
    expect([made.status, made.body.code, made.body.current]).toEqual([409, 'CONFLICT', { count: 2 }])
    expect((await summary(id)).status).toBe('queued')
    expect(await world.get('/api/runs/count?name=batch')).toMatchObject({ count: 0 })
  })

  it('[O12b][RUNAPI10] the same batch under the same id is one', async () => {
    await start()
    const asked = { action: 'priority', priority: 60, filter: { name: ['work'] } }
    const [first, second] = await Promise.all([1, 2].map(() => batch(asked, { 'idempotency-key': 'b1' })))
    expect([first?.status, second?.status, second?.body.id]).toEqual([202, 202, first?.body.id])
    expect(await world.get('/api/runs/count?name=batch')).toMatchObject({ count: 1 })
  })

  it('[O13b][RUNAPI10] retries all failures of a cause', async () => {
    hand.work = broken
    for (const n of [1, 2, 3]) await start({ input: { n }, delaySeconds: 0 })
    await expect.poll(async () => (await world.get<{ count: number }>('/api/runs/count?status=failed')).count).toBe(3)
    const { items } = await world.get<{ items: { cause: string; count: number }[] }>('/api/runs/failures')
    hand.work = async () => 'better'
    const filter = { cause: items[0]?.cause, retried: false }
    const made = await batch({ action: 'retry', filter, expected: items[0]?.count })
    expect(await ended(made.body.id)).toMatchObject({ done: 3, skipped: 0 })
    await expect
      .poll(async () => (await world.get<{ count: number }>('/api/runs/count?status=done&name=work')).count)
      .toBe(3)
    expect(await world.get('/api/runs/failures')).toEqual({ items: [] })
  })

  it('[O12b][RUNAPI11] takes back pauses and priorities as far as nobody has changed them since', async () => {
    const [a, b, c] = [await start({ priority: 1 }), await start({ priority: 2 }), await start({ priority: 3 })]
    const priorities = () => Promise.all([a, b, c].map(async ({ id }) => (await summary(id)).priority))
    const made = await batch({ action: 'priority', priority: 9, filter: { name: ['work'] } })
    await ended(made.body.id)
    expect(await priorities()).toEqual([9, 9, 9])
    await world.post(`/api/runs/${b.id}/priority`, { priority: 5 })
    const back = await undo(made.body.id)
    expect(back).toMatchObject({ status: 202, body: { action: 'priority', undoOf: made.body.id, count: 3 } })
    expect(await ended(back.body.id)).toMatchObject({ done: 2, skipped: 1 })
    expect(await priorities()).toEqual([1, 5, 3])
    expect((await undo(made.body.id)).body.id).toBe(back.body.id)
    expect((await world.get<BatchView>(`/api/runs/batches/${made.body.id}`)).undoable).toBe(false)

    await world.post(`/api/runs/${a.id}/pause`)
    const paused = await batch({ action: 'pause', filter: { name: ['work'] } })
    expect(await ended(paused.body.id)).toMatchObject({ done: 2, skipped: 1 })
    const resumed = await ended((await undo(paused.body.id)).body.id)
    expect(resumed).toMatchObject({ action: 'resume', done: 2 })
    // It had been paused by somebody else.
    expect(await Promise.all([a, b, c].map(async ({ id }) => (await summary(id)).paused))).toEqual([true, false, false])
    const again = await ended((await undo(resumed.id)).body.id)
    expect(again).toMatchObject({ action: 'pause', done: 2 })
  })

  it('[RUNAPI11] what cancelled or retried is not taken back, and says so', async () => {
    await start()
    const made = await batch({ action: 'cancel', filter: { name: ['work'] } })
    const refused = await undo(made.body.id)
    expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT'])
    expect(refused.body.detail).toBe('A batch of the action cancel cannot be taken back.')
    expect((await undo('nothing')).status).toBe(404)
  })

  it('[O12b][RUNAPI10] ten thousand runs go through, across a restart in the middle, each once', {
    timeout: 120_000,
  }, async () => {
    const rows = Array.from({ length: 10_000 }, (_, n) =>
      storedRun({
        id: `many-${String(n).padStart(5, '0')}`,
        name: 'work',
        version: 3,
        queue: 'bulk',
        ready: 0,
        wake_at: 9e12,
      }),
    )
    await world.db.commit([write(...rows)])
    const made = await batch({ action: 'priority', priority: 30, filter: { queue: ['bulk'] }, expected: 10_000 })
    const view = () => world.get<BatchView>(`/api/runs/batches/${made.body.id}`)
    await expect.poll(async () => (await view()).done, { timeout: 60_000 }).toBeGreaterThan(300)
    await world.restart()
    await expect.poll(async () => (await view()).status, { timeout: 90_000, interval: 100 }).toBe('done')
    expect(await view()).toMatchObject({ count: 10_000, done: 10_000, skipped: 0 })
    const [told] = await world.db.read<{ commands: number; runs: number }>({
      sql: `SELECT COUNT(*) AS commands, COUNT(DISTINCT run_id) AS runs FROM run_commands WHERE command = 'priority'`,
      params: [],
    })
    expect(told).toEqual({ commands: 10_000, runs: 10_000 })
    const [set] = await world.db.read<{ n: number }>({
      sql: `SELECT COUNT(*) AS n FROM runs WHERE queue = 'bulk' AND priority = 30`,
      params: [],
    })
    expect(set?.n).toBe(10_000)
  })

  it('[RUNAPI2] what is wrong with a batch is named by field, and nothing is begun', async () => {
    const cases: [unknown, string][] = [
      [{}, 'action'],
      [{ action: 'explode' }, 'action'],
      [{ action: 'priority' }, 'priority'],
      [{ action: 'cancel', priority: 1 }, 'priority'],
      [{ action: 'cancel', filter: { status: 'queued' } }, 'filter.status'],
      [{ action: 'cancel', filter: { status: ['asleep'] } }, 'filter.status[0]'],
      [{ action: 'cancel', filter: { nmae: ['x'] } }, 'filter'],
      [{ action: 'cancel', ids: [] }, 'ids'],
      [{ action: 'cancel', ids: ['a', '../b'] }, 'ids[1]'],
      [{ action: 'cancel', expected: -1 }, 'expected'],
    ]
    for (const [json, field] of cases) {
      const { status, body } = await batch(json as object)
      expect({ json, status }).toEqual({ json, status: 400 })
      expect({ json, fields: new Set(body.errors?.map((error) => error.field)) }).toEqual({
        json,
        fields: new Set([field]),
      })
    }
    expect(await world.get('/api/runs/count')).toMatchObject({ count: 0 })
  })
})

import type { Problem } from '@holdfast/protocol'
import type { Paged, QueuesView, QueueView, RunDetails, RunSummary, ScheduleView } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { untilStopped, type WorkHand, workApp } from './fixtures/work-app.ts'

let world: TestWorld
let hand: WorkHand
beforeEach(async () => {
  hand = { work: untilStopped }
  world = await createTestWorld({ durable: true, apps: () => [workApp(hand)] })
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (more: object = {}) => world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 }, ...more })
const summary = (id: string) => world.get<RunSummary>(`/api/runs/${id}`)
const queueOf = async (name: string) =>
  (await world.get<QueuesView>('/api/queue')).queues.find((each) => each.name === name)

describe('queues', () => {
  it('[O12b][RUNAPI9] a paused queue begins nothing and says so, also after a restart, and goes on when it is let', async () => {
    expect(await world.post<QueueView>('/api/queue/desk', { paused: true })).toMatchObject({
      name: 'desk',
      paused: true,
    })
    const { id } = await start()
    const second = await start()
    await world.restart()
    expect(await summary(id)).toMatchObject({ status: 'queued', position: 1, why: 'The queue "desk" is paused.' })
    expect((await summary(second.id)).position).toBe(2)
    expect(await queueOf('desk')).toMatchObject({ paused: true, queued: 2, working: 0 })
    await world.post('/api/queue/desk', { paused: false })
    await expect.poll(async () => (await summary(second.id)).status).toBe('working')
  })

  it('[O12a][RUNAPI9] a bound says how many of how many work, 0 holds back, null takes it away', async () => {
    await world.post('/api/queue/desk', { concurrency: 1 })
    const first = await start()
    await expect.poll(async () => (await summary(first.id)).status).toBe('working')
    const second = await start()
    const full = 'The queue "desk" is full: 1 of 1 run at the same time.'
    expect(await summary(second.id)).toMatchObject({ status: 'queued', why: full })
    const entries = await world.get<Paged<RunSummary>>('/api/queue/desk/entries')
    expect(entries.items).toMatchObject([{ id: second.id, position: 1, why: full }])
    await world.post('/api/queue/desk', { concurrency: null })
    await expect.poll(async () => (await summary(second.id)).status).toBe('working')
    await world.post('/api/queue/desk', { concurrency: 0 })
    const third = await start()
    expect((await summary(third.id)).why).toBe('The queue "desk" may work on nothing: its limit is 0.')
  })

  it('[O12a][RUNAPI9] a provider with a bound lets so many steps at it, and says who waits', async () => {
    hand.work = (context) => context.step('call', () => untilStopped(context), { provider: 'api' })
    expect(await world.post('/api/queue/providers/api', { concurrency: 1 })).toEqual({
      ...{ name: 'api', paused: false, concurrency: 1, working: 0, waiting: 0 },
    })
    const first = await start()
    await expect.poll(async () => (await world.get<QueuesView>('/api/queue')).providers[0]?.working).toBe(1)
    const second = await start()
    const why = 'The provider "api" is full: 1 of 1 step at the same time.'
    await expect.poll(async () => (await summary(second.id)).why).toBe(why)
    expect((await world.get<QueuesView>('/api/queue')).providers).toMatchObject([
      { name: 'api', working: 1, waiting: 1 },
    ])
    await world.post(`/api/runs/${first.id}/cancel`)
    await expect.poll(async () => (await summary(second.id)).status).toBe('working')
  })

  it('[RUNAPI9] names are URL-encoded: a queue may be called anything that fits in a line', async () => {
    const name = 'a/b c?d#e%f'
    await world.post(`/api/queue/${encodeURIComponent(name)}`, { paused: true })
    await start({ queue: name })
    const { items } = await world.get<Paged<RunSummary>>(`/api/queue/${encodeURIComponent(name)}/entries`)
    expect(items).toMatchObject([{ queue: name, why: `The queue "${name}" is paused.` }])
  })

  it('[RUNAPI2] what is wrong with a setting is named by field, and sets nothing', async () => {
    const cases: [string, unknown, string][] = [
      ['/api/queue/desk', {}, ''],
      ['/api/queue/desk', { paused: 'yes' }, 'paused'],
      ['/api/queue/desk', { concurrency: -1 }, 'concurrency'],
      ['/api/queue/desk', { concurrency: 1.5 }, 'concurrency'],
      ['/api/queue/desk', { concurrency: 10_001 }, 'concurrency'],
      ['/api/queue/desk', { speed: 1 }, ''],
      [`/api/queue/${'x'.repeat(201)}`, { paused: true }, 'name'],
      ['/api/queue/a%0Ab', { paused: true }, 'name'],
      ['/api/queue/providers/desk', { concurrency: '1' }, 'concurrency'],
      ['/api/schedules', { name: 'work', input: { n: 1 }, cron: 'often' }, 'cron'],
      ['/api/schedules', { name: 'work', input: { n: 'x' }, cron: '* * * * *' }, 'input.n'],
      ['/api/schedules', { name: 'work', input: { n: 1 }, cron: '* * * * *', timezone: 'Mars/North' }, 'timezone'],
    ]
    for (const [path, json, field] of cases) {
      const { status, body } = await world.request<Problem>(path, { json })
      expect({ path, json, status }).toEqual({ path, json, status: 400 })
      const fields = new Set(body.errors?.map((error) => error.field))
      expect({ path, fields }).toEqual({ path, fields: new Set([field]) })
    }
    expect(await queueOf('desk')).toMatchObject({ paused: false, concurrency: null })
    expect(await world.get('/api/schedules')).toEqual({ items: [] })
  })

  it('[RUNAPI16] a schedule is made, paused, changed and removed, and lists are told', async () => {
    const body = { name: 'work', input: { n: 1 }, cron: '0 3 * * *', timezone: 'Europe/Berlin' }
    const made = await world.request<ScheduleView>('/api/schedules', { json: body })
    const { id } = made.body
    expect([made.status, made.headers.get('location')]).toEqual([201, `/api/schedules/${id}`])
    expect(await world.get('/api/schedules')).toEqual({ items: [made.body] })
    expect(await world.post(`/api/schedules/${id}`, { paused: true })).toMatchObject({ paused: true, nextAt: null })
    const changed = await world.post<ScheduleView>(`/api/schedules/${id}`, { paused: false, cron: '30 4 * * *' })
    expect(changed).toMatchObject({ cron: '30 4 * * *', nextAt: expect.stringMatching(/:30:00\.000Z$/) })
    const told = async () => (await world.request('/v1/stream/operators/queue')).text
    await expect.poll(told).toContain(`{"kind":"schedule","name":"${id}"`.slice(1))
    expect((await world.request(`/api/schedules/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await world.get('/api/schedules')).toEqual({ items: [] })
  })

  it('[X3b][RUNAPI17] a run and the changes of lists are streams like any other: read, folded, described', async () => {
    const { id, runStream } = await start()
    await expect.poll(async () => (await summary(id)).status).toBe('working')
    const state = await world.get<{ state: object }>(`/v1/stream/${runStream}?view=state`)
    expect(state.state).toMatchObject({ status: 'working', name: 'work', queue: 'desk', attempt: 1 })
    const socket = world.socket(`/v1/stream/${runStream}?offset=-1`)
    await expect.poll(() => JSON.stringify(socket.messages)).toContain('"type":"working"')
    await world.post(`/api/runs/${id}/cancel`)
    await expect.poll(() => JSON.stringify(socket.messages)).toContain('"type":"cancelled"')
    await expect.poll(async () => (await world.request('/v1/stream/operators/queue')).text).toContain(`"id":"${id}"`)
    const { channels } = await world.get<{ channels: Record<string, { address: string }> }>('/asyncapi.json')
    const addresses = Object.values(channels).map(({ address }) => address)
    expect(addresses).toEqual(expect.arrayContaining(['/v1/stream/runs/{id}', '/v1/stream/operators/queue']))
  })
})

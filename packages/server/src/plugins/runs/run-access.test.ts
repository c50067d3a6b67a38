import type { Problem } from '@holdfast/protocol'
import type { RunDetails } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { story, untilStopped, workApp } from './fixtures/work-app.ts'

let world: TestWorld
beforeEach(async () => {
  world = await createTestWorld({ durable: true, apps: () => [workApp({ work: untilStopped })] })
})
afterEach(() => world[Symbol.asyncDispose]())

const tokenFor = async (...scope: string[]) =>
  (await world.post<{ token: string }>('/api/auth/token', { subject: 'users/u1', scope })).token

/** What is answered to somebody of these scopes: 0 for whatever is not a refusal. */
async function refusals(asked: Record<string, unknown>, token: string | null) {
  const answers: Record<string, number> = {}
  for (const [name, json] of Object.entries(asked)) {
    const [method = 'GET', path = ''] = name.split(' ')
    const { status } = await world.request(path, { method, token, ...(method === 'POST' ? { json } : {}) })
    answers[name] = status === 401 || status === 403 ? status : 0
  }
  return answers
}

const all = (asked: Record<string, unknown>, status: number) =>
  Object.fromEntries(Object.keys(asked).map((name) => [name, status]))

describe('who may', () => {
  const LISTS = {
    'GET /api/runs': null,
    'GET /api/runs/count': null,
    'GET /api/runs/kinds': null,
    'GET /api/runs/failures': null,
    'GET /api/queue': null,
    'GET /api/queue/desk/entries': null,
    'GET /api/schedules': null,
  }
  const SETTINGS = {
    'POST /api/queue/desk': { paused: false },
    'POST /api/queue/providers/api': { paused: false },
    'POST /api/runs/batches': { action: 'pause', filter: { name: ['nothing'] } },
    'POST /api/runs/batches/x/undo': {},
    'GET /api/runs/batches/x': null,
    'POST /api/schedules': { name: 'work', input: { n: 1 }, cron: '0 0 1 1 *' },
    'POST /api/schedules/x': { paused: true },
    'DELETE /api/schedules/x': null,
  }
  const STARTS = {
    'POST /api/runs': { name: 'work', input: { n: 1 }, delaySeconds: 60 },
    'POST /api/queue/claim': { worker: 'w', kinds: [{ name: 'none', version: 1 }] },
  }
  const one = (id: string) => ({
    [`GET /api/runs/${id}`]: null,
    [`GET /api/runs/${id}/steps`]: null,
    [`GET /api/runs/${id}/log`]: null,
  })
  const commands = (id: string) =>
    Object.fromEntries(
      [
        ['pause', {}],
        ['resume', {}],
        ['steer', { message: 'x' }],
        ['approve', {}],
        ['reject', {}],
        ['signals', { name: 'x' }],
        ['priority', { priority: 1 }],
        ['move', { before: 'other' }],
        ['steps/a/decision', { decision: 'repeat' }],
        ['retry', {}],
        ['heartbeat', { attempt: 1 }],
        ['progress', { attempt: 1 }],
        ['steps', { attempt: 1, key: 'a', status: 'started' }],
        ['log', { attempt: 1, level: 'info', message: 'x' }],
        ['finish', { attempt: 1, status: 'cancelled' }],
        ['cancel', {}],
      ].map(([path, json]) => [`POST /api/runs/${id}/${path}`, json]),
    )

  it('[RUNAPI8] nobody without a name is let in, whatever they ask', async () => {
    const asked = { ...LISTS, ...SETTINGS, ...STARTS, ...one('x'), ...commands('x') }
    expect(await refusals(asked, null)).toEqual(all(asked, 401))
  })

  it('[RUNAPI8] whoever may read runs reads lists and runs, and starts, commands and sets nothing', async () => {
    const { id } = await world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 } })
    const token = await tokenFor('read:runs/*')
    const may = { ...LISTS, ...one(id) }
    expect(await refusals(may, token)).toEqual(all(may, 0))
    const mayNot = { ...SETTINGS, ...STARTS, ...commands(id) }
    expect(await refusals(mayNot, token)).toEqual(all(mayNot, 403))
    expect((await world.get<RunDetails>(`/api/runs/${id}`)).cancelRequested).toBe(false)
  })

  it('[RUNAPI8] whoever may manage runs starts, claims and commands them, and sets no queue', async () => {
    const { id } = await world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 } })
    const token = await tokenFor('manage:runs/*')
    const may = { ...LISTS, ...STARTS, ...one(id), ...commands(id) }
    expect(await refusals(may, token)).toEqual(all(may, 0))
    expect(await refusals(SETTINGS, token)).toEqual(all(SETTINGS, 403))
    expect(await refusals(SETTINGS, await tokenFor('manage:operators/queue'))).toEqual(all(SETTINGS, 0))
  })

  it('[RUNAPI8] a run is for whoever may read or manage its own stream, or that of its app', async () => {
    const { id, stream } = await world.post<RunDetails>('/api/runs', { name: 'story', input: { n: 1 } })
    expect(stream).toBe(story.name({ id }))
    const other = await world.post<RunDetails>('/api/runs', { name: 'story', input: { n: 2 } })
    for (const scope of [`read:runs/${id}`, 'read:stories/*', `read:${stream}`]) {
      const token = await tokenFor(scope)
      expect(await refusals(one(id), token)).toEqual(all(one(id), 0))
      expect(await refusals(commands(id), token)).toEqual(all(commands(id), 403))
      expect(await refusals(LISTS, token)).toEqual(all(LISTS, 403))
    }
    const mine = await tokenFor(`manage:${stream}`)
    expect(await refusals(commands(id), mine)).toEqual(all(commands(id), 0))
    expect(await refusals(one(other.id), mine)).toEqual(all(one(other.id), 403))
    await expect.poll(async () => (await world.get<RunDetails>(`/api/runs/${id}`)).status).toBe('cancelled')
  })

  it('[RUNAPI8] whoever may not is not told whether there is such a run', async () => {
    const { id } = await world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 } })
    const token = await tokenFor('manage:stories/*')
    const there = await world.request<Problem>(`/api/runs/${id}`, { token })
    const not = await world.request<Problem>('/api/runs/nobody', { token })
    expect([there.status, not.status]).toEqual([403, 403])
    expect(there.body.detail.replace(id, 'nobody')).toBe(not.body.detail)
  })
})

import type { Problem } from '@holdfast/protocol'
import type { FailureGroup, Paged, RunDetails, RunSummary, StepView } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { broken, type WorkHand, workApp } from './fixtures/work-app.ts'

let world: TestWorld
let hand: WorkHand
beforeEach(async () => {
  hand = { work: async () => 'ok' }
  world = await createTestWorld({ durable: true, apps: () => [workApp(hand)] })
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (body: object) => world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 }, ...body })
const status = async (id: string) => (await world.get<RunDetails>(`/api/runs/${id}`)).status

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`)

describe('starting runs', () => {
  it('[RUNAPI1] answers 201 with the run and its place, and what it comes to', async () => {
    const made = await world.request<RunDetails>('/api/runs', { json: { name: 'work', input: { n: 1 }, priority: 5 } })
    expect(made.status).toBe(201)
    const { id } = made.body
    expect(made.headers.get('location')).toBe(`/api/runs/${id}`)
    expect(made.body).toMatchObject({ name: 'work', version: 3, queue: 'desk', priority: 5, input: { n: 1 } })
    await expect.poll(() => status(id)).toBe('done')
    const read = await world.request<RunDetails>(`/api/runs/${id}`)
    expect(read.headers.get('etag')).toBe(`"${read.body.revision}"`)
    expect(read.body).toMatchObject({ result: 'ok', why: null, attempts: [{ attempt: 1, outcome: 'done' }] })
  })

  it('[RUNAPI1] the same key is the same run, 200, and 409 where the input is another', async () => {
    const asked = (n: number) =>
      world.request<RunDetails>('/api/runs', { json: { name: 'work', input: { n }, key: 'k' } })
    const first = await asked(1)
    const second = await asked(1)
    expect([first.status, second.status, second.body.id]).toEqual([201, 200, first.body.id])
    const other = await asked(2)
    expect([other.status, (other.body as unknown as Problem).code]).toEqual([409, 'CONFLICT'])
  })

  it('[RUNAPI1] a delayed run says when it is due', async () => {
    const { id } = await start({ delaySeconds: 3_600 })
    const run = await world.get<RunSummary>(`/api/runs/${id}`)
    expect(run).toMatchObject({ status: 'queued', why: expect.stringMatching(/^It is due at \d{4}-.* UTC\.$/) })
    const { id: later } = await start({ dueAt: '2100-01-01T01:00:00+01:00' })
    expect((await world.get<RunSummary>(`/api/runs/${later}`)).dueAt).toBe('2100-01-01T00:00:00.000Z')
  })

  it('[RUNAPI2] what is wrong with a start is named by field, and nothing is started', async () => {
    const long = 'x'.repeat(300_000)
    const cases: [unknown, string][] = [
      [{}, 'name'],
      [{ name: 7 }, 'name'],
      [{ name: '' }, 'name'],
      [{ name: 'a\u0000b' }, 'name'],
      [{ name: 'batch' }, 'name'],
      [{ name: 'work', input: { n: 'x' } }, 'input.n'],
      [{ name: 'work', input: { n: 1 }, priority: 1e9 }, 'priority'],
      [{ name: 'work', input: { n: 1 }, priority: 1.5 }, 'priority'],
      [{ name: 'work', input: { n: 1 }, delaySeconds: -1 }, 'delaySeconds'],
      [{ name: 'work', input: { n: 1 }, dueAt: 'tomorrow' }, 'dueAt'],
      [{ name: 'work', input: { n: 1 }, delaySeconds: 1, dueAt: '2100-01-01T00:00:00Z' }, 'dueAt'],
      [{ name: 'work', input: { n: 1 }, key: '' }, 'key'],
      [{ name: 'work', input: { n: 1 }, key: 'a\u0000' }, 'key'],
      [{ name: 'work', input: { n: 1 }, queue: 'claim' }, 'queue'],
      [{ name: 'work', input: { n: 1 }, worker: 'w' }, 'version'],
      [{ name: 'other', version: 1, input: long }, 'input'],
      [{ name: 'other', version: 1, input: nested(101) }, 'input'],
      [{ name: 'other', version: -1, input: 1 }, 'version'],
    ]
    for (const [json, field] of cases) {
      const { status, body } = await world.request<Problem>('/api/runs', { json })
      expect({ field, status, code: body.code }).toEqual({ field, status: 400, code: 'INVALID_INPUT' })
      expect(body.errors?.map((error) => error.field)).toContain(field)
    }
    const deep = `{"name":"other","version":1,"input":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    const headers = { 'content-type': 'application/json' }
    const bomb = await world.request<Problem>('/api/runs', { method: 'POST', body: deep, headers })
    expect([bomb.status, bomb.body.errors?.[0]?.field]).toEqual([400, 'input'])
    const unknown = await world.request<Problem>('/api/runs', { json: { name: 'other', input: 1 } })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'NOT_FOUND'])
    expect((await world.get<{ count: number }>('/api/runs/count')).count).toBe(0)
  })
})

describe('lists of runs', () => {
  it('[O12a][RUNAPI3] filters, searches, sorts and pages by the address alone', async () => {
    for (const n of [1, 2, 3]) await start({ input: { n } })
    await start({ name: 'story', queue: 'shelf', delaySeconds: 60 })
    await expect.poll(async () => (await world.get<{ count: number }>('/api/runs/count?status=done')).count).toBe(3)
    const list = (query: string) => world.get<Paged<RunSummary>>(`/api/runs?${query}`)
    expect((await list('status=queued,waiting')).items.map(({ name }) => name)).toEqual(['story'])
    expect((await list('name=work,nothing&queue=desk')).items).toHaveLength(3)
    expect((await list('q=STO')).items.map(({ queue }) => queue)).toEqual(['shelf'])
    expect((await list('from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z')).items).toEqual([])
    const first = await list('sort=oldest&limit=3')
    const rest = await list(`sort=oldest&limit=3&cursor=${first.nextCursor}`)
    expect([first.items.length, rest.items.length, rest.nextCursor]).toEqual([3, 1, null])
    expect(await world.get('/api/runs/count?name=work,story')).toMatchObject({
      count: 4,
      byStatus: { done: 3, queued: 1, failed: 0 },
    })
    expect(await world.get('/api/runs/kinds')).toEqual({
      items: [
        { name: 'work', version: 3, queue: 'desk', phases: ['read', 'write'], outside: false },
        { name: 'story', version: 1, queue: 'story', phases: [], outside: false },
      ],
    })
  })

  it('[RUNAPI2] what is wrong with a question is named by field', async () => {
    const cases: [string, string][] = [
      ['?status=asleep', 'status[0]'],
      ['?status=', 'status[0]'],
      ['?status=done&status=failed', 'status'],
      ['?wait=luck', 'wait[0]'],
      ['?sort=best', 'sort'],
      ['?limit=0', 'limit'],
      ['?limit=201', 'limit'],
      ['?limit=many', 'limit'],
      ['?cursor=made-up', 'cursor'],
      ['?from=yesterday', 'from'],
      ['?parent=..%2F..%2Fetc', 'parent'],
      ['?retried=maybe', 'retried'],
      ['?q=a%00b', 'q'],
      ['?cause=%00', 'cause'],
      ['?ids=a,%00', 'ids[1]'],
      ['?name=work,%00', 'name[1]'],
      [`?q=${'x'.repeat(201)}`, 'q'],
      [`?name=${Array.from({ length: 51 }, () => 'a').join(',')}`, 'name'],
      ['/not%20an%20id', 'id'],
      [`/${'x'.repeat(129)}`, 'id'],
      ['/a/steps?limit=1e9', 'limit'],
      ['/a/log?level=loud', 'level'],
      ['/a/log?last=-1', 'last'],
    ]
    for (const [path, field] of cases) {
      const { status, body } = await world.request<Problem>(`/api/runs${path}`)
      expect({ path, status, code: body.code }).toEqual({ path, status: 400, code: 'INVALID_INPUT' })
      expect({ path, fields: body.errors?.map((error) => error.field) }).toEqual({ path, fields: [field] })
    }
  })

  it('[RUNAPI4] what is not there is NOT_FOUND: the run, its steps, its log, a batch, a schedule', async () => {
    const paths = ['/api/runs/x', '/api/runs/x/steps', '/api/runs/x/log', '/api/runs/batches/x']
    for (const path of paths) expect((await world.request<Problem>(path)).body.code).toBe('NOT_FOUND')
    for (const command of ['cancel', 'pause', 'retry', 'approve']) {
      const { status } = await world.request(`/api/runs/x/${command}`, { method: 'POST' })
      expect({ command, status }).toEqual({ command, status: 404 })
    }
    expect((await world.request('/api/schedules/x', { method: 'DELETE' })).status).toBe(404)
  })

  it('[O13a][RUNAPI5] shows the steps of a run, its log from the failure on, and failures by cause', async () => {
    hand.work = async (context) => {
      await context.step('read/a b', async () => ({ bytes: 7 }))
      context.log('warn', 'about to write')
      await broken(context)
    }
    const { id } = await start({ input: { n: 1 } })
    await start({ input: { n: 2 } })
    await expect.poll(async () => (await world.get<{ count: number }>('/api/runs/count?status=failed')).count).toBe(2)
    const steps = await world.get<Paged<StepView>>(`/api/runs/${id}/steps`)
    expect(steps.items).toMatchObject([{ key: 'read/a b', status: 'done', reused: false, output: '{"bytes":7}' }])
    type Lines = Paged<{ offset: string; message: string; level: string }>
    const log = await world.get<Lines>(`/api/runs/${id}/log?level=warn`)
    const failed = 'Failed: The source 1 does not answer. (SOURCE_UNREACHABLE)'
    expect(log.items.map(({ message }) => message)).toEqual(['about to write', failed])
    const rest = await world.get<Lines>(`/api/runs/${id}/log?after=${log.items[0]?.offset}`)
    expect(rest.items.at(-1)?.message).toBe(failed)
    expect((await world.get<Lines>(`/api/runs/${id}/log?last=1`)).items.map(({ message }) => message)).toEqual([failed])
    const { items } = await world.get<{ items: FailureGroup[] }>('/api/runs/failures?name=work')
    expect(items).toMatchObject([{ name: 'work', count: 2, error: { code: 'SOURCE_UNREACHABLE' } }])
    const { cause } = items[0] ?? {}
    expect((await world.get<Paged<RunSummary>>(`/api/runs?cause=${cause}&retried=false`)).items).toHaveLength(2)
  })
})

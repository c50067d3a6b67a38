import type { Problem } from '@holdfast/protocol'
import type { CommandReceipt, RunDetails, RunSummary } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { broken, untilStopped, type WorkHand, workApp } from './fixtures/work-app.ts'

interface Conflict extends Problem {
  current: RunSummary
}

let world: TestWorld
let hand: WorkHand
beforeEach(async () => {
  hand = { work: untilStopped }
  world = await createTestWorld({ durable: true, apps: () => [workApp(hand)] })
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (more: object = {}) => world.post<RunDetails>('/api/runs', { name: 'work', input: { n: 1 }, ...more })
const read = (id: string) => world.get<RunDetails>(`/api/runs/${id}`)
const become = (id: string, status: string) => expect.poll(async () => (await read(id)).status).toBe(status)
const command = (id: string, path: string, json: object = {}, headers: Record<string, string> = {}) =>
  world.request<CommandReceipt & Conflict>(`/api/runs/${id}/${path}`, { json, headers })

describe('commands', () => {
  it('[X6a][RUNAPI6] cancel reaches working and queued runs, and is acknowledged with the run as it stands', async () => {
    const { id } = await start()
    await become(id, 'working')
    const answered = await command(id, 'cancel')
    expect(answered.status).toBe(202)
    expect(answered.body).toMatchObject({ command: 'cancel', run: { id, cancelRequested: true } })
    expect(answered.body.commandId).toMatch(/^[0-9a-f-]{36}$/)
    await become(id, 'cancelled')
    const queued = await start({ delaySeconds: 60 })
    expect((await command(queued.id, 'cancel')).body.run).toMatchObject({ status: 'cancelled', position: null })
  })

  it('[X6a][RUNAPI6] a run is steered, approved and answered from another device, also after a restart', async () => {
    hand.work = async (context) => {
      const approval = await context.waitFor<{ approved: boolean }>('approval', { question: 'Send it?' })
      const answer = await context.waitFor<string>('answer')
      const steered = await context.received('steer', 'all')
      return { approval, answer, steered }
    }
    const { id } = await start()
    await become(id, 'waiting')
    await world.restart()
    expect(await read(id)).toMatchObject({ why: 'It waits for approval: Send it?', commands: expect.any(Array) })
    expect((await read(id)).commands).toEqual(['cancel', 'pause', 'steer', 'approve', 'reject', 'priority'])
    expect((await command(id, 'steer', { message: 'Shorter.' })).body.command).toBe('steer')
    expect((await command(id, 'approve', { comment: 'Fine' })).body.command).toBe('approve')
    expect((await command(id, 'signals', { name: 'answer', payload: { x: 1 } })).status).toBe(202)
    await become(id, 'done')
    expect((await read(id)).result).toEqual({
      approval: { payload: { approved: true, comment: 'Fine' }, by: 'operator' },
      answer: { payload: { x: 1 }, by: 'operator' },
      steered: [{ payload: { message: 'Shorter.' }, by: 'operator' }],
    })
  })

  it('[X6a][RUNAPI6] a rejection is an answer; what nobody asked for cannot be approved', async () => {
    hand.work = async (context) => (await context.waitFor('approval'))?.payload
    const { id } = await start()
    await become(id, 'waiting')
    expect((await command(id, 'reject')).status).toBe(202)
    await become(id, 'done')
    expect((await read(id)).result).toEqual({ approved: false })
    const ended = await command(id, 'approve')
    expect([ended.status, ended.body.code, ended.body.current.status]).toEqual([409, 'ALREADY_ENDED', 'done'])
    const other = await start({ delaySeconds: 60 })
    const early = await command(other.id, 'approve')
    expect(early.body).toMatchObject({ code: 'CONFLICT', detail: 'It does not wait for approval: it is queued.' })
    expect(early.body.current).toMatchObject({ id: other.id, status: 'queued' })
  })

  it('[X6a][RUNAPI6] the same command under the same id is one, whoever asks again, also after a restart', async () => {
    hand.work = async (context) => (await context.waitFor('answer'))?.payload
    const { id } = await start()
    await become(id, 'waiting')
    const key = { 'idempotency-key': 'tap-1' }
    const body = { name: 'other', payload: 1 }
    const first = await command(id, 'signals', body, key)
    expect(first.body.commandId).toBe('tap-1')
    await world.restart()
    const second = await command(id, 'signals', body, key)
    expect([second.status, second.body.commandId]).toEqual([202, 'tap-1'])
    const log = await world.get<{ items: { type: string }[] }>(`/api/runs/${id}/log`)
    expect(log.items.filter(({ type }) => type === 'commanded')).toHaveLength(1)
    // It is the command of that run, and of no other.
    const other = await start({ delaySeconds: 60 })
    expect((await command(other.id, 'signals', body, key)).status).toBe(409)
  })

  it('[X6a][RUNAPI6] an approval that was sent again is acknowledged again, though the run has gone on', async () => {
    hand.work = async (context) => (await context.waitFor('approval'))?.payload
    const { id } = await start()
    await become(id, 'waiting')
    const key = { 'idempotency-key': 'yes' }
    expect((await command(id, 'approve', {}, key)).status).toBe(202)
    await become(id, 'done')
    expect(await command(id, 'approve', {}, key)).toMatchObject({ status: 202, body: { run: { status: 'done' } } })
  })

  it('[O13c][RUNAPI7] what is meant for another revision is refused with the run as it stands, and changes nothing', async () => {
    const { id, revision } = await start({ delaySeconds: 60 })
    const seen = { 'if-match': `"${revision}"` }
    const first = await command(id, 'priority', { priority: 7 }, seen)
    expect(first.headers.get('etag')).toBe(`"${first.body.run.revision}"`)
    expect(first.body.run.revision).toBeGreaterThan(revision)
    const late = await command(id, 'cancel', {}, seen)
    expect([late.status, late.body.code]).toEqual([409, 'CONFLICT'])
    expect(late.body.current).toEqual(first.body.run)
    expect(await read(id)).toMatchObject({ status: 'queued', cancelRequested: false, priority: 7 })
    expect((await command(id, 'cancel', {}, { 'if-match': first.headers.get('etag') ?? '' })).status).toBe(202)
    const ended = await command(id, 'pause')
    expect([ended.status, ended.body.code, ended.body.current.status]).toEqual([409, 'ALREADY_ENDED', 'cancelled'])
  })

  it('[X6a][RUNAPI6] a run is paused and goes on', async () => {
    const { id } = await start({ delaySeconds: 60 })
    expect((await command(id, 'pause')).body.run).toMatchObject({ status: 'waiting', why: 'A person paused it.' })
    expect((await read(id)).commands).toContain('resume')
    expect((await command(id, 'resume')).body.run).toMatchObject({ status: 'queued', paused: false })
    expect((await command(id, 'resume')).body).toMatchObject({ code: 'CONFLICT', current: { status: 'queued' } })
  })

  it('[O13b][RUNAPI6] a retry is another run, from the failed step, the start or with another input, and only one', async () => {
    const done: string[] = []
    hand.work = async (context) => {
      await context.step('first', async () => done.push(`first ${context.input.n}`))
      if (context.input.n < 3) await broken(context)
    }
    const { id } = await start()
    await become(id, 'failed')
    const again = await command(id, 'retry')
    expect(again).toMatchObject({ status: 202, body: { command: 'retry', run: { retryOf: id } } })
    const second = again.body.run.id
    expect(again.headers.get('location')).toBe(`/api/runs/${second}`)
    await become(second, 'failed')
    expect(done).toEqual(['first 1'])
    const twice = await command(id, 'retry')
    expect(twice.body).toMatchObject({ code: 'CONFLICT', current: { id, retriedBy: second } })
    const third = (await command(second, 'retry', { from: 'start' })).body.run.id
    await become(third, 'failed')
    expect(done).toEqual(['first 1', 'first 1'])
    const wrong = await command(third, 'retry', { input: { n: 'x' } })
    expect([wrong.status, wrong.body.errors?.[0]?.field]).toEqual([400, 'input.n'])
    const key = { 'idempotency-key': 'try' }
    const last = (await command(third, 'retry', { input: { n: 3 } }, key)).body.run.id
    expect((await command(third, 'retry', { input: { n: 3 } }, key)).body.run.id).toBe(last)
    await become(last, 'done')
    expect(await read(last)).toMatchObject({
      input: { n: 3 },
      line: [{ id }, { id: second }, { id: third }, { id: last }],
    })
    const working = await start({ delaySeconds: 60 })
    expect((await command(working.id, 'retry')).body).toMatchObject({
      code: 'NOT_ENDED',
      current: { status: 'queued' },
    })
  })

  it('[X6a][RUNAPI6] a person decides on a step of which nobody knows whether it was done, its key URL-encoded', async () => {
    let sent = 0
    hand.work = async (context) => {
      const mail = async () => {
        sent += 1
        throw new Error('the line went dead')
      }
      return context.step('mail/a b?', mail, { effect: 'unsafe' })
    }
    const { id } = await start()
    await become(id, 'waiting')
    expect(await read(id)).toMatchObject({
      why: 'Nobody knows whether the step "mail/a b?" was done: a person decides.',
      commands: expect.arrayContaining(['decide']),
    })
    const path = `steps/${encodeURIComponent('mail/a b?')}/decision`
    const wrong = await command(id, 'steps/other/decision', { decision: 'repeat' })
    expect([wrong.status, wrong.body.code, wrong.body.current.status]).toEqual([409, 'CONFLICT', 'waiting'])
    expect((await command(id, path, { decision: 'done', output: { id: 'm1' } })).status).toBe(202)
    await become(id, 'done')
    expect([sent, (await read(id)).result]).toEqual([1, { id: 'm1' }])
  })

  it('[O12a][RUNAPI6] a queued run is moved before and behind others of its queue', async () => {
    await world.post('/api/queue/desk', { paused: true })
    const [a, b, c] = [await start(), await start(), await start()]
    const order = async () =>
      (await world.get<{ items: RunSummary[] }>('/api/queue/desk/entries')).items.map(({ id }) => id)
    expect(await order()).toEqual([a.id, b.id, c.id])
    expect((await command(c.id, 'move', { before: a.id })).body.run.position).toBe(1)
    expect(await order()).toEqual([c.id, a.id, b.id])
    await command(c.id, 'move', { after: a.id })
    expect(await order()).toEqual([a.id, c.id, b.id])
    const other = await start({ queue: 'elsewhere', delaySeconds: 60 })
    expect((await command(c.id, 'move', { before: other.id })).body).toMatchObject({ code: 'CONFLICT' })
  })

  it('[RUNAPI2] what is wrong with a command is named by field, and changes nothing', async () => {
    const { id, revision } = await start({ delaySeconds: 60 })
    const long = 'x'.repeat(5_000)
    const cases: [string, unknown, string, Record<string, string>?][] = [
      ['cancel', { now: true }, ''],
      ['steer', {}, 'message'],
      ['steer', { message: '' }, 'message'],
      ['steer', { message: long }, 'message'],
      ['approve', { comment: 7 }, 'comment'],
      ['signals', { payload: 1 }, 'name'],
      ['signals', { name: 'a'.repeat(201) }, 'name'],
      ['priority', {}, 'priority'],
      ['priority', { priority: '5' }, 'priority'],
      ['priority', { priority: 1e300 }, 'priority'],
      ['move', {}, ''],
      ['move', { before: 'a', after: 'b' }, ''],
      ['move', { before: '../x' }, 'before'],
      ['retry', { from: 'middle' }, 'from'],
      ['steps/a/decision', { decision: 'perhaps' }, 'decision'],
      ['steps/a/decision', { decision: 'repeat', output: 1 }, ''],
      ['steps/a%00b/decision', { decision: 'repeat' }, 'key'],
      ['cancel', {}, 'if-match', { 'if-match': '7' }],
      ['cancel', {}, 'if-match', { 'if-match': '"99999999999999999999"' }],
      ['cancel', {}, 'idempotency-key', { 'idempotency-key': 'a b' }],
      ['cancel', {}, 'idempotency-key', { 'idempotency-key': 'x'.repeat(201) }],
    ]
    for (const [path, json, field, headers = {}] of cases) {
      const { status, body } = await command(id, path, json as object, headers)
      expect({ path, json, status, code: body.code }).toEqual({ path, json, status: 400, code: 'INVALID_INPUT' })
      const fields = new Set(body.errors?.map((error) => error.field))
      expect({ path, fields }).toEqual({ path, fields: new Set([field]) })
    }
    const text = await world.request<Problem>(`/api/runs/${id}/cancel`, { method: 'POST', body: '{' })
    expect(text.status).toBe(400)
    expect((await read(id)).revision).toBe(revision)
  })
})

import { ManualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Database } from '../../db/database.ts'
import { openMemoryDatabase } from '../../db/sqlite-database.ts'
import { FrameSocket } from '../fixtures/frame-socket.ts'
import { type LiveServer, oneNode, startLiveServer, TOKEN } from '../fixtures/live-server.ts'
import { type AskOptions, FrameEvents, readRound } from '../fixtures/many-reader.ts'
import type { SubscribeFrame } from './subscriptions.ts'

let live: LiveServer
const readers: FrameEvents[] = []
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.cut()
  await live[Symbol.asyncDispose]()
})

const start = async (options?: Parameters<typeof startLiveServer>[0]) => {
  live = await startLiveServer(options)
  return live
}
async function follow(...asked: Parameters<typeof FrameEvents.open>): Promise<FrameEvents> {
  const reader = await FrameEvents.open(...asked)
  readers.push(reader)
  return reader
}
const ask = (body: readonly SubscribeFrame[] | string, options: AskOptions = {}) => readRound(live.port, body, options)
const refusal = async (body: unknown, options: AskOptions = {}) => {
  const { status, problem } = await ask(typeof body === 'string' ? body : JSON.stringify(body), options)
  return [status, problem?.code, problem?.errors?.[0]?.field]
}
const tail = async (stream: string) => (await live.server.services.log.info(stream))?.tail ?? ''
/** A store to be changed in parts. */
const grounded = (db: Database): Database => ({
  dialect: db.dialect,
  read: (asked) => db.read(asked),
  commit: (writes) => db.commit(writes),
  onCommitted: (listener) => db.onCommitted(listener),
  close: () => db.close(),
})
const FAULT = 'a connection met an error of ours'
const noted = (kind: string) => live.lines.filter((line) => JSON.parse(line).security === kind).length

describe('what is wrong with a request for many streams', () => {
  it('[READ8] is told of the one stream it is about', async () => {
    await start()
    const { log } = live.server.services
    await live.append('good', '1')
    await live.append('other', '1')
    const foreign = await tail('other')
    const { frames } = await ask([
      { stream: 'no name' },
      { stream: 'none' },
      { stream: 'good', from: 'yesterday' },
      { stream: 'other', from: 'state' },
    ])
    const codes = frames.map((frame) => (frame.type === 'error' ? [frame.stream, frame.error.code] : [frame.type]))
    expect(codes.sort()).toEqual([
      ['good', 'INVALID_OFFSET'],
      ['no name', 'INVALID_INPUT'],
      ['none', 'NOT_FOUND'],
      ['other', 'NO_FOLD'],
    ])
    const again = await ask([{ stream: 'good', from: foreign }], { query: '?wait=30' })
    expect(again.frames.map(({ type }) => type)).toEqual(['reset', 'events', 'up_to_date'])
    expect(again.frames[0]).toMatchObject({ offset: (await log.info('good'))?.head, error: { code: 'OFFSET_GONE' } })
    const reader = await follow(live.port, [{ stream: 'good' }, { stream: 'none' }, { stream: 'other', from: 'x' }])
    await expect.poll(() => reader.of('error').length + reader.of('up_to_date').length).toBe(3)
    await live.append('good', '2')
    await expect.poll(() => reader.events('good')).toEqual([1, 2])
  })

  it('[READ8] what fails on our side is told no more of than that, and its cause stands in the log', async () => {
    const db = openMemoryDatabase()
    let fails = false
    const read: Database['read'] = async (asked) => {
      if (fails) throw new Error('a cause for our eyes only')
      return db.read(asked)
    }
    await start({ db: { ...grounded(db), read } })
    const socket = new FrameSocket(live.port, { headers: { authorization: `Bearer ${TOKEN}` } })
    await socket.until('welcome')
    const faults = () => live.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === FAULT)
    fails = true
    const { frames } = await ask([{ stream: 'a' }])
    expect(frames).toMatchObject([{ type: 'error', stream: 'a', error: { code: 'INTERNAL_ERROR', retry: true } }])
    expect(faults()).toMatchObject([{ level: 50, stream: 'a' }])
    socket.send({ type: 'subscribe', stream: 'b' })
    socket.send({ type: 'append', ref: 1, stream: 'c', events: [1] })
    expect(await socket.until('error', 2)).toMatchObject(Array(2).fill({ error: { code: 'INTERNAL_ERROR' } }))
    fails = false
    expect(faults().map(({ stream }) => stream)).toEqual(['a', 'b', 'c'])
    for (const { err } of faults()) expect(JSON.stringify(err)).toContain('a cause for our eyes only')
    expect(JSON.stringify([frames, socket.frames])).not.toContain('a cause')
    socket.cut()
  })

  it('[READ9] a body that cannot be understood is refused whole, and the field is named', async () => {
    await start({ limits: { subscriptions: 3, requestBytes: 2_048 } })
    await live.append('a', '1')
    const of = (...subscriptions: unknown[]) => ({ subscriptions })
    for (const [body, field] of [
      ['', undefined],
      ['{', undefined],
      ['null', ''],
      ['[]', ''],
      [{}, 'subscriptions'],
      [{ subscriptions: {} }, 'subscriptions'],
      [of(), 'subscriptions'],
      [of(null), 'subscriptions[0]'],
      [of({ stream: 'a' }, {}), 'subscriptions[1].stream'],
      [of({ stream: 1 }), 'subscriptions[0].stream'],
      [of({ stream: 'x'.repeat(513) }), 'subscriptions[0].stream'],
      [of({ stream: 'a', from: 7 }), 'subscriptions[0].from'],
      [of({ stream: 'a', conflate: 'yes' }), 'subscriptions[0].conflate'],
      [of({ stream: 'a' }, { stream: 'b' }, { stream: 'a' }), 'subscriptions[2].stream'],
    ] as const) {
      expect(await refusal(body), JSON.stringify(body)).toEqual([400, 'INVALID_INPUT', field])
    }
    for (const wait of ['x', '-1', '30.5', 'NaN', '1&wait=2', 'Infinity']) {
      expect(await refusal(of({ stream: 'a' }), { query: `?wait=${wait}` })).toEqual([400, 'INVALID_INPUT', 'wait'])
    }
    const four = of(...Array.from('abcd', (stream) => ({ stream })))
    expect(await refusal(four)).toEqual([429, 'TOO_MANY_SUBSCRIPTIONS', 'subscriptions'])
    expect(await refusal(JSON.stringify(of('x'.repeat(3_000))))).toEqual([413, 'TOO_LARGE', undefined])
    const xml = { headers: { 'content-type': 'application/xml' } }
    expect(await refusal('<a/>', xml)).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE', undefined])
    // A newer client may say more.
    const { frames } = await ask(JSON.stringify({ ...of({ stream: 'a', more: 1 }), more: 2 }))
    expect(frames.map(({ type }) => type)).toEqual(['subscribed', 'events', 'up_to_date'])
    expect(live.all.subscriptions).toBe(0)
  })

  it('[READ9] whatever is sent is answered with frames or a coded refusal, and takes nothing down', async () => {
    await start()
    await live.append('a', '1')
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>('a', 'b/c', '-1', 'now', 'state', true, ''))
    const subscription = fc.dictionary(fc.constantFrom('stream', 'from', 'conflate', '__proto__'), field)
    const good = fc.record({
      stream: fc.constantFrom('a', 'b', 'c d'),
      from: fc.constantFrom('-1', 'now', 'state', '0'),
    })
    const list = fc.array(fc.oneof(subscription, good, fc.jsonValue()), { maxLength: 4 })
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      list.map((subscriptions) => JSON.stringify({ subscriptions })),
    )
    const query = fc.constantFrom('', '?wait=0', '?wait=', '?wait=%00', '?wait=0.01', '?other=1')
    const accept = fc.constantFrom('', 'application/json', '*/*', 'text/html')
    await fc.assert(
      fc.asyncProperty(body, query, accept, async (text, query, accept) => {
        const { status, frames, problem } = await ask(text, { query, headers: { accept } })
        if (status === 200) expect(frames.length).toBeGreaterThan(0)
        else expect([400, 429], text).toContain(problem?.status)
      }),
      { numRuns: 300 },
    )
    expect(live.lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([0, 0])
  })
})

describe('who may read many streams', () => {
  it('[READ17] is asked stream by stream; what may not be read disturbs nothing else', async () => {
    await start()
    await live.append('mine/a', '1')
    await live.append('theirs/b', '1')
    const { token } = await live.mint({ subject: 'ann', scope: ['read:mine/*'] })
    const headers = { authorization: `Bearer ${token}` }
    const wanted = [{ stream: 'mine/a' }, { stream: 'theirs/b' }, { stream: 'theirs/none' }]
    const reader = await follow(live.port, wanted, headers)
    await expect.poll(() => [reader.of('error').length, reader.of('up_to_date').length]).toEqual([2, 1])
    expect(reader.of('error').map(({ error }) => error.code)).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    expect(reader.events('theirs/b')).toEqual([])
    expect(reader.frames[0]).toMatchObject({ principal: 'ann', scope: ['read:mine/*'], expiresAt: expect.any(String) })
    const { frames } = await ask(wanted, { headers })
    expect(frames.map(({ type }) => type).sort()).toEqual(['error', 'error', 'events', 'subscribed', 'up_to_date'])
    expect(noted('access_refused')).toBeGreaterThan(0)
    expect(await refusal({ subscriptions: wanted }, { headers: { authorization: '' } })).toEqual([
      401,
      'UNAUTHENTICATED',
      undefined,
    ])
  })

  it('[READ17] a thousand streams that may not be read are no thousand lines in the log', async () => {
    await start({ ground: oneNode() })
    const { token } = await live.mint({ subject: 'ann', scope: ['read:mine/*'] })
    const wanted = Array.from({ length: 1_000 }, (_, index) => ({ stream: `theirs/${index}` }))
    const { frames } = await ask(wanted, { headers: { authorization: `Bearer ${token}` } })
    expect(frames.filter((frame) => frame.type === 'error' && frame.error.code === 'FORBIDDEN').length).toBe(1_000)
    expect(noted('access_refused')).toBe(10)
  })

  it('[READ13] a token that expires ends the response with UNAUTHENTICATED', async () => {
    const clock = new ManualClock()
    await start({ clock })
    await live.append('a', '1')
    const { token } = await live.mint({ subject: 'ann', scope: ['read:a'], expiresIn: 60 })
    const headers = { authorization: `Bearer ${token}` }
    const reader = await follow(live.port, [{ stream: 'a' }], headers)
    await expect.poll(() => reader.of('up_to_date').length).toBe(1)
    clock.advance(50_000)
    const poll = ask([{ stream: 'a', from: await tail('a') }], { query: '?wait=30', headers })
    await expect.poll(() => live.all.subscriptions).toBe(2)
    await expect.poll(() => live.all.buffered.responses).toBeGreaterThan(0)
    clock.advance(10_000)
    await expect.poll(() => reader.ended).toBe(true)
    expect(reader.frames.at(-1)).toMatchObject({ type: 'error', error: { code: 'UNAUTHENTICATED' } })
    expect((await poll).status).toBe(401)
  })

  it('[READ13] signing out everywhere ends what a cookie opened; who is kicked may come back at once', async () => {
    await start({ ground: oneNode() })
    await live.append('a', '1')
    const { headers } = await live.request(`/login?token=${TOKEN}`, { headers: {} })
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const mine = { authorization: '', cookie }
    const byCookie = await follow(live.port, [{ stream: 'a' }], mine)
    const byToken = await follow(live.port, [{ stream: 'a' }])
    for (const reader of [byCookie, byToken]) await expect.poll(() => reader.of('up_to_date').length).toBe(1)
    const poll = ask([{ stream: 'a', from: await tail('a') }], { query: '?wait=30', headers: mine })
    await expect.poll(() => live.all.subscriptions).toBe(3)
    await live.request('/logout?everywhere=true', { method: 'POST', headers: { cookie } })
    await expect.poll(() => byCookie.ended).toBe(true)
    expect(byCookie.frames.at(-1)).toMatchObject({ type: 'error', error: { code: 'UNAUTHENTICATED' } })
    expect((await poll).status).toBe(401)
    expect(byToken.ended).toBe(false)
    live.server.services.sessions.kick('operator')
    await expect.poll(() => byToken.ended).toBe(true)
    expect(byToken.of('error')).toEqual([])
    expect((await ask([{ stream: 'a' }])).status).toBe(200)
  })

  it('[READ14] responses count among the live connections of their address', async () => {
    await start({ ground: oneNode(), limits: { connectionsPerAddress: 2 } })
    await live.append('a', '1')
    const reader = await follow(live.port, [{ stream: 'a' }])
    await expect.poll(() => reader.of('up_to_date').length).toBe(1)
    const poll = ask([{ stream: 'a', from: await tail('a') }], { query: '?wait=30' })
    await expect.poll(() => [live.all.size.responses, live.all.subscriptions]).toEqual([2, 2])
    expect(await refusal({ subscriptions: [{ stream: 'a' }] })).toEqual([429, 'TOO_MANY_CONNECTIONS', undefined])
    const refused = await ask([{ stream: 'a' }], { headers: { accept: 'text/event-stream' } })
    expect([refused.status, refused.headers['content-type']]).toEqual([429, expect.stringContaining('problem+json')])
    const metrics = await live.request('/metrics')
    expect(metrics.text).toContain('holdfast_connections{kind="responses"} 2')
    reader.cut()
    await live.append('a', '2')
    expect((await poll).status).toBe(200)
    await expect.poll(() => live.all.size.responses).toBe(0)
  })

  it('[READ16] pages of other origins ask with a token; with a cookie ours and the allowed ones do', async () => {
    await start({ allowedOrigins: ['https://our.example'] })
    await live.append('a', '1')
    const preflight = await live.request('/v1/read', {
      method: 'OPTIONS',
      headers: { origin: 'https://foreign.example', 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.allow]).toEqual([204, 'POST, OPTIONS'])
    expect(preflight.headers['access-control-allow-origin']).toBe('*')
    const { headers } = await live.request(`/login?token=${TOKEN}`, { headers: {} })
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const from = async (origin: string, own: Record<string, string>) => {
      const answer = await ask([{ stream: 'a' }], { headers: { origin, ...own } })
      return [answer.status, answer.headers['access-control-allow-origin']]
    }
    const byCookie = { authorization: '', cookie }
    expect(await from('https://foreign.example', {})).toEqual([200, '*'])
    expect(await from('https://foreign.example', byCookie)).toEqual([403, '*'])
    expect(await from('https://our.example', byCookie)).toEqual([200, 'https://our.example'])
    const own = `http://127.0.0.1:${live.port}`
    const events = await follow(live.port, [{ stream: 'a' }], {
      origin: own,
      host: `127.0.0.1:${live.port}`,
      ...byCookie,
    })
    await expect.poll(() => events.of('up_to_date').length).toBe(1)
    expect(events.response.headers['access-control-allow-origin']).toBe(own)
  })
})

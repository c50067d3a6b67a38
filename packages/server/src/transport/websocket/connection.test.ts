import { formatOffset, parseOffset, type ServerFrame } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { FrameSocket } from '../fixtures/frame-socket.ts'
import { type LiveServer, oneNode, startLiveServer, TOKEN } from '../fixtures/live-server.ts'

let live: LiveServer
const sockets: FrameSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.cut()
  await live[Symbol.asyncDispose]()
})

async function start(options?: Parameters<typeof startLiveServer>[0]): Promise<LiveServer> {
  live = await startLiveServer(options)
  return live
}

async function connect(options?: ConstructorParameters<typeof FrameSocket>[1]): Promise<FrameSocket> {
  const socket = new FrameSocket(live.port, options)
  sockets.push(socket)
  await socket.opened
  return socket
}

const tailOf = async (stream: string) => (await live.server.services.log.info(stream))?.tail ?? ''
const codeOf = (frame: ServerFrame) => (frame.type === 'error' ? frame.error.code : frame.type)

describe('one WebSocket for many streams: reading', () => {
  it('[WS11] says what it is at once, and reads several streams side by side, each joined to itself', async () => {
    await start()
    await live.append('a', '1', '2')
    await live.append('b', '{"x":1.0}')
    const socket = await connect()
    const [welcome] = await socket.until('welcome')
    expect(welcome).toEqual({
      type: 'welcome',
      protocol: 1,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      heartbeatMs: 25_000,
      principal: 'operator',
      scope: ['manage:*'],
      limits: { subscriptions: 1_000, frameBytes: 1_048_576, appendEvents: 10_000 },
    })
    socket.send({ type: 'subscribe', stream: 'a' })
    socket.send({ type: 'subscribe', stream: 'b' })
    await socket.until('up_to_date', 2)
    await live.append('a', '3')
    await live.append('b', '{"y":2}')
    await expect.poll(() => [socket.events('a').length, socket.events('b').length]).toEqual([3, 2])
    expect(socket.types('a')).toEqual(['subscribed', 'events', 'up_to_date', 'events'])
    expect(socket.texts.some((text) => text.includes('{"x":1.0}'))).toBe(true)
    expect([socket.positions.get('a'), socket.positions.get('b')]).toEqual([await tailOf('a'), await tailOf('b')])
    expect(socket.gaps).toBe(0)
  })

  it('[WS12] begins at the start, at the tail, at an offset or with the state, as asked', async () => {
    await start()
    await live.append('counters/c', ...[1, 2, 3].map((by) => JSON.stringify({ type: 'added', timestamp: '', by })))
    const tail = await tailOf('counters/c')
    const { incarnation } = parseOffset(tail) ?? { incarnation: 0 }
    const at = (seq: number) => formatOffset({ incarnation, seq })
    const read = async (from: string | undefined) => {
      const socket = await connect()
      socket.send({ type: 'subscribe', stream: 'counters/c', ...(from === undefined ? {} : { from }) })
      await socket.until('up_to_date')
      const [subscribed] = await socket.until('subscribed')
      return { subscribed, events: socket.events('counters/c').map((event) => (event as { by: number }).by) }
    }
    const subscribed = { type: 'subscribed', stream: 'counters/c', contentType: 'application/json', sealed: false }
    expect(await read(undefined)).toEqual({ subscribed: { ...subscribed, offset: at(0) }, events: [1, 2, 3] })
    expect(await read('-1')).toEqual({ subscribed: { ...subscribed, offset: at(0) }, events: [1, 2, 3] })
    expect(await read('now')).toEqual({ subscribed: { ...subscribed, offset: tail }, events: [] })
    expect(await read(at(1))).toEqual({ subscribed: { ...subscribed, offset: at(1) }, events: [2, 3] })
    const state = { ...subscribed, offset: tail, state: { sum: 6 }, version: 3 }
    expect(await read('state')).toEqual({ subscribed: state, events: [] })
  })

  it('[WS12] an offset of the stream a fork continues is told by the name the fork gives it', async () => {
    await start()
    await live.append('source', '1', '2', '3')
    const { incarnation } = parseOffset(await tailOf('source')) ?? { incarnation: 0 }
    await live.server.services.log.ensure('fork', { fork: { source: 'source' } })
    const own = parseOffset(await tailOf('fork'))?.incarnation ?? 0
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'fork', from: formatOffset({ incarnation, seq: 1 }) })
    await socket.until('up_to_date')
    const [subscribed] = await socket.until('subscribed')
    expect(subscribed?.offset).toBe(formatOffset({ incarnation: own, seq: 1 }))
    expect([socket.events('fork'), socket.gaps]).toEqual([[2, 3], 0])
  })

  it('[WS13] a subscription that is refused says why, and disturbs no other', async () => {
    await start({ limits: { subscriptions: 3 } })
    for (const stream of ['a', 'b', 'c', 'd']) await live.append(stream, '1')
    const socket = await connect()
    const refusal = async (stream: string, from?: string) => {
      const before = socket.frames.length
      socket.send({ type: 'subscribe', stream, ...(from === undefined ? {} : { from }) })
      await expect.poll(() => socket.frames.length).toBe(before + 1)
      const frame = socket.frames.at(-1)
      return frame?.type === 'error' ? [frame.stream, frame.error.code] : frame
    }
    socket.send({ type: 'subscribe', stream: 'a' })
    await socket.until('up_to_date')
    expect(await refusal('a')).toEqual(['a', 'CONFLICT'])
    expect(await refusal('a b')).toEqual(['a b', 'INVALID_INPUT'])
    expect(await refusal('nothing')).toEqual(['nothing', 'NOT_FOUND'])
    expect(await refusal('b', 'x')).toEqual(['b', 'INVALID_OFFSET'])
    expect(await refusal('b', 'state')).toEqual(['b', 'NO_FOLD'])
    socket.send({ type: 'subscribe', stream: 'b' })
    socket.send({ type: 'subscribe', stream: 'c' })
    await socket.until('up_to_date', 3)
    expect(await refusal('d')).toEqual(['d', 'TOO_MANY_SUBSCRIPTIONS'])
    await live.append('a', '2')
    await expect.poll(() => socket.events('a')).toEqual([1, 2])
    socket.send({ type: 'unsubscribe', stream: 'b' })
    socket.send({ type: 'unsubscribe', stream: 'nothing' })
    await socket.until('unsubscribed', 2)
    await live.append('b', '2')
    socket.send({ type: 'subscribe', stream: 'd' })
    await socket.until('up_to_date', 4)
    expect([socket.events('b'), socket.events('d'), socket.gaps]).toEqual([[1], [1], 0])
    expect(live.all.subscriptions).toBe(3)
  })

  it('[WS14] an ended stream is read to its end, which ends the subscription and not the connection', async () => {
    await start()
    await live.append('a', '1')
    await live.append('b', '1')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'a' })
    socket.send({ type: 'subscribe', stream: 'b' })
    await socket.until('up_to_date', 2)
    await live.seal('a', '2')
    await socket.until('sealed')
    expect(socket.types('a')).toEqual(['subscribed', 'events', 'up_to_date', 'events', 'sealed'])
    socket.send({ type: 'subscribe', stream: 'a', from: socket.positions.get('a') ?? '' })
    await socket.until('sealed', 2)
    expect(socket.types('a').slice(5)).toEqual(['subscribed', 'sealed'])
    await live.append('b', '2')
    await expect.poll(() => socket.events('b')).toEqual([1, 2])
    expect([socket.closed, socket.gaps]).toEqual([null, 0])
  })

  it('[WS15] a position that is no more is reset, with the state where there is one, and reading goes on', async () => {
    await start()
    const added = (by: number) => JSON.stringify({ type: 'added', timestamp: '', by })
    await live.append('counters/c', added(1), added(2))
    await live.append('plain', '1', '2')
    await live.append('other', '1')
    const foreign = await tailOf('other')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'counters/c', from: foreign })
    socket.send({ type: 'subscribe', stream: 'plain', from: foreign })
    await socket.until('up_to_date', 2)
    const resets = await socket.until('reset', 2)
    const error = expect.objectContaining({ code: 'OFFSET_GONE', status: 410 })
    expect(resets).toContainEqual({
      type: 'reset',
      stream: 'counters/c',
      offset: await tailOf('counters/c'),
      error,
      state: { sum: 3 },
      version: 3,
    })
    const { incarnation } = parseOffset(await tailOf('plain')) ?? { incarnation: 0 }
    expect(resets).toContainEqual({
      type: 'reset',
      stream: 'plain',
      offset: formatOffset({ incarnation, seq: 0 }),
      error,
    })
    await live.append('counters/c', added(3))
    await live.append('plain', '3')
    await expect.poll(() => [socket.events('counters/c').length, socket.events('plain')]).toEqual([1, [1, 2, 3]])
    expect(socket.gaps).toBe(0)
  })

  it('[WS16] a stream that is deleted ends its subscription alone', async () => {
    await start()
    await live.append('a', '1')
    await live.append('b', '1')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'a' })
    socket.send({ type: 'subscribe', stream: 'b' })
    await socket.until('up_to_date', 2)
    await live.server.services.log.remove('a')
    const [error] = await socket.until('error')
    expect(error).toEqual({ type: 'error', stream: 'a', error: expect.objectContaining({ code: 'NOT_FOUND' }) })
    await live.append('a', '2')
    await live.append('b', '2')
    await expect.poll(() => socket.events('b')).toEqual([1, 2])
    expect(socket.events('a')).toEqual([1])
    socket.send({ type: 'subscribe', stream: 'a' })
    await expect.poll(() => socket.events('a')).toEqual([1, 2])
  })

  it('[WS17] what is not JSON comes in base64', async () => {
    await start()
    const { log } = live.server.services
    await log.ensure('bytes', { contentType: 'application/octet-stream' })
    await log.appendFrom('bytes', { messages: ['AAEC', '/w=='], contentType: 'application/octet-stream' })
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'bytes' })
    await socket.until('up_to_date')
    expect(socket.events('bytes')).toEqual(['AAEC', '/w=='])
    socket.send({ type: 'append', ref: 1, stream: 'bytes', events: ['AwQ='] })
    await expect.poll(() => socket.events('bytes')).toEqual(['AAEC', '/w==', 'AwQ='])
    socket.send({ type: 'append', ref: 2, stream: 'bytes', events: ['AwQ=', 'no base64!'] })
    const [error] = await socket.until('error')
    expect([error?.error.code, error?.error.errors?.[0]?.field]).toEqual(['INVALID_INPUT', 'events[1]'])
    // As over HTTP, no bytes are no event.
    const before = (await log.info('bytes'))?.tail
    socket.send({ type: 'append', ref: 3, stream: 'bytes', events: [''] })
    await expect.poll(() => socket.frames.filter(({ type }) => type === 'error').length).toBe(2)
    expect((await log.info('bytes'))?.tail).toBe(before)
  })

  it('[WS18] a thousand subscriptions on one connection, made at once, each get their own', async () => {
    await start()
    const { db, log } = live.server.services
    const names = Array.from({ length: 1_000 }, (_, index) => `many/${index}`)
    await db.commit(names.map((name, index) => log.append(name, [String(index)])))
    const socket = await connect()
    for (const stream of names) socket.send({ type: 'subscribe', stream })
    await socket.until('up_to_date', 1_000)
    await db.commit(names.map((name, index) => log.append(name, [String(-1 - index)])))
    await expect.poll(() => socket.frames.filter(({ type }) => type === 'events').length).toBe(2_000)
    for (const [index, name] of names.entries()) expect(socket.events(name)).toEqual([index, -1 - index])
    expect([socket.gaps, live.all.subscriptions]).toEqual([0, 1_000])
    socket.cut()
    await expect.poll(() => live.all.size.connections).toBe(0)
    await live.append('many/0', '1')
    expect(live.all.subscriptions).toBe(0)
  })
})

describe('one WebSocket for many streams: appending', () => {
  it("[WS19] acknowledges with the offset, keeps the writer's bytes, and recognises a repetition", async () => {
    await start()
    await live.server.services.log.ensure('notes', { contentType: 'application/json' })
    const socket = await connect()
    const producer = { id: 'pen', epoch: 0, seq: 0 }
    socket.socket.send(
      '{"type":"append","ref":"a","stream":"notes","events":[ {"2":1.0,"1":[2,{"x":"]"}]} , 12345678901234567890 ],"producer":{"id":"pen","epoch":0,"seq":0}}',
    )
    const [first] = await socket.until('appended')
    const tail = await tailOf('notes')
    expect(first).toEqual({ type: 'appended', ref: 'a', stream: 'notes', offset: tail })
    const page = await live.server.services.log.read('notes', null)
    expect(page.events).toEqual(['{"2":1.0,"1":[2,{"x":"]"}]}', '12345678901234567890'])
    socket.send({ type: 'append', ref: 7, stream: 'notes', events: ['x'], producer })
    const [, second] = await socket.until('appended', 2)
    expect(second).toEqual({ type: 'appended', ref: 7, stream: 'notes', offset: tail, duplicate: true })
    socket.send({ type: 'append', ref: 8, stream: 'notes', events: [], seal: true })
    const [, , third] = await socket.until('appended', 3)
    expect(third).toEqual({ type: 'appended', ref: 8, stream: 'notes', offset: tail, sealed: true })
  })

  it('[WS20] what refuses an append comes with its ref and a code, and nothing is appended', async () => {
    await start({ limits: { appendMessages: 3 } })
    const { log } = live.server.services
    await log.ensure('notes', { contentType: 'application/json' })
    await live.append('counters/c', '{"type":"added","timestamp":"","by":1}')
    await log.ensure('ended', { contentType: 'application/json', sealed: true })
    const socket = await connect()
    const refusal = async (
      stream: string,
      events: unknown[],
      rest: { producer?: { id: string; epoch: number; seq: number } } = {},
    ) => {
      const before = socket.frames.length
      socket.send({ type: 'append', ref: before, stream, events, ...rest })
      await expect.poll(() => socket.frames.length).toBe(before + 1)
      const frame = socket.frames.at(-1)
      if (frame?.type !== 'error') return frame
      expect([frame.ref, frame.stream]).toEqual([before, stream])
      return [frame.error.code, ...(frame.error.errors ?? []).map(({ field, message }) => `${field} ${message}`)]
    }
    await socket.until('welcome')
    expect(await refusal('nothing', [1])).toEqual(['NOT_FOUND'])
    expect(await refusal('a b', [1])).toEqual(['INVALID_INPUT'])
    expect(await refusal('counters/c', [{ type: 'added', by: 1 }])).toEqual(['FORBIDDEN'])
    expect(await refusal('ended', [1])).toEqual(['STREAM_SEALED'])
    expect(await refusal('notes', [])).toEqual(['INVALID_INPUT', 'events is empty'])
    expect(await refusal('notes', [1, 2, 3, 4])).toEqual(['TOO_LARGE'])
    const by = (epoch: number, seq: number) => ({ producer: { id: 'pen', epoch, seq } })
    expect(await refusal('notes', [1], by(0, 5))).toEqual(['PRODUCER_GAP', 'producer.seq expected 0, received 5'])
    expect(await refusal('notes', [1], by(1, 0))).toMatchObject({ type: 'appended' })
    expect(await refusal('notes', [1], by(0, 0))).toEqual(['PRODUCER_FENCED', 'producer.epoch 1 is at work'])
    expect(await refusal('notes', [1], by(2, 3))).toEqual(['INVALID_INPUT', 'producer.seq a new epoch begins at 0'])
    expect((await log.read('notes', null)).events).toEqual(['1'])
  })

  it('[WS21] appends to one stream keep their order without waiting for one another', async () => {
    await start()
    await live.server.services.log.ensure('a', { contentType: 'application/json' })
    await live.server.services.log.ensure('b', { contentType: 'application/json' })
    const socket = await connect()
    const count = 300
    for (let n = 0; n < count; n += 1) {
      const producer = { id: 'pen', epoch: 0, seq: n }
      for (const stream of ['a', 'b'])
        socket.send({ type: 'append', ref: `${stream}${n}`, stream, events: [n], producer })
    }
    await socket.until('appended', 2 * count)
    const numbers = Array.from({ length: count }, (_, index) => String(index))
    for (const stream of ['a', 'b']) {
      expect((await live.server.services.log.read(stream, null)).events).toEqual(numbers)
    }
    expect(socket.frames.some(({ type }) => type === 'error')).toBe(false)
  })
})

describe('one WebSocket for many streams: the connection', () => {
  it('[WS22] frames that cannot be understood are answered and change nothing; too many in a row end it', async () => {
    await start()
    await live.append('a', '1')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'a' })
    await socket.until('up_to_date')
    const before = socket.frames.length
    const bad = [
      'x',
      '[]',
      'null',
      '3',
      '{}',
      '{"type":"event"}',
      '{"type":"subscribe"}',
      '{"type":"subscribe","stream":1}',
      '{"type":"append","stream":"a","events":[1]}',
      '{"type":"append","ref":{},"stream":"a","events":[1]}',
      '{"type":"append","ref":1,"stream":"a","events":1}',
      '{"type":"ping","ref":[]}',
      '{"type":"authenticate"}',
      '{"type":"append","ref":1,"stream":"a","events":[1],"producer":{"id":"","epoch":0,"seq":0}}',
      '{"type":"append","ref":1,"stream":"a","events":[1],"producer":{"id":"x","epoch":-1,"seq":0}}',
      '{"type":"append","ref":1,"stream":"a","events":[1],"seal":"yes"}',
      '{"type":"__proto__"}',
    ]
    for (const text of bad) socket.socket.send(text)
    socket.socket.send(Buffer.from([0, 255]))
    await expect.poll(() => socket.frames.length).toBe(before + bad.length + 1)
    expect(socket.frames.slice(before).map(codeOf)).toEqual(Array(bad.length + 1).fill('INVALID_INPUT'))
    const withRef = socket.frames.slice(before).filter((frame) => frame.type === 'error' && frame.ref === 1)
    expect(withRef.length).toBe(4)
    for (let n = 0; n < 80; n += 1) socket.socket.send('?')
    socket.send({ type: 'ping', ref: 'still there' })
    expect(await socket.until('pong')).toEqual([{ type: 'pong', ref: 'still there', time: expect.any(String) }])
    for (let n = 0; n < 101; n += 1) socket.socket.send('?')
    await expect.poll(() => socket.closed).toEqual({ code: 4503, reason: 'too many malformed frames' })
    expect((await live.server.services.log.read('a', null)).events).toEqual(['1'])
    const large = await connect()
    large.socket.send('x'.repeat(1_048_577))
    await expect.poll(() => large.closed?.code).toBe(1009)
    expect((await live.request('/health')).status).toBe(200)
  })

  it('[WS23] a refusal comes before the upgrade, and a plain request is told what is here', async () => {
    await start({ ground: oneNode(), limits: { connectionsPerAddress: 2 } })
    await live.append('s', '1')
    expect((await connect({ headers: {} })).refused).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
    expect((await connect({ headers: { authorization: 'Bearer wrong' } })).refused?.status).toBe(401)
    expect((await live.request('/v1/ws')).json().code).toBe('INVALID_INPUT')
    const first = await connect()
    const other = live.socket('/v1/stream/s')
    await expect.poll(() => other.types).toContain('up_to_date')
    expect((await connect()).refused).toEqual({ status: 429, code: 'TOO_MANY_CONNECTIONS' })
    const refused = live.socket('/v1/stream/s')
    await expect.poll(() => refused.refused?.status).toBe(429)
    other.close()
    await expect.poll(() => live.all.size.sockets).toBe(0)
    const third = await connect()
    expect([third.refused, first.closed]).toEqual([null, null])
  })

  it('[WS24] signing in again keeps what is allowed; a wrong token changes nothing', async () => {
    await start()
    await live.append('a', '1')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'a' })
    await socket.until('up_to_date')
    socket.send({ type: 'authenticate', ref: 1, token: 'wrong' })
    socket.send({ type: 'authenticate', ref: 2, token: '' })
    expect((await socket.until('error', 2)).map((frame) => [frame.ref, frame.error.code])).toEqual([
      [1, 'UNAUTHENTICATED'],
      [2, 'UNAUTHENTICATED'],
    ])
    await live.append('b', '1')
    socket.send({ type: 'subscribe', stream: 'b' })
    await socket.until('up_to_date', 2)
    socket.send({ type: 'authenticate', ref: 3, token: TOKEN })
    expect(await socket.until('authenticated')).toEqual([{ type: 'authenticated', ref: 3, expiresAt: null }])
    await live.append('a', '2')
    await expect.poll(() => socket.events('a')).toEqual([1, 2])
    expect(live.lines.filter((line) => line.includes('token_refused')).length).toBe(2)
    expect(live.lines.join('')).not.toContain(TOKEN)
  })

  it('[WS24] somebody else may read less: what they may not read ends, the rest of the connection stays', async () => {
    await start()
    await live.append('a', '1')
    const socket = await connect()
    socket.send({ type: 'subscribe', stream: 'a' })
    await socket.until('up_to_date')
    const { token, expiresAt } = await live.mint({ subject: 'ann', scope: ['read:b'] })
    socket.send({ type: 'authenticate', token })
    const [error] = await socket.until('error')
    expect([socket.frames.at(-2), error?.stream, error?.error.code]).toEqual([
      { type: 'authenticated', expiresAt },
      'a',
      'FORBIDDEN',
    ])
    socket.send({ type: 'subscribe', stream: 'a' })
    socket.send({ type: 'append', ref: 1, stream: 'a', events: [2] })
    expect((await socket.until('error', 3)).slice(1).map(({ error }) => error.code)).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    await live.append('a', '3')
    socket.send({ type: 'ping' })
    await socket.until('pong')
    expect([socket.events('a'), live.all.subscriptions]).toEqual([[1], 0])
  })

  it("[WS25] heartbeats carry the server's time; a peer that answers no ping is cut off, one that does is not", async () => {
    const clock = new ManualClock()
    await start({ clock })
    const dead = await connect({ autoPong: false, headers: { authorization: `Bearer ${TOKEN}` } })
    const alive = await connect()
    await alive.until('welcome')
    const pongs = live.all.peers.map((socket) => new Promise((resolve) => socket.once('pong', resolve)))
    clock.advance(25_000)
    await Promise.race(pongs)
    const [heartbeat] = await alive.until('heartbeat')
    expect(Math.abs(Date.parse(heartbeat?.time ?? '') - clock.now())).toBeLessThanOrEqual(25_000)
    expect([dead.closed, alive.frames.filter(({ type }) => type === 'heartbeat').length]).toEqual([null, 1])
    clock.advance(25_000)
    await expect.poll(() => dead.closed?.code).toBe(4002)
    await alive.until('heartbeat', 2)
    expect(alive.closed).toBeNull()
    await expect.poll(() => live.all.size.connections).toBe(1)
    expect(clock.pending).toBeLessThan(20 * live.servers.length)
  })

  it('[WS26] a server that drains says when to come back, differently to each, then 4000', async () => {
    const random = [0, 0.5, 0.999]
    let asked = 0
    await start({ ground: oneNode(), random: () => random[asked++ % random.length] ?? 0 })
    asked = 0
    const all = [await connect(), await connect(), await connect()]
    for (const socket of all) await socket.until('welcome')
    live.all.drain()
    for (const socket of all)
      await expect.poll(() => socket.closed).toEqual({ code: 4000, reason: 'the server restarts' })
    const waits = all.map(({ frames }) => frames.at(-1))
    expect(waits).toEqual([500, 2750, 4996].map((retryAfterMs) => ({ type: 'drain', retryAfterMs })))
  })
})

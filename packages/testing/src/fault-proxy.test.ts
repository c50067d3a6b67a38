import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { FaultLine } from './fault-line.ts'
import { FaultProxy } from './fault-proxy.ts'
import { openTestSocket, type SocketOptions } from './test-socket.ts'
import { createTestWorld, type TestWorld } from './test-world.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const PATH = '/v1/stream/notes'

interface Behind extends AsyncDisposable {
  readonly world: TestWorld
  readonly proxy: FaultProxy
  /** Asks by way of the proxy. */
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Opens a WebSocket by way of the proxy. */
  socket(path: string, options?: SocketOptions): ReturnType<typeof openTestSocket>
  /** Appends without it. */
  append(event: unknown): Promise<void>
}

/** A real server with a stream of two events, and the proxy before it. */
async function behindProxy(): Promise<Behind> {
  const world = await createTestWorld({ apps: () => [], ground: 'memory', nodes: 1 })
  await world.request(PATH, { method: 'PUT', headers: JSON_TYPE, body: '[1,2]' })
  const proxy = await FaultProxy.open(Number(new URL(world.url).port))
  const headers = { authorization: `Bearer ${world.token}` }
  return {
    world,
    proxy,
    ask: (path, init) => fetch(proxy.url + path, { ...init, headers: { ...headers, ...init?.headers } }),
    socket: (path, options) =>
      openTestSocket(proxy.url.replace('http', 'ws') + path, { token: world.token, ...options }),
    async append(event) {
      await world.request(PATH, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(event) })
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

/** What has come of a body so far. */
function readAlong(response: Response): { text: string; ended: Promise<'whole' | 'broken'> } {
  const told = { text: '', ended: Promise.resolve('whole' as const) as Promise<'whole' | 'broken'> }
  const decoder = new TextDecoder()
  const read = async () => {
    for await (const piece of response.body ?? []) told.text += decoder.decode(piece, { stream: true })
    return 'whole' as const
  }
  told.ended = read().catch(() => 'broken' as const)
  return told
}

const SSE = { headers: { accept: 'text/event-stream' } }

describe('a proxy with faults', () => {
  it('[PROXY1] passes requests, endless answers and WebSockets both ways as they are, and counts them', async () => {
    await using behind = await behindProxy()
    const { proxy, ask, socket, append } = behind
    const answer = await ask(PATH)
    expect(await answer.json()).toEqual([1, 2])
    expect(answer.headers.get('stream-up-to-date')).toBe('true')
    expect((await ask(PATH, { method: 'POST', headers: JSON_TYPE, body: '3' })).status).toBe(204)
    expect((await ask('/v1/stream/none')).status).toBe(404)

    const events = readAlong(await ask(PATH, SSE))
    const reader = socket('/v1/ws')
    await reader.received(1)
    reader.send(JSON.stringify({ type: 'subscribe', stream: 'notes', from: 'now' }))
    await reader.received(3)
    expect([proxy.upgrades, proxy.sockets]).toEqual([1, 1])
    await append(4)
    expect((await reader.received(4))[3]).toMatchObject({ type: 'events', events: [4] })
    await expect.poll(() => events.text).toContain('data:[4]')

    reader.close()
    await expect.poll(() => proxy.sockets).toBe(0)
    expect(await reader.ended).toMatchObject({ code: 1005 })
    expect(proxy.upgrades).toBe(1)
    expect(proxy.requests.map(({ method, path, isUpgrade, status }) => [method, path, isUpgrade, status])).toEqual([
      ['GET', PATH, false, 200],
      ['POST', PATH, false, 204],
      ['GET', '/v1/stream/none', false, 404],
      ['GET', PATH, false, 200],
      ['GET', '/v1/ws', true, 101],
    ])
    expect(proxy.bytes.toServer).toBeGreaterThan(20)
    expect(proxy.bytes.toClient).toBeGreaterThan(events.text.length)
  })

  it('[PROXY2] delays each way, requests, answers and what is said over WebSockets', async () => {
    await using behind = await behindProxy()
    const { proxy, ask, socket, append } = behind
    const reader = socket(`${PATH}?offset=now`)
    await reader.received(1)
    proxy.delayMs = 120
    const from = performance.now()
    expect(await (await ask(PATH)).json()).toEqual([1, 2])
    expect(performance.now() - from).toBeGreaterThanOrEqual(235)
    const appended = performance.now()
    await append(3)
    expect((await reader.received(2))[1]).toMatchObject({ events: [3] })
    expect(performance.now() - appended).toBeGreaterThanOrEqual(118)
  })

  it('[PROXY2] keeps the order when the delay becomes shorter, and ends after the last piece', async () => {
    const faults = { delayMs: 30, isHeld: false, passed: () => {} }
    const line = new FaultLine(faults)
    const pieces: string[] = []
    line.on('data', (piece: Buffer) => pieces.push(piece.toString()))
    line.write('a')
    faults.delayMs = 1
    line.write('b')
    faults.delayMs = 0
    line.end('c')
    expect(pieces).toEqual([])
    await once(line, 'end')
    expect(pieces).toEqual(['a', 'b', 'c'])
  })

  it('[PROXY3] cuts what is open, refuses what comes, and is away and there again on the same port', async () => {
    await using behind = await behindProxy()
    const { proxy, ask, socket } = behind
    const lost = socket(`${PATH}?offset=now`)
    const events = readAlong(await ask(PATH, SSE))
    await lost.received(1)
    proxy.cut()
    expect(await lost.ended).toMatchObject({ code: 1006 })
    expect(await events.ended).toBe('broken')
    expect((await ask(PATH)).status).toBe(200)

    proxy.isRefusing = true
    await expect(ask(PATH)).rejects.toThrow('fetch failed')
    proxy.isRefusing = false
    const { url } = proxy
    const open = socket(`${PATH}?offset=now`)
    await open.received(1)
    await proxy.stop()
    expect(await open.ended).toMatchObject({ code: 1006 })
    expect(proxy.sockets).toBe(0)
    await expect(ask(PATH)).rejects.toThrow('fetch failed')
    await proxy.start()
    expect(proxy.url).toBe(url)
    expect((await ask(PATH)).status).toBe(200)
  })

  it('[PROXY4] answers 502 while the server is away, and breaks off what the server breaks off', async () => {
    await using behind = await behindProxy()
    const { proxy, world, ask, socket } = behind
    const events = readAlong(await ask(PATH, SSE))
    await expect.poll(() => events.text).toContain('control')
    await world.stopNode(0)
    expect(await events.ended).toBe('whole')
    expect((await ask(PATH)).status).toBe(502)
    expect(await socket('/v1/ws').ended).toMatchObject({ status: 502 })
    expect(proxy.requests.at(-1)).toMatchObject({ path: '/v1/ws', status: 502 })
  })

  it('[PROXY5] mutes WebSockets: they stay open, what the client says comes through, nothing comes back', async () => {
    await using behind = await behindProxy()
    const { proxy, world, socket, append } = behind
    const muted = socket('/v1/ws')
    await muted.received(1)
    muted.send(JSON.stringify({ type: 'subscribe', stream: 'notes', from: 'now' }))
    await muted.received(3)
    proxy.mutesSockets = true
    const mutedFromTheStart = socket('/v1/ws')
    await mutedFromTheStart.opened
    await append(3)
    muted.send(JSON.stringify({ type: 'append', ref: 1, stream: 'notes', events: [4] }))
    await expect.poll(async () => (await world.get<unknown[]>(PATH)).length).toBe(4)
    proxy.mutesSockets = false
    await append(5)
    const other = socket(`${PATH}?offset=-1`)
    expect((await other.received(1))[0]).toMatchObject({ events: [1, 2, 3, 4, 5] })
    expect(muted.messages).toHaveLength(3)
    expect(mutedFromTheStart.messages).toHaveLength(0)
    await world.stopNode(0)
    await other.ended
    expect(proxy.sockets).toBe(2)
    muted.cut()
    mutedFromTheStart.cut()
    await expect.poll(() => proxy.sockets).toBe(0)
  })

  it('[PROXY6] holds bodies until they are whole: heads pass, endless answers stay silent', async () => {
    await using behind = await behindProxy()
    const { proxy, ask, append } = behind
    const before = readAlong(await ask(PATH, SSE))
    await expect.poll(() => before.text).toContain('data:[1,2]')
    proxy.holdsBodies = true
    const held = await ask(PATH, SSE)
    expect([held.status, held.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const after = readAlong(held)
    expect(await (await ask(PATH)).json()).toEqual([1, 2])
    await append(3)
    const poll = await ask(`${PATH}?offset=-1&live=long-poll`)
    expect(await poll.json()).toEqual([1, 2, 3])
    expect([before.text.includes('data:[3]'), after.text]).toEqual([false, ''])
    proxy.holdsBodies = false
    await expect.poll(() => before.text).toContain('data:[3]')
    await expect.poll(() => after.text).toMatch(/data:\[1,2\][\s\S]*data:\[3\]/)
  })

  it('[PROXY7] refuses upgrades with a status, passes them on as plain requests, or leaves them unanswered', async () => {
    await using behind = await behindProxy()
    const { proxy, ask, socket } = behind
    proxy.upgradeAnswer = 403
    expect(await socket('/v1/ws').ended).toMatchObject({ status: 403 })
    proxy.upgradeAnswer = 'plain'
    expect((await socket('/v1/ws').ended).status).toBeGreaterThanOrEqual(400)
    expect(await socket(PATH).ended).toMatchObject({ status: 200 })
    proxy.upgradeAnswer = 'silent'
    const waiting = socket('/v1/ws')
    expect((await ask(PATH)).status).toBe(200)
    waiting.cut()
    await waiting.ended
    expect(proxy.upgrades).toBe(0)
    proxy.pass()
    await socket('/v1/ws').opened
    expect(proxy.upgrades).toBe(1)
  })

  it('[PROXY8] answers in the server’s place what matches: once, as often as said, or until it is told to stop', async () => {
    await using behind = await behindProxy()
    const { proxy, ask, socket } = behind
    proxy.answer(401, ({ path }) => path === PATH)
    expect((await ask('/v1/stream/none')).status).toBe(404)
    const refused = await ask(PATH)
    expect([refused.status, refused.headers.get('content-type')]).toEqual([401, 'text/html'])
    expect((await ask(PATH)).status).toBe(200)
    proxy.answer(401, ({ isUpgrade }) => isUpgrade)
    expect(await socket('/v1/ws').ended).toMatchObject({ status: 401 })
    const stop = proxy.answer(503, undefined, Number.POSITIVE_INFINITY)
    expect([(await ask(PATH)).status, (await ask(PATH)).status]).toEqual([503, 503])
    stop()
    expect((await ask(PATH)).status).toBe(200)
  })
})

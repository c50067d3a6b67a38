import { ManualClock } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../db/database.ts'
import { openMemoryDatabase } from '../../db/sqlite-database.ts'
import { createInProcessBus, type InProcessBus } from '../../hub/broker/in-process-broker.ts'
import type { ServerOptions } from '../../kernel.ts'
import { FrameSocket } from '../../transport/fixtures/frame-socket.ts'
import { type LiveServer, startLiveServer, TOKEN } from '../../transport/fixtures/live-server.ts'

const MINE = { authorization: `Bearer ${TOKEN}` }

/** A store that two servers share, and that can be made to wait. */
class SharedStore {
  readonly #db = openMemoryDatabase()
  #gate: { table: string; when: 'before' | 'after'; promise: Promise<void> } | null = null
  fails = false
  /** Reads that wait. */
  waiting = 0

  /** Reads of a table are begun, or told, once the way is called that is returned. */
  hold(table: string, when: 'before' | 'after'): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = { table, when, promise }
    return () => {
      this.#gate = null
      resolve()
    }
  }

  open(): Database {
    const db = this.#db
    return {
      dialect: db.dialect,
      commit: (writes) => (this.fails ? Promise.reject(new Error('no room')) : db.commit(writes)),
      read: async <T>(statement: Parameters<Database['read']>[0]) => {
        const gate = this.#gate && statement.sql.includes(`FROM ${this.#gate.table}`) ? this.#gate : null
        if (gate) this.waiting += 1
        if (gate?.when === 'before') await gate.promise
        if (this.fails) throw new Error('out of reach')
        const rows = await db.read<T>(statement)
        if (gate?.when === 'after') await gate.promise
        return rows
      },
      onCommitted: (listener) => db.onCommitted(listener),
      close: async () => {},
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

describe('signing out everywhere, on two nodes', () => {
  let store: SharedStore
  let bus: InProcessBus
  let clock: ManualClock
  let nodes: LiveServer[]

  const start = async (options: Partial<ServerOptions> = {}) => {
    const node = await startLiveServer({ db: store.open(), broker: bus.open(), exclusive: false, clock, ...options })
    nodes.push(node)
    return node
  }
  const signIn = async (node: LiveServer) => {
    const { headers } = await node.request(`/login?token=${TOKEN}`, { headers: {} })
    return { cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' }
  }
  const status = async (node: LiveServer, headers: Record<string, string>) =>
    (await node.request('/api/me', { headers })).status
  const signOut = (node: LiveServer, headers: Record<string, string>, query = '?everywhere=true') =>
    node.request(`/logout${query}`, { method: 'POST', headers })
  /** One of each kind of live connection. */
  const connect = async (node: LiveServer, headers: Record<string, string>) => {
    const shared = new FrameSocket(node.port, { headers })
    await shared.until('welcome')
    const socket = node.socket('/v1/stream/s', { headers })
    const sse = await node.events('/v1/stream/s', { authorization: '', ...headers })
    const poll = node.request('/v1/stream/s?offset=now&live=long-poll', { headers })
    await expect.poll(() => [socket.types.length > 0, sse.controls.length > 0]).toEqual([true, true])
    return { shared, socket, sse, poll }
  }
  const open = () => nodes.map(({ all: { size } }) => size)

  beforeEach(() => {
    store = new SharedStore()
    bus = createInProcessBus()
    clock = new ManualClock()
    nodes = []
  })
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    await store.close()
  })

  it('[AUTH11] every cookie from before is nobody on every node, also after a restart; those from after are good', async () => {
    const [a, b] = [await start(), await start()]
    const [mine, others, third] = [await signIn(a), await signIn(b), await signIn(a)]
    const answer = await signOut(a, mine)
    expect([answer.status, answer.headers['set-cookie']?.[0]]).toEqual([
      204,
      expect.stringMatching(/^holdfast_session=;/),
    ])
    for (const headers of [mine, others, third]) {
      await expect.poll(() => Promise.all([a, b].map((node) => status(node, headers)))).toEqual([401, 401])
    }
    // In the same millisecond, on the clock in hand: neither too early nor for ever.
    const again = await signIn(b)
    expect(await Promise.all([a, b].map((node) => status(node, again)))).toEqual([200, 200])
    await signOut(b, again)
    await expect.poll(() => status(a, again)).toBe(401)
    const last = await signIn(a)
    await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()))
    const c = await start()
    expect(await Promise.all([mine, again, last, MINE].map((headers) => status(c, headers)))).toEqual([
      401, 401, 200, 200,
    ])
  })

  it('[AUTH11] it is for whoever says so, from a page of ours, and done or refused', async () => {
    const a = await start()
    const mine = await signIn(a)
    const foreign = await signOut(a, { ...mine, origin: 'https://evil.example' })
    const unclear = await signOut(a, mine, '?everywhere=yes')
    const nobody = await signOut(a, {})
    expect([foreign, unclear, nobody].map((answer) => [answer.status, answer.json().code])).toEqual([
      [403, 'FORBIDDEN'],
      [400, 'INVALID_INPUT'],
      [401, 'UNAUTHENTICATED'],
    ])
    store.fails = true
    expect((await signOut(a, mine)).status).toBe(500)
    store.fails = false
    expect((await signOut(a, mine, '?everywhere=false')).status).toBe(204)
    expect(await status(a, mine)).toBe(200)
    // With the token as well as with a cookie.
    expect((await signOut(a, MINE)).status).toBe(204)
    expect(await status(a, mine)).toBe(401)
  })

  it('[AUTH12] what such a cookie opened ends at once on every node, what the token opened stays', async () => {
    const [a, b] = [await start(), await start()]
    await a.append('s', '1')
    const mine = await signIn(a)
    const void_ = await Promise.all([connect(a, mine), connect(b, mine)])
    const kept = await Promise.all([connect(a, MINE), connect(b, MINE)])
    // Opened with a cookie, and signed in with the token since.
    const changed = new FrameSocket(b.port, { headers: mine })
    await changed.until('welcome')
    changed.send({ type: 'authenticate', token: TOKEN, ref: 1 })
    await changed.until('authenticated')
    await expect
      .poll(open)
      .toEqual([expect.objectContaining({ responses: 4 }), expect.objectContaining({ connections: 3 })])
    await signOut(a, mine)
    for (const { shared, socket, sse, poll } of void_) {
      await expect.poll(() => shared.closed?.code).toBe(4504)
      await expect.poll(() => socket.closed).toEqual({ code: 4504, reason: 'signed out everywhere' })
      expect(socket.frames.at(-1)).toMatchObject({ type: 'error', error: { code: 'UNAUTHENTICATED' } })
      await expect.poll(() => sse.ended).toBe(true)
      expect(sse.writes.join('')).toContain('event: error')
      expect((await poll).status).toBe(401)
    }
    expect(open()).toEqual([
      { connections: 1, sockets: 1, responses: 2 },
      { connections: 2, sockets: 1, responses: 2 },
    ])
    await a.append('s', '2')
    for (const { socket, sse, poll } of kept) {
      await expect.poll(() => [socket.events.at(-1), sse.events.at(-1)]).toEqual([2, 2])
      expect((await poll).status).toBe(200)
    }
  })

  it('[AUTH12] one that is being opened meanwhile does not slip through', async () => {
    const [a] = [await start()]
    await a.append('s', '1')
    const mine = await signIn(a)
    const release = store.hold('streams', 'before')
    const socket = a.socket('/v1/stream/s', { headers: mine })
    const sse = a.request('/v1/stream/s', { headers: { ...mine, accept: 'text/event-stream' } })
    const poll = a.request('/v1/stream/s?offset=now&live=long-poll', { headers: mine })
    await expect.poll(() => store.waiting).toBe(3)
    await signOut(a, mine)
    release()
    expect([(await sse).status, (await poll).status]).toEqual([401, 401])
    await expect.poll(() => socket.closed?.code).toBe(4504)
  })

  it('[AUTH13] a node that missed the word notices within a few seconds', async () => {
    const [a, b] = [await start(), await start()]
    await a.append('s', '1')
    const mine = await signIn(b)
    const { socket } = await connect(b, mine)
    bus.cut()
    await signOut(a, mine)
    clock.advance(2_999)
    expect(await status(b, mine)).toBe(200)
    // The store is away for a while: it is asked again.
    store.fails = true
    clock.advance(1)
    await expect.poll(() => b.lines.filter((line) => line.includes('could not be looked up')).length).toBeGreaterThan(0)
    store.fails = false
    await expect
      .poll(() => {
        clock.advance(100)
        return socket.closed?.code
      })
      .toBe(4504)
    expect(await status(b, mine)).toBe(401)
  })

  it('[AUTH13] word that comes while the table is being read is not taken for read', async () => {
    const [a, b] = [await start(), await start()]
    const mine = await signIn(a)
    const release = store.hold('session_revocations', 'after')
    clock.advance(3_000)
    // Each node has looked, and seen nothing.
    await expect.poll(() => store.waiting).toBe(2)
    await signOut(a, mine)
    await a.request('/api/me')
    release()
    await expect.poll(() => status(b, mine)).toBe(401)
  })

  it('[AUTH14] all live connections of a principal are ended on all nodes, and may come back at once', async () => {
    const [a, b] = [await start(), await start()]
    await a.append('s', '1')
    const mine = await signIn(a)
    const all = await Promise.all([connect(a, mine), connect(b, MINE)])
    const kick = (body: object, headers: Record<string, string> = MINE) =>
      a.request('/api/sessions/kick', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    expect((await kick({ principal: 'somebody else' })).status).toBe(204)
    const refused = await Promise.all([kick({}), kick({ principal: 'operator', all: true }), kick({ principal: '' })])
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400])
    expect((await kick({ principal: 'operator' }, {})).status).toBe(401)
    expect(open()).toEqual(Array(2).fill({ connections: 1, sockets: 1, responses: 2 }))
    expect((await kick({ principal: 'operator' })).status).toBe(204)
    for (const { shared, socket, sse, poll } of all) {
      await expect.poll(() => shared.closed?.code).toBe(4003)
      await expect.poll(() => socket.closed?.code).toBe(4003)
      await expect.poll(() => sse.ended).toBe(true)
      expect((await poll).status).toBe(204)
    }
    expect(await Promise.all([status(a, mine), status(b, MINE)])).toEqual([200, 200])
    const back = b.socket('/v1/stream/s', { headers: mine })
    await expect.poll(() => back.events).toEqual([1])
  })
})

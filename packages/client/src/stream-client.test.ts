import { CLOSE, defineStream, type Offset } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { MAX_ATTEMPTS } from './connection-policy.ts'
import { StreamClient } from './stream-client.ts'
import type { WebSocketLike } from './world.ts'

const sum = defineStream('sums/:id', {
  version: 2,
  events: { added: z.object({ by: z.number() }), closed: z.object({}) },
  initial: { total: 0 },
  fold: (state, event) => (event.type === 'added' ? { total: state.total + event.by } : state),
  terminal: ['closed'],
})

const at = (seq: number, life = 1): Offset => `${String(life).padStart(16, '0')}_${String(seq).padStart(16, '0')}`
const added = (by: number) => ({ type: 'added', by, timestamp: '2026-01-01T00:00:00.000Z' })
const events = (after: number, ...list: object[]) => ({
  type: 'events',
  after: at(after),
  offset: at(after + list.length),
  events: list,
})

class FakeSocket implements WebSocketLike {
  readonly url: string
  isClosed = false
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  onerror: (() => void) | null = null

  constructor(url: string) {
    this.url = url
  }

  get offset(): string | null {
    return new URL(this.url).searchParams.get('offset')
  }

  close(): void {
    this.isClosed = true
  }

  send(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }
}

/** A server held in the hand: `answer` is what the state's URL says, `sockets` the connections in their order. */
function setup() {
  const clock = new ManualClock()
  const sockets: FakeSocket[] = []
  const wake = new Set<() => void>()
  const server = {
    status: 200,
    body: { state: { total: 10 }, offset: at(3), version: 2 } as object,
    isUp: true,
    asked: 0,
  }
  let isOnline = true
  const client = new StreamClient({
    baseUrl: 'http://test',
    clock,
    random: () => 0.5,
    fetch: async () => {
      server.asked += 1
      if (!server.isUp) throw new TypeError('connection refused')
      return new Response(JSON.stringify(server.body), { status: server.status })
    },
    openSocket: (url) => {
      const socket = new FakeSocket(url)
      sockets.push(socket)
      return socket
    },
    connectivity: {
      online: () => isOnline,
      subscribe: (listener) => {
        wake.add(listener)
        return () => wake.delete(listener)
      },
    },
  })
  const store = client.stream(sum, { id: 's1' })
  const socket = async (count: number) => {
    await vi.waitFor(() => expect(sockets).toHaveLength(count))
    return sockets[count - 1] as FakeSocket
  }
  const setOnline = (value: boolean) => {
    isOnline = value
    for (const listener of wake) listener()
  }
  return { clock, sockets, server, client, store, socket, setOnline }
}

/** Subscribed, connected, at total 10 and offset 3. */
async function connected() {
  const world = setup()
  const unsubscribe = world.store.subscribe(() => {})
  const first = await world.socket(1)
  first.onopen?.()
  first.send({ type: 'up_to_date', after: at(3), offset: at(3) })
  return { ...world, first, unsubscribe }
}

describe('a stream in the client', () => {
  it('[P2a] reads the state first and follows from its offset', async () => {
    const { store, first } = await connected()
    expect(first.url).toBe(`ws://test/v1/stream/sums/s1?offset=${at(3)}`)
    first.send(events(3, added(5), added(1)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 16 }, offset: at(5) })
    expect(store.getSnapshot().connection.state).toBe('connected')
  })

  it('[CL1] begins at the start where the stream does not exist yet, or was folded by another version', async () => {
    for (const [status, body] of [
      [404, { code: 'NOT_FOUND', kind: 'not_found', retry: false, detail: 'There is no such stream.' }],
      [200, { state: { other: true }, offset: at(3), version: 1 }],
    ] as const) {
      const { server, store, socket } = setup()
      Object.assign(server, { status, body })
      store.subscribe(() => {})
      expect((await socket(1)).offset).toBe('-1')
      expect(store.getSnapshot().state).toEqual({ total: 0 })
    }
  })

  it('[P3e] resumes at its last offset after a loss, and drops what it has', async () => {
    const { clock, store, first, socket } = await connected()
    first.send(events(3, added(5)))
    first.onclose?.({ code: 1006 })
    expect(store.getSnapshot().connection).toMatchObject({ state: 'reconnecting', attempt: 1 })
    clock.advance(1000)
    const second = await socket(2)
    expect(second.offset).toBe(at(4))
    second.onopen?.()
    second.send(events(3, added(5)))
    second.send(events(4, added(2)))
    expect(store.getSnapshot().state).toEqual({ total: 17 })
  })

  it('[CL2] reads again from its position when a frame is missing between', async () => {
    const { clock, store, first, socket } = await connected()
    first.send(events(7, added(100)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 10 }, offset: at(3) })
    expect(first.isClosed).toBe(true)
    clock.advance(1000)
    expect((await socket(2)).offset).toBe(at(3))
  })

  it('[CL2] goes on in a fork where it was in the stream that it continues', async () => {
    const { store, first } = await connected()
    // The same place, by the name the fork gives it.
    first.send({ type: 'events', stream: 'fork', after: at(3, 9), offset: at(4, 9), events: [added(5)] })
    expect(store.getSnapshot()).toMatchObject({ state: { total: 15 }, offset: at(4, 9) })
    first.send({ type: 'events', stream: 'fork', after: at(3, 9), offset: at(4, 9), events: [added(5)] })
    first.send({ type: 'events', stream: 'fork', after: at(4, 9), offset: at(5, 9), events: [added(1)] })
    expect(store.getSnapshot()).toMatchObject({ state: { total: 16 }, offset: at(5, 9) })
    expect(first.isClosed).toBe(false)
  })

  it('[P3b] takes a connection that does not open within 20 s as lost', async () => {
    const { clock, store, socket } = setup()
    store.subscribe(() => {})
    const first = await socket(1)
    clock.advance(19_999)
    expect(store.getSnapshot().connection.state).toBe('connecting')
    clock.advance(1)
    expect(store.getSnapshot().connection.state).toBe('reconnecting')
    expect(first.isClosed).toBe(true)
  })

  it('[P3c] gives up after ten attempts, and goes on where it was by a manual reconnect', async () => {
    const { clock, store, server, first, socket } = await connected()
    server.isUp = false
    first.onclose?.({ code: 1006 })
    clock.advance(1000)
    const refused = await socket(2)
    refused.onclose?.({ code: 1006 })
    for (let attempt = 2; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const { connection } = store.getSnapshot()
      expect(connection).toMatchObject({ state: 'reconnecting', attempt })
      clock.advance((connection.retryAt ?? 0) - clock.now())
      // The request is on its way, then refused: the next wait begins, or the end.
      expect(store.getSnapshot().connection.retryAt).toBeNull()
      const trying = store.getSnapshot().connection
      await vi.waitFor(() => expect(store.getSnapshot().connection).not.toBe(trying))
    }
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'error' }, error: { code: 'UNREACHABLE' } })
    clock.advance(600_000)
    expect(store.getSnapshot().connection.state).toBe('error')
    server.isUp = true
    store.reconnect()
    const again = await socket(3)
    again.onopen?.()
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'connected' }, error: null })
  })

  it('[P3d] does not come back after a terminal event, a sealed mark or the close code of completion', async () => {
    for (const end of [
      (socket: FakeSocket) => socket.send(events(3, { type: 'closed', timestamp: '2026-01-01T00:00:00.000Z' })),
      (socket: FakeSocket) => socket.send({ type: 'sealed', after: at(3), offset: at(3) }),
      (socket: FakeSocket) => socket.onclose?.({ code: CLOSE.COMPLETED.code }),
    ]) {
      const { clock, store, first, sockets } = await connected()
      end(first)
      expect(store.getSnapshot().connection.state).toBe('completed')
      expect(first.isClosed).toBe(true)
      store.reconnect()
      clock.advance(600_000)
      expect(sockets).toHaveLength(1)
    }
  })

  it('[CL1] opens no connection to a stream that the state says is sealed', async () => {
    const { server, store, sockets } = setup()
    server.body = { ...server.body, sealed: true }
    store.subscribe(() => {})
    await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('completed'))
    expect(store.getSnapshot().state).toEqual({ total: 10 })
    expect(sockets).toHaveLength(0)
  })

  it('[CL5] takes the state anew when its offset names another history', async () => {
    const { clock, store, server, first, socket } = await connected()
    server.body = { state: { total: 1 }, offset: at(1, 2), version: 2 }
    first.onclose?.({ code: CLOSE.OFFSET_GONE.code })
    clock.advance(1000)
    expect((await socket(2)).offset).toBe(at(1, 2))
    expect(store.getSnapshot().state).toEqual({ total: 1 })
  })

  it('[CL6] says why where the server refuses: a try that never opened is followed by a request', async () => {
    const { clock, store, server, first, socket } = await connected()
    first.onclose?.({ code: 1006 })
    clock.advance(1000)
    Object.assign(server, {
      status: 401,
      body: { code: 'UNAUTHENTICATED', kind: 'auth', retry: false, detail: 'Sign in.', requestId: 'r1' },
    })
    const refused = await socket(2)
    refused.onclose?.({ code: 1006 })
    clock.advance(2000)
    await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('error'))
    expect(store.getSnapshot().error).toMatchObject({ code: 'UNAUTHENTICATED', requestId: 'r1' })
  })

  it('[CL6] says so where the sign-in has been ended from elsewhere', async () => {
    const { store, first } = await connected()
    first.onclose?.({ code: CLOSE.SIGNED_OUT.code })
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'error' }, error: { code: 'UNAUTHENTICATED' } })
  })

  it('[P1b] does not fold an event that its schema refuses', async () => {
    const { store, first } = await connected()
    first.send(events(3, { type: 'added', by: 'a lot', timestamp: '2026-01-01T00:00:00.000Z' }))
    expect(store.getSnapshot()).toMatchObject({
      state: { total: 10 },
      connection: { state: 'error' },
      error: { code: 'INVALID_INPUT' },
    })
  })

  it('[CL7] leaves an event of a type it does not know alone', async () => {
    const { store, first } = await connected()
    first.send(events(3, { type: 'renamed', timestamp: '2026-01-01T00:00:00.000Z' }, added(1)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 11 }, offset: at(5) })
  })

  it('[CL8] tries at once when the network comes back', async () => {
    const { first, socket, setOnline, client } = await connected()
    client.subscribe(() => {})
    setOnline(false)
    first.onclose?.({ code: 1006 })
    expect(client.getSnapshot()).toMatchObject({ isOffline: true, worst: { state: 'reconnecting' } })
    setOnline(true)
    await socket(2)
    expect(client.getSnapshot().isOffline).toBe(false)
  })

  it('[CL9] reads one stream once for all who look, and stops some time after the last has gone', async () => {
    const { clock, client, store, first, unsubscribe, sockets } = await connected()
    expect(client.stream(sum, { id: 's1' })).toBe(store)
    const other = store.subscribe(() => {})
    unsubscribe()
    other()
    const back = store.subscribe(() => {})
    clock.advance(5000)
    expect(first.isClosed).toBe(false)
    back()
    clock.advance(1000)
    expect(first.isClosed).toBe(true)
    expect(store.getSnapshot().connection.state).toBe('disconnected')
    expect(sockets).toHaveLength(1)
  })
})

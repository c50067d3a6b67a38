import { defineStream } from '@holdfast/protocol'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { MAX_ATTEMPTS } from './connection-policy.ts'
import { at, FakeWorld, problem } from './fixtures/fake-world.ts'
import { StreamClient, type StreamClientOptions } from './stream-client.ts'

const sum = defineStream('sums/:id', {
  version: 2,
  events: { added: z.object({ by: z.number() }), closed: z.object({}) },
  initial: { total: 0 },
  fold: (state, event) => (event.type === 'added' ? { total: state.total + event.by } : state),
  terminal: ['closed'],
  clientAppend: true,
})

const stream = 'sums/s1'
const timestamp = '2026-01-01T00:00:00.000Z'
const added = (by: number) => ({ type: 'added', by, timestamp })
const events = (after: number, ...list: object[]) => ({
  type: 'events',
  stream,
  after: at(after),
  offset: at(after + list.length),
  events: list,
})
const upToDate = (offset: number) => ({ type: 'up_to_date', stream, after: at(offset), offset: at(offset) })
const STATE = { state: { total: 10 }, offset: at(3), version: 2 }

function setup(options: StreamClientOptions = {}) {
  const world = new FakeWorld()
  world.answer = (path) => (path.endsWith('?view=state') ? { body: STATE } : { status: 500 })
  const client = new StreamClient(world, options)
  const store = client.stream(sum, { id: 's1' })
  return { world, client, store }
}

/** Subscribed, connected, at total 10 and offset 3. */
async function connected(options: StreamClientOptions = {}) {
  const made = setup(options)
  const unsubscribe = made.store.subscribe(() => {})
  const first = await made.world.socket(1)
  first.welcome()
  await vi.waitFor(() => expect(first.of('subscribe')).toHaveLength(1))
  first.say({ type: 'subscribed', stream, offset: at(3), contentType: 'application/json', sealed: false })
  first.say(upToDate(3))
  return { ...made, first, unsubscribe }
}

describe('a stream in the client', () => {
  it('[P2a] reads the state first and follows from its offset, on the one connection', async () => {
    const { world, store, first } = await connected()
    expect(first.url).toBe('ws://test/v1/ws')
    expect(first.of('subscribe')).toEqual([{ type: 'subscribe', stream, from: at(3) }])
    first.say(events(3, added(5), added(1)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 16 }, offset: at(5) })
    expect(store.getSnapshot().connection).toMatchObject({ state: 'connected', transport: 'websocket' })
    expect(world.sockets).toHaveLength(1)
  })

  it('[CL1] waits for a stream that does not exist yet, and takes up the story from its beginning', async () => {
    const { world, store } = setup()
    world.answer = () => problem('NOT_FOUND', 404, 'not_found')
    store.subscribe(() => {})
    const socket = await world.socket(1)
    socket.welcome()
    await vi.waitFor(() => expect(store.getSnapshot().error?.code).toBe('NOT_FOUND'))
    expect(store.getSnapshot().connection.state).toBe('connecting')
    world.answer = () => ({ body: { ...STATE, state: { total: 0 }, offset: at(0) } })
    await vi.waitFor(() => {
      world.clock.advance(1000)
      expect(socket.of('subscribe')).toHaveLength(1)
    })
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'connected' }, error: null })
  })

  it('[CL1] folds the events from the start where the state is of an older version', async () => {
    const outdated = vi.fn()
    const { world, store } = setup({ onOutdated: outdated })
    world.answer = () => ({ body: { ...STATE, version: 1 } })
    store.subscribe(() => {})
    const socket = await world.socket(1)
    socket.welcome()
    await vi.waitFor(() => expect(socket.of('subscribe')[0]).toMatchObject({ from: '-1' }))
    socket.say(events(0, added(4)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 4 }, offset: at(1) })
    expect(outdated).not.toHaveBeenCalled()
  })

  it('[CL1] folds by itself what the server has no state of, and leaves what is no event alone', async () => {
    const { world, store } = setup()
    world.answer = () => problem('NO_FOLD', 404, 'not_found')
    store.subscribe(() => {})
    const socket = await world.socket(1)
    socket.welcome()
    await vi.waitFor(() => expect(socket.of('subscribe')[0]).toMatchObject({ from: '-1' }))
    socket.say({ ...events(0, added(4), added(1)), events: [added(4), null, 7, 'x', added(1)] })
    expect(store.getSnapshot()).toMatchObject({ state: { total: 5 }, connection: { state: 'connected' }, error: null })
  })

  it('[CL12] a newer version of its definition says that the page is to be loaded anew', async () => {
    const outdated = vi.fn()
    const { world, store } = setup({ onOutdated: outdated })
    world.answer = () => ({ body: { ...STATE, version: 3 } })
    store.subscribe(() => {})
    await vi.waitFor(() => expect(outdated).toHaveBeenCalledExactlyOnceWith(stream))
  })

  it('[P3e] resumes at its last offset after a loss, and drops what it has', async () => {
    const { world, store, first } = await connected()
    first.say(events(3, added(5)))
    first.drop()
    expect(store.getSnapshot().connection).toMatchObject({ state: 'reconnecting', attempt: 1 })
    world.clock.advance(1000)
    const second = await world.socket(2)
    second.welcome()
    expect(second.of('subscribe')).toEqual([{ type: 'subscribe', stream, from: at(4) }])
    second.say(events(3, added(5)))
    second.say(events(4, added(2)))
    expect(store.getSnapshot().state).toEqual({ total: 17 })
  })

  it('[CL2] asks again from its position when a frame is missing between, and hears no more of what it left', async () => {
    const { store, first } = await connected()
    first.say(events(7, added(100)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 10 }, offset: at(3) })
    expect(first.sent.slice(1)).toEqual([
      { type: 'unsubscribe', stream },
      { type: 'subscribe', stream, from: at(3) },
    ])
    // Still of the reading that was left.
    first.say(events(3, added(1000)))
    expect(store.getSnapshot().state).toEqual({ total: 10 })
    first.say({ type: 'unsubscribed', stream })
    first.say(events(3, added(1), added(2)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 13 }, offset: at(5) })
  })

  it('[CL2] reads what is missing before the end, and then the end', async () => {
    const { store, first } = await connected()
    const sealed = { type: 'sealed', stream, after: at(5), offset: at(5) }
    first.say(sealed)
    expect(store.getSnapshot().connection.state).toBe('connected')
    expect(first.of('subscribe').at(-1)).toEqual({ type: 'subscribe', stream, from: at(3) })
    first.say({ type: 'unsubscribed', stream })
    first.say(events(3, added(1), added(2)))
    first.say(sealed)
    expect(store.getSnapshot()).toMatchObject({ state: { total: 13 }, offset: at(5) })
    expect(store.getSnapshot().connection.state).toBe('completed')
    expect(first.isClosed).toBe(true)
  })

  it('[CL2] a stream that is only ever gaps is not asked for without a pause', async () => {
    const { world, first } = await connected()
    first.say(events(7, added(1)))
    for (let turns = 0; turns < 50; turns += 1) {
      first.say({ type: 'unsubscribed', stream })
      first.say(events(7, added(1)))
    }
    expect(first.of('subscribe')).toHaveLength(2)
    world.clock.advance(250)
    expect(first.of('subscribe')).toHaveLength(3)
  })

  it('[CL2] goes on in a fork where it was in the stream that it continues', async () => {
    const { store, first } = await connected()
    // The same place, by the name the fork gives it.
    first.say({ type: 'events', stream, after: at(3, 9), offset: at(4, 9), events: [added(5)] })
    expect(store.getSnapshot()).toMatchObject({ state: { total: 15 }, offset: at(4, 9) })
    first.say({ type: 'events', stream, after: at(3, 9), offset: at(4, 9), events: [added(5)] })
    first.say({ type: 'events', stream, after: at(4, 9), offset: at(5, 9), events: [added(1)] })
    expect(store.getSnapshot()).toMatchObject({ state: { total: 16 }, offset: at(5, 9) })
  })

  it('[CL5] takes the state anew when its offset names another history', async () => {
    const { world, store, first } = await connected()
    world.answer = () => ({ body: { state: { total: 1 }, offset: at(1, 2), version: 2 } })
    const gone = { code: 'OFFSET_GONE', status: 410, kind: 'conflict', retry: false, title: '', detail: '' }
    first.say({ type: 'reset', stream, offset: at(1, 2), error: gone })
    await vi.waitFor(() => expect(store.getSnapshot()).toMatchObject({ state: { total: 1 }, offset: at(1, 2) }))
    first.say({ ...events(1, added(2)), after: at(1, 2), offset: at(2, 2) })
    expect(store.getSnapshot()).toMatchObject({ state: { total: 3 }, connection: { state: 'connected' } })
  })

  it('[P3d] does not come back after a terminal event or a sealed mark', async () => {
    for (const end of [events(3, { type: 'closed', timestamp }), { ...upToDate(3), type: 'sealed' }]) {
      const { world, store, first } = await connected()
      first.say(end)
      expect(store.getSnapshot().connection.state).toBe('completed')
      expect(first.isClosed).toBe(true)
      store.reconnect()
      world.clock.advance(600_000)
      expect(world.sockets).toHaveLength(1)
    }
  })

  it('[CL1] asks nothing more of a stream that the state says is sealed', async () => {
    const { world, store } = setup()
    world.answer = () => ({ body: { ...STATE, sealed: true } })
    store.subscribe(() => {})
    await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('completed'))
    expect(store.getSnapshot().state).toEqual({ total: 10 })
    for (const socket of world.sockets) expect(socket.isClosed).toBe(true)
  })

  it('[P1b] does not fold an event that its schema refuses', async () => {
    const { store, first } = await connected()
    first.say(events(3, { type: 'added', by: 'a lot', timestamp }))
    expect(store.getSnapshot()).toMatchObject({
      state: { total: 10 },
      connection: { state: 'error' },
      error: { code: 'INVALID_INPUT' },
    })
  })

  it('[CL7] leaves an event of a type it does not know alone', async () => {
    const { store, first } = await connected()
    first.say(events(3, { type: 'renamed', timestamp }, added(1)))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 11 }, offset: at(5) })
  })

  it('[CL9] reads one stream once for all who look, and stops some time after the last has gone', async () => {
    const { world, client, store, first, unsubscribe } = await connected()
    expect(client.stream(sum, { id: 's1' })).toBe(store)
    const other = store.subscribe(() => {})
    unsubscribe()
    other()
    const back = store.subscribe(() => {})
    world.clock.advance(5000)
    expect(first.isClosed).toBe(false)
    back()
    world.clock.advance(1000)
    expect(first.isClosed).toBe(true)
    expect(store.getSnapshot().connection.state).toBe('disconnected')
    expect(world.sockets).toHaveLength(1)
  })
})

describe('the connection of a client', () => {
  it('[P3b] takes a connection that does not open within 20 s as lost', async () => {
    const { world, store } = setup()
    store.subscribe(() => {})
    const first = await world.socket(1)
    world.clock.advance(19_999)
    expect(store.getSnapshot().connection.state).toBe('connecting')
    world.clock.advance(1)
    expect(store.getSnapshot().connection).toMatchObject({ state: 'reconnecting', attempt: 1 })
    expect(first.isClosed).toBe(true)
  })

  it('[P3c] gives up after ten attempts, and goes on where it was by a manual reconnect', async () => {
    const { world, store, first } = await connected()
    world.answer = () => {
      throw new TypeError('connection refused')
    }
    first.drop()
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const { connection } = store.getSnapshot()
      expect(connection).toMatchObject({ state: 'reconnecting', attempt })
      world.clock.advance((connection.retryAt ?? 0) - world.clock.now())
      ;(await world.socket(attempt + 1)).drop()
      // From the third on other transports are tried as well, and get no answer.
      await vi.waitFor(() => {
        world.clock.advance(0)
        expect(store.getSnapshot().connection).not.toMatchObject({ state: 'reconnecting', attempt })
      })
    }
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'error' }, error: { code: 'UNREACHABLE' } })
    world.clock.advance(600_000)
    expect(store.getSnapshot().connection.state).toBe('error')
    store.reconnect()
    const again = await world.socket(12)
    again.welcome()
    expect(again.of('subscribe')).toEqual([{ type: 'subscribe', stream, from: at(3) }])
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'connected' } })
  })

  it('[CL11] a WebSocket that says nothing for two heartbeats has failed, whatever the clock says', async () => {
    const { world, store, first } = await connected()
    for (let beats = 0; beats < 5; beats += 1) {
      world.clock.advance(25_000)
      first.say({ type: 'heartbeat', time: '' })
    }
    expect(store.getSnapshot().connection.state).toBe('connected')
    // Whatever is heard between two beats counts as one.
    world.clock.advance(20_000)
    first.say({ type: 'heartbeat', time: '' })
    world.clock.advance(56_249)
    expect(store.getSnapshot().connection.state).toBe('connected')
    world.clock.advance(1)
    expect(store.getSnapshot().connection).toMatchObject({ state: 'reconnecting', transport: 'sse' })
    expect(first.isClosed).toBe(true)
  })

  it('[CL13] asks whether the connection lives when the page is looked at again, and does not wait for heartbeats', async () => {
    const { world, store, first } = await connected()
    world.look()
    expect(first.of('ping')).toHaveLength(1)
    first.say({ type: 'pong', time: '' })
    world.clock.advance(5000)
    expect(store.getSnapshot().connection.state).toBe('connected')
    world.look()
    world.clock.advance(5000)
    expect(store.getSnapshot().connection).toMatchObject({ state: 'reconnecting', attempt: 1 })
  })

  it('[CL8] tries at once when the network comes back', async () => {
    const { world, client, first } = await connected()
    world.setOnline(false)
    first.drop()
    expect(client.getSnapshot()).toMatchObject({ isOffline: true, connection: { state: 'reconnecting' } })
    world.setOnline(true)
    const second = await world.socket(2)
    second.welcome()
    expect(client.getSnapshot()).toMatchObject({ isOffline: false, connection: { state: 'connected' } })
  })

  it('[CL10] a connection that works is right, and a device that says offline is wrong', async () => {
    const { world, client } = await connected()
    world.setOnline(false)
    expect(client.getSnapshot().isOffline).toBe(false)
  })

  it('[CL6] says so where the sign-in has been ended from elsewhere, and does not come back by itself', async () => {
    const { world, store, first } = await connected()
    const error = { code: 'UNAUTHENTICATED', status: 401, kind: 'auth', retry: false, title: '', detail: 'Signed out.' }
    first.say({ type: 'error', error })
    first.drop(4504)
    expect(store.getSnapshot()).toMatchObject({ connection: { state: 'error' }, error: { code: 'UNAUTHENTICATED' } })
    world.clock.advance(600_000)
    world.look()
    expect(world.sockets).toHaveLength(1)
  })

  it('[CL6] what may not be read ends in an error of that stream alone', async () => {
    const { client, store, first } = await connected()
    const other = client.stream(sum, { id: 's2' })
    other.subscribe(() => {})
    await vi.waitFor(() => expect(first.of('subscribe')).toHaveLength(2))
    const error = { code: 'FORBIDDEN', status: 403, kind: 'auth', retry: false, title: '', detail: 'No.' }
    first.say({ type: 'error', stream: 'sums/s2', error })
    expect(other.getSnapshot()).toMatchObject({ connection: { state: 'error' }, error: { code: 'FORBIDDEN' } })
    expect(store.getSnapshot().connection.state).toBe('connected')
    expect(client.getSnapshot().connection.state).toBe('error')
  })

  it('[CL4] comes back when a server that drains said so', async () => {
    const { world, store, first } = await connected()
    first.say({ type: 'drain', retryAfterMs: 2310 })
    first.drop(4000)
    expect(store.getSnapshot().connection.retryAt).toBe(world.clock.now() + 2310)
  })

  it('[CL14] renews its token in time on the open connection, and takes another where one is refused', async () => {
    let made = 0
    const clock = { now: () => 0 }
    const token = async () => {
      made += 1
      return { token: `token-${made}`, expiresAt: clock.now() + 900_000 }
    }
    const { world, first } = await (async () => {
      const world = new FakeWorld()
      clock.now = () => world.clock.now()
      world.answer = (_, init) => {
        const { authorization } = (init?.headers ?? {}) as Record<string, string>
        return authorization === 'Bearer token-1' ? problem('UNAUTHENTICATED', 401, 'auth') : { body: STATE }
      }
      const client = new StreamClient(world, { token })
      client.stream(sum, { id: 's1' }).subscribe(() => {})
      const first = await world.socket(1)
      return { world, first }
    })()
    await vi.waitFor(() => expect(made).toBe(2))
    first.welcome()
    await vi.waitFor(() => expect(first.of('subscribe')).toHaveLength(1))
    // A minute before its end.
    for (let seconds = 0; seconds < 840; seconds += 20) {
      expect(first.of('authenticate')).toEqual([])
      first.say({ type: 'heartbeat', time: '' })
      world.clock.advance(20_000)
    }
    await vi.waitFor(() => expect(first.of('authenticate')).toEqual([{ type: 'authenticate', token: 'token-3' }]))
    expect(first.isClosed).toBe(false)
  })
})

import { defineStream } from '@holdfast/protocol'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { at, FakeWorld, problem } from './fixtures/fake-world.ts'
import { StreamClient } from './stream-client.ts'

const sum = defineStream('sums/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }) },
  initial: { total: 0 },
  fold: (state, event) => ({ total: state.total + event.by }),
})

const stream = 'sums/s'
const timestamp = '2026-01-01T00:00:00.000Z'
const events = (after: number, ...by: number[]) => ({
  type: 'events',
  stream,
  after: at(after),
  offset: at(after + by.length),
  events: by.map((one) => ({ type: 'added', by: one, timestamp })),
})
const sealed = (offset: number) => ({ type: 'sealed', stream, after: at(offset), offset: at(offset) })
const stateAt = (offset: number) => ({ body: { state: { total: 10 }, offset: at(offset), version: 1 } })

/** An answer that comes when the test says so. */
function later() {
  const { promise, resolve } = Promise.withResolvers<{ status?: number; body?: unknown }>()
  return { promise, resolve }
}

async function connected() {
  const world = new FakeWorld()
  world.answer = () => stateAt(3)
  const client = new StreamClient(world)
  const store = client.stream(sum, { id: 's' })
  const leave = store.subscribe(() => {})
  const socket = await world.socket(1)
  socket.welcome()
  await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('connected'))
  return { world, client, store, socket, leave }
}

describe('a stream that is read anew', () => {
  it('[CL2] has what came while its state was read, where the answer is older than that', async () => {
    const { world, client, store, socket, leave } = await connected()
    client.stream(sum, { id: 'other' }).subscribe(() => {})
    leave()
    world.clock.advance(1000)
    const answer = later()
    world.answer = () => answer.promise
    store.subscribe(() => {})
    socket.say({ type: 'unsubscribed', stream })
    expect(socket.of('subscribe').at(-1)).toEqual({ type: 'subscribe', stream, from: at(3) })
    socket.say(events(3, 5))
    answer.resolve(stateAt(3))
    await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('connected'))
    expect(socket.sent.slice(-2)).toEqual([
      { type: 'unsubscribe', stream },
      { type: 'subscribe', stream, from: at(3) },
    ])
    socket.say({ type: 'unsubscribed', stream })
    socket.say(events(3, 5))
    expect(store.getSnapshot()).toMatchObject({ state: { total: 15 }, offset: at(4) })
  })

  it('[CL1] says no more why it could not be read once it was, also where nothing is new', async () => {
    const { world, client, store, leave } = await connected()
    client.stream(sum, { id: 'other' }).subscribe(() => {})
    leave()
    world.clock.advance(1000)
    world.answer = () => problem('UNAVAILABLE', 503, 'server', true)
    store.subscribe(() => {})
    await vi.waitFor(() => expect(store.getSnapshot().error?.code).toBe('UNAVAILABLE'))
    world.answer = () => stateAt(3)
    world.clock.advance(1000)
    await vi.waitFor(() =>
      expect(store.getSnapshot()).toMatchObject({ connection: { state: 'connected' }, error: null }),
    )
  })

  it('[CL1] asks for its state once more where that is never answered', async () => {
    const world = new FakeWorld()
    world.answer = () => new Promise(() => {})
    const client = new StreamClient(world)
    const store = client.stream(sum, { id: 's' })
    store.subscribe(() => {})
    const socket = await world.socket(1)
    socket.welcome()
    world.answer = () => stateAt(3)
    world.clock.advance(20_000)
    socket.say({ type: 'heartbeat', time: '' })
    world.clock.advance(1000)
    await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('connected'))
  })

  it('[CL1] does not ask again before the server said', async () => {
    const world = new FakeWorld()
    const limited = problem('TOO_MANY_REQUESTS', 429, 'limit', true)
    const first = later()
    world.answer = () => first.promise
    const store = new StreamClient(world).stream(sum, { id: 's' })
    store.subscribe(() => {})
    const socket = await world.socket(1)
    socket.welcome()
    first.resolve({ ...limited, body: { ...(limited.body as object), retryAfter: 15 } })
    await vi.waitFor(() => expect(store.getSnapshot().error?.code).toBe('TOO_MANY_REQUESTS'))
    world.clock.advance(14_999)
    await new Promise((resolve) => setImmediate(resolve))
    expect(world.asked('/v1/stream')).toBe(1)
    world.clock.advance(1)
    await vi.waitFor(() => expect(world.asked('/v1/stream')).toBe(2))
  })

  it('[CL9] waits for nothing any more once its client is closed', async () => {
    const { world, client, store, leave } = await connected()
    world.answer = () => problem('UNAVAILABLE', 503, 'server', true)
    const other = client.stream(sum, { id: 'other' })
    other.subscribe(() => {})
    await vi.waitFor(() => expect(other.getSnapshot().error?.code).toBe('UNAVAILABLE'))
    leave()
    client.close()
    expect(world.clock.pending).toBe(0)
    expect([store, other].map((one) => one.getSnapshot().connection.state)).toEqual(['disconnected', 'disconnected'])
    await expect(client.append(stream, [{}])).rejects.toMatchObject({ code: 'UNREACHABLE' })
    expect(world.clock.pending).toBe(0)
  })

  it('[CL2] comes to its end where that came while its state was read', async () => {
    const { world, client, store, socket } = await connected()
    const answer = later()
    world.answer = () => answer.promise
    const key = { definition: sum, stream, load: () => client.request<never>('/late') }
    const late = client.store('late', key)
    late.subscribe(() => {})
    socket.say(events(3, 1))
    socket.say(sealed(4))
    expect(store.getSnapshot().connection.state).toBe('completed')
    answer.resolve(stateAt(3))
    await vi.waitFor(() => expect(socket.of('subscribe')).toHaveLength(2))
    expect(socket.of('subscribe')[1]).toEqual({ type: 'subscribe', stream, from: at(3) })
    socket.say(events(3, 1))
    socket.say(sealed(4))
    expect(late.getSnapshot()).toMatchObject({ state: { total: 11 }, connection: { state: 'completed' } })
    expect(socket.isClosed).toBe(true)
  })

  it('[CL6] one that cannot be read just now is asked for once at a time, whatever became of the connection', async () => {
    const { world, store, socket } = await connected()
    const error = { code: 'UNAVAILABLE', status: 503, kind: 'server', retry: true, title: '', detail: 'Busy.' }
    socket.say({ type: 'error', stream, error: { ...error, retryAfter: 3 } })
    socket.drop()
    world.clock.advance(1000)
    const second = await world.socket(2)
    second.welcome()
    expect(second.of('subscribe')).toEqual([])
    world.clock.advance(1999)
    expect(second.of('subscribe')).toEqual([])
    world.clock.advance(1)
    expect(second.of('subscribe')).toEqual([{ type: 'subscribe', stream, from: at(3) }])
    second.say(events(3, 1))
    expect(store.getSnapshot().state).toEqual({ total: 11 })
  })
})

import { describe, expect, it, vi } from 'vitest'
import { type AccessToken, Credentials } from './credentials.ts'
import { FakeWorld, problem } from './fixtures/fake-world.ts'
import { StreamClient } from './stream-client.ts'

function setup(source?: (count: number) => Promise<AccessToken>) {
  const world = new FakeWorld()
  let made = 0
  const token = async () => {
    made += 1
    return source ? source(made) : { token: `t${made}` }
  }
  return { world, token, made: () => made }
}

/** Reads something that never comes, so that there is a connection. */
function reader(world: FakeWorld, token: () => Promise<AccessToken>) {
  const client = new StreamClient(world, { token })
  const definition = { version: 1, initial: 0, events: {}, apply: () => 0, isTerminal: () => false }
  const load = () => new Promise<never>(() => {})
  const store = client.store('s', { definition: { ...definition, parse: (event: never) => event }, stream: 's', load })
  store.subscribe(() => {})
  return store
}

describe('tokens', () => {
  it('[CL14] many requests that are refused with one token ask for one other', async () => {
    const { world, token, made } = setup()
    world.answer = async (_, init) => {
      const { authorization } = (init?.headers ?? {}) as Record<string, string>
      if (authorization !== 'Bearer t1') return { body: authorization }
      return problem('UNAUTHENTICATED', 401, 'auth')
    }
    const credentials = new Credentials(world, token)
    const first = credentials.world.fetch('/a')
    const second = first.then(() => credentials.world.fetch('/b'))
    const answers = await Promise.all([first, second, ...['c', 'd'].map((path) => credentials.world.fetch(`/${path}`))])
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual(Array(4).fill('Bearer t2'))
    // One of them comes late: of the token before, when there is another already.
    const slow = Promise.withResolvers<ReturnType<typeof problem>>()
    world.answer = (path) => (path === '/slow' ? slow.promise : { status: 401 })
    const late = credentials.world.fetch('http://test/slow')
    await vi.waitFor(() => expect(world.asked('/slow')).toBe(1))
    const before = credentials.world.fetch('http://test/now')
    await before
    world.answer = () => ({})
    slow.resolve(problem('UNAUTHENTICATED', 401, 'auth'))
    await late
    expect(made()).toBe(3)
  })

  it('[CL14] a clock that is ahead of the server’s does not ask for tokens without end', async () => {
    const { world, token, made } = setup(async (count) => ({
      token: `t${count}`,
      expiresAt: world.clock.now() - 60_000,
    }))
    reader(world, token)
    const socket = await world.socket(1)
    socket.welcome()
    for (let turns = 0; turns < 20; turns += 1) {
      world.clock.advance(1)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(made()).toBe(1)
    expect(socket.of('authenticate')).toEqual([])
  })

  it('[CL14] comes back with another token where the server says that the one before has expired', async () => {
    const { world, token } = setup(async (count) => ({ token: `t${count}`, expiresAt: world.clock.now() + 9e6 }))
    reader(world, token)
    const socket = await world.socket(1)
    expect(socket.token).toBe('t1')
    socket.welcome()
    const error = { code: 'UNAUTHENTICATED', status: 401, kind: 'auth', retry: false, title: '', detail: 'Expired.' }
    socket.say({ type: 'error', error })
    socket.drop(4004)
    world.clock.advance(1000)
    expect((await world.socket(2)).token).toBe('t2')
  })

  it('[CL14] a source that never answers is asked again', async () => {
    const { world, token } = setup((count) => (count === 1 ? new Promise(() => {}) : Promise.resolve({ token: 't2' })))
    const store = reader(world, token)
    await vi.waitFor(() => expect(world.clock.pending).toBeGreaterThan(0))
    world.clock.advance(20_000)
    await vi.waitFor(() => expect(store.getSnapshot().connection.state).toBe('reconnecting'))
    world.clock.advance(1000)
    expect((await world.socket(1)).token).toBe('t2')
  })
})

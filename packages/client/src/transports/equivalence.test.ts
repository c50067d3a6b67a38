import { randomUUID } from 'node:crypto'
import { defineStream, type Offset } from '@holdfast/protocol'
import { createTestWorld, ManualClock, type TestWorld } from '@holdfast/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { TRANSPORTS, type TransportName } from '../connection-policy.ts'
import { StreamClient } from '../stream-client.ts'
import type { ClientWorld, WebSocketLike } from '../world.ts'

const story = defineStream('stories/:id', {
  version: 1,
  events: { told: z.object({ n: z.number() }), ended: z.object({}) },
  initial: { told: [] as number[] },
  fold: (state, event) => (event.type === 'told' ? { told: [...state.told, event.n] } : state),
  terminal: ['ended'],
  clientAppend: true,
})

/** Lets one transport through, as a network between might, and can cut what is open. */
class Network implements ClientWorld {
  readonly baseUrl: string
  readonly clock = new ManualClock()
  readonly connectivity = { online: () => true, subscribe: () => () => {} }
  readonly random = () => 0.5
  readonly id = randomUUID
  #mode: TransportName = 'websocket'
  readonly #token: string
  readonly #sockets = new Set<WebSocket>()
  #requests = new AbortController()
  #isCut = false

  constructor(baseUrl: string, token: string) {
    this.baseUrl = baseUrl
    this.#token = token
  }

  /** From now on only this one works, and what was open is cut. */
  use(mode: TransportName): void {
    this.#mode = mode
    for (const socket of this.#sockets) socket.close()
    this.#sockets.clear()
    this.#requests.abort()
    this.#requests = new AbortController()
    this.#isCut = true
  }

  openSocket(url: string): WebSocketLike | null {
    if (this.#mode !== 'websocket') return null
    const headers = { authorization: `Bearer ${this.#token}` }
    const socket = new WebSocket(url, { headers } as never)
    this.#sockets.add(socket)
    return socket as unknown as WebSocketLike
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers: Record<string, string> = { ...(init.headers as object), authorization: `Bearer ${this.#token}` }
    // What was between two questions is cut as well.
    if (this.#isCut && url.includes('/v1/read')) {
      this.#isCut = false
      throw new TypeError('the line was cut')
    }
    const isStreamed = headers.accept === 'text/event-stream'
    const isWaiting = /wait=[1-9]/.test(url)
    if (isStreamed && this.#mode !== 'sse') return new Response(null, { status: 502 })
    if (isWaiting && this.#mode !== 'long-poll') return new Response(null, { status: 504 })
    const signals = [this.#requests.signal, ...(init.signal ? [init.signal] : [])]
    return fetch(url, { ...init, headers, signal: AbortSignal.any(signals) })
  }
}

/** A walk in which each transport is followed by each, itself included. Source: Eulerian circuit of a complete graph. */
function everyChange(): TransportName[] {
  const left = new Map(TRANSPORTS.map((name) => [name, [...TRANSPORTS]]))
  const stack: TransportName[] = ['websocket']
  const walk: TransportName[] = []
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = left.get(top)?.pop()
    if (next) stack.push(next)
    else walk.push(stack.pop() as TransportName)
  }
  return walk.reverse()
}

let world: TestWorld
beforeAll(async () => {
  world = await createTestWorld({
    apps: () => [{ name: 'stories', streams: [story], migrations: [], setup: () => ({}) }],
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const PATIENCE = { timeout: 10_000, interval: 5 }

/** A reader, with every position and state it was at. */
async function follow(id: string) {
  const name = story.name({ id })
  await world.server.services.log.ensure(name, { contentType: 'application/json' })
  const network = new Network(world.url, world.token)
  const client = new StreamClient(network)
  const store = client.stream(story, { id })
  const seen = new Map<Offset, number[]>()
  store.subscribe(() => {
    const { offset, state } = store.getSnapshot()
    if (offset !== null) seen.set(offset, state.told)
  })
  /** Time passes for the client until it is where it should be. */
  const until = (check: () => void) =>
    vi.waitFor(() => {
      network.clock.advance(500)
      check()
    }, PATIENCE)
  const reaches = (transport: TransportName) => {
    const state = transport === 'websocket' ? 'connected' : 'degraded'
    return until(() => expect(store.getSnapshot().connection).toMatchObject({ transport, state }))
  }
  const tell = async (n: number) => {
    const { db, log } = world.server.services
    await db.commit([
      log.append(
        name,
        [story.parse({ type: 'told', n }, Date.now())].map((one) => JSON.stringify(one)),
      ),
    ])
  }
  return { name, network, client, store, seen, until, reaches, tell }
}

describe('the transports of a client', () => {
  it('[X1a] tell the same events with the same offsets, changed between at every position', async () => {
    const { name, network, client, store, seen, until, reaches, tell } = await follow('every-change')
    const walk = everyChange()
    expect(walk).toHaveLength(17)
    for (const [n, transport] of walk.entries()) {
      network.use(transport)
      // Some is told while nothing is open, and some when it is.
      await tell(2 * n)
      await reaches(transport)
      await until(() => expect(store.getSnapshot().state.told).toHaveLength(2 * n + 1))
      await tell(2 * n + 1)
      await until(() => expect(store.getSnapshot().state.told).toHaveLength(2 * n + 2))
    }
    const all = Array.from({ length: 2 * walk.length }, (_, n) => n)
    expect(store.getSnapshot().state.told).toEqual(all)
    // Whatever it was at, was a place of the stream with what had been told by then.
    const { state, offset } = await world.get<{ state: object; offset: Offset }>(`/v1/stream/${name}?view=state`)
    expect(store.getSnapshot()).toMatchObject({ state, offset })
    for (const [at, told] of seen) expect(told).toEqual(all.slice(0, Number(at.slice(17))))
    client.close()
  })

  for (const transport of TRANSPORTS) {
    it(`[X1b] ${transport}: reads, appends once and comes to the end`, async () => {
      const { name, network, client, store, until, reaches } = await follow(`alone-${transport}`)
      network.use(transport)
      await reaches(transport)
      const event = (n: number) => ({ type: 'told', n, timestamp: new Date(n).toISOString() })
      const first = await client.append(name, [event(1), event(2)])
      const second = await client.append(name, [event(3)])
      expect(second.offset > first.offset).toBe(true)
      await until(() =>
        expect(store.getSnapshot()).toMatchObject({ state: { told: [1, 2, 3] }, offset: second.offset }),
      )
      await client.append(name, [{ type: 'ended', timestamp: new Date(9).toISOString() }])
      await until(() => expect(store.getSnapshot().connection.state).toBe('completed'))
      expect(client.getSnapshot().queued).toBe(0)
      let refusal: unknown
      client.append(name, [event(4)]).catch((error) => {
        refusal = error
      })
      await until(() => expect(refusal).toMatchObject({ code: 'STREAM_SEALED' }))
      client.close()
    })
  }

  it('[CL17] an append whose answer was lost is taken once', async () => {
    const { name, network, client, store, until, reaches } = await follow('lost-answer')
    await until(() => expect(store.getSnapshot().connection.state).toBe('connected'))
    network.use('poll')
    await reaches('poll')
    // The first answer does not arrive.
    const real = network.fetch.bind(network)
    let lost = 0
    network.fetch = async (url, init) => {
      const answer = await real(url, init)
      if (init?.method !== 'POST' || !url.endsWith(name) || lost > 0) return answer
      lost += 1
      throw new TypeError('the line went dead')
    }
    const appended = client.append(name, [{ type: 'told', n: 7, timestamp: new Date(7).toISOString() }])
    await until(() => expect(store.getSnapshot().state.told).toEqual([7]))
    await until(() => expect(client.getSnapshot().queued).toBe(0))
    expect(lost).toBe(1)
    expect((await appended).offset).toBe(store.getSnapshot().offset)
    expect(store.getSnapshot().state.told).toEqual([7])
    client.close()
  })
})

import { randomUUID } from 'node:crypto'
import { defineStream } from '@holdfast/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { at, type FakeSocket, FakeWorld } from '../fixtures/fake-world.ts'
import { StreamClient } from '../stream-client.ts'
import type { TabChannel, TabLocks, Tabs } from '../world.ts'
import { TAB_BEAT_MS } from './tab-group.ts'

const sum = defineStream('sums/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }) },
  initial: { total: 0 },
  fold: (state, event) => ({ total: state.total + event.by }),
  clientAppend: true,
})

const stream = 'sums/s'
const events = (after: number, ...by: number[]) => ({
  type: 'events',
  stream,
  after: at(after),
  offset: at(after + by.length),
  events: by.map((one) => ({ type: 'added', by: one, timestamp: '2026-01-01T00:00:00.000Z' })),
})

/** A tab: a client with a world of its own, and the real channels and locks between them. */
class Tab {
  readonly world = new FakeWorld()
  readonly client: StreamClient
  readonly store: ReturnType<StreamClient['stream']>
  readonly #channels: TabChannel[] = []
  #life: (isAwake: boolean) => void = () => {}
  isFrozen = false
  /** The tabs that have begun to read through it. */
  readonly served = new Set<string>()
  /** What was said to it, also while nothing ran in it. */
  heard = 0
  state = { total: 10 }
  offset = 3

  constructor(who: { id: string; scope: string[] }) {
    this.world.answer = (path) => {
      if (path === '/api/me') return { body: { kind: 'operator', expiresAt: null, ...who } }
      return { body: { state: this.state, offset: at(this.offset), version: 1 } }
    }
    this.world.tabs = this.#tabs()
    this.client = new StreamClient(this.world)
    this.store = this.client.stream(sum, { id: 's' }) as ReturnType<StreamClient['stream']>
    this.store.subscribe(() => {})
  }

  get role() {
    return this.client.getSnapshot().role
  }

  get total() {
    return (this.store.getSnapshot().state as { total: number }).total
  }

  /** Nothing runs in it any more, and nobody is told. */
  freeze(): void {
    this.isFrozen = true
  }

  sleep(): void {
    this.#life(false)
  }

  wake(): void {
    this.isFrozen = false
    this.#life(true)
  }

  close(): void {
    this.client.close()
    for (const channel of this.#channels) channel.close()
  }

  #tabs(): Tabs {
    return {
      channel: (name) => {
        const real = new BroadcastChannel(name)
        const channel: TabChannel = {
          postMessage: (message) => this.isFrozen || real.postMessage(message),
          onmessage: null,
          close: () => real.close(),
        }
        real.onmessage = (event) => {
          this.heard += 1
          if (!this.isFrozen) channel.onmessage?.(event as MessageEvent)
          const { type, tab } = (event as MessageEvent).data
          if (type === 'open') this.served.add(tab)
        }
        this.#channels.push(channel)
        return channel
      },
      locks: navigator.locks as unknown as TabLocks,
      onLife: (listener) => {
        this.#life = listener
        return () => {}
      },
    }
  }
}

const tabs: Tab[] = []
afterEach(() => {
  for (const tab of tabs.splice(0)) tab.close()
})

const somebody = () => ({ id: randomUUID(), scope: ['manage:*'] })

/** Opens a tab, with the others where it is somebody they are. */
function open(who: { id: string; scope: string[] }): Tab {
  const tab = new Tab(who)
  tabs.push(tab)
  return tab
}

async function lead(tab: Tab, who: { id: string; scope: string[] }): Promise<FakeSocket> {
  await vi.waitFor(() => expect(tab.world.sockets.length).toBeGreaterThan(0))
  const socket = tab.world.sockets.at(-1) as FakeSocket
  socket.onopen?.()
  socket.say({ type: 'welcome', protocol: 1, heartbeatMs: 25_000, principal: who.id, scope: who.scope })
  await vi.waitFor(() => expect(socket.of('subscribe').length).toBeGreaterThan(0))
  socket.say({ type: 'up_to_date', stream, after: at(tab.offset), offset: at(tab.offset) })
  await vi.waitFor(() => expect(tab.store.getSnapshot().connection.state).toBe('connected'))
  return socket
}

/** A leader that is connected, and so many that read through it. */
async function group(size: number) {
  const who = somebody()
  const leader = open(who)
  const socket = await lead(leader, who)
  const followers = Array.from({ length: size }, () => open(who))
  for (const tab of followers) {
    await vi.waitFor(() => expect(tab.store.getSnapshot().connection.state).toBe('connected'))
  }
  await vi.waitFor(() => expect(leader.served.size).toBe(size))
  return { who, leader, socket, followers, all: [leader, ...followers] }
}

const totals = (all: Tab[]) => all.map(({ total }) => total)

describe('tabs of one browser', () => {
  it('[CL15] read through one connection, whoever came first', async () => {
    const { leader, followers, all, socket } = await group(9)
    expect(leader.role).toBe('leader')
    expect(followers.map(({ role }) => role)).toEqual(Array(9).fill('follower'))
    socket.say(events(3, 5))
    socket.say(events(4, 1, 1))
    await vi.waitFor(() => expect(totals(all)).toEqual(Array(10).fill(17)))
    expect(all.flatMap(({ world }) => world.sockets)).toHaveLength(1)
    expect(socket.of('subscribe')).toHaveLength(1)
  })

  it('[CL15] share only when principal and rights are equal', async () => {
    const who = somebody()
    const reader = { ...who, scope: ['read:*'] }
    const [writing, reading, other] = [open(who), open(reader), open(somebody())]
    for (const tab of [writing, reading, other]) await vi.waitFor(() => expect(tab.world.sockets).toHaveLength(1))
    await lead(writing, who)
    await lead(reading, reader)
    void reading.client.append(stream, [{ type: 'added', by: 1 }]).catch(() => {})
    await vi.waitFor(() => expect(reading.world.sockets[0]?.of('append')).toHaveLength(1))
    expect(writing.world.sockets[0]?.of('append')).toHaveLength(0)
  })

  it('[CL15] one whose session became another’s meanwhile leaves the others', async () => {
    const { leader, socket, who } = await group(0)
    const now = somebody()
    leader.world.answer = (path) =>
      path === '/api/me'
        ? { body: { kind: 'operator', expiresAt: null, ...now } }
        : { body: { state: { total: 10 }, offset: at(3), version: 1 } }
    socket.drop()
    leader.world.clock.advance(1000)
    const again = await leader.world.socket(2)
    again.welcome()
    again.say({ type: 'welcome', protocol: 1, heartbeatMs: 25_000, principal: now.id, scope: now.scope })
    await leader.world.socket(3)
    expect(again.isClosed).toBe(true)
    const back = open(who)
    await vi.waitFor(() => expect(back.world.sockets).toHaveLength(1))
  })

  it('[CL15] one that comes later has the state and misses nothing of what went on meanwhile', async () => {
    const { who, leader, socket } = await group(0)
    const late = new Tab(who)
    tabs.push(late)
    // Its state is older than what the others have by now, and newer than where they began.
    Object.assign(late, { state: { total: 11 }, offset: 4 })
    socket.say(events(3, 1, 2, 3))
    await vi.waitFor(() => expect(socket.of('unsubscribe')).toHaveLength(1))
    expect(socket.of('subscribe').at(-1)).toEqual({ type: 'subscribe', stream, from: at(4) })
    socket.say({ type: 'unsubscribed', stream })
    socket.say(events(4, 2, 3))
    await vi.waitFor(() => expect(totals([leader, late])).toEqual([16, 16]))
  })

  it('[CL15] one that misses something before the end has it, and then the end', async () => {
    const { who, leader, socket, followers } = await group(1)
    const late = followers[0] as Tab
    const sealed = { type: 'sealed', stream, after: at(6), offset: at(6) }
    // The follower does not hear this.
    late.isFrozen = true
    const { heard } = late
    socket.say(events(3, 1, 2, 3))
    await vi.waitFor(() => expect(late.heard).toBe(heard + 1))
    late.isFrozen = false
    socket.say(sealed)
    await vi.waitFor(() => expect(leader.store.getSnapshot().connection.state).toBe('completed'))
    const again = await leader.world.socket(2)
    again.onopen?.()
    again.say({ type: 'welcome', protocol: 1, heartbeatMs: 25_000, principal: who.id, scope: who.scope })
    await vi.waitFor(() => expect(again.of('subscribe')).toEqual([{ type: 'subscribe', stream, from: at(3) }]))
    again.say(events(3, 1, 2, 3))
    again.say(sealed)
    await vi.waitFor(() => expect(late.store.getSnapshot().connection.state).toBe('completed'))
    expect(late.total).toBe(16)
  })

  it('[CL16] the next takes over when the leader closes, and nothing is lost or doubled', async () => {
    const { who, leader, followers, socket } = await group(2)
    socket.say(events(3, 5))
    await vi.waitFor(() => expect(totals(followers)).toEqual([15, 15]))
    leader.close()
    expect(socket.isClosed).toBe(true)
    await vi.waitFor(() => expect(followers.flatMap(({ world }) => world.sockets)).toHaveLength(1))
    const next = followers.find(({ world }) => world.sockets.length === 1) as Tab
    const second = await lead(next, who)
    expect(second.of('subscribe')).toEqual([{ type: 'subscribe', stream, from: at(4) }])
    second.say(events(3, 5))
    second.say(events(4, 7))
    await vi.waitFor(() => expect(totals(followers)).toEqual([22, 22]))
  })

  it('[CL16] one that is silent for two beats is robbed of the lock, and follows when it wakes', async () => {
    const { who, leader, followers, socket } = await group(1)
    const [follower] = followers as [Tab]
    leader.freeze()
    for (let beats = 0; beats < 3; beats += 1) {
      expect(follower.world.sockets).toHaveLength(0)
      follower.world.clock.advance(TAB_BEAT_MS)
    }
    const second = await lead(follower, who)
    expect(follower.role).toBe('leader')
    second.say(events(3, 4))
    leader.isFrozen = false
    await vi.waitFor(() => expect(leader.role).toBe('follower'))
    expect(socket.isClosed).toBe(true)
    leader.world.clock.advance(TAB_BEAT_MS)
    await vi.waitFor(() => expect(leader.store.getSnapshot().connection.state).toBe('connected'))
    // It missed something while it was away.
    await vi.waitFor(() => expect(second.of('subscribe').at(-1)).toEqual({ type: 'subscribe', stream, from: at(3) }))
    second.say({ type: 'unsubscribed', stream })
    second.say(events(3, 4))
    second.say(events(4, 1))
    await vi.waitFor(() => expect(totals([leader, follower])).toEqual([15, 15]))
  })

  it('[CL16] one that answers is not robbed, however long nothing happens', async () => {
    const { followers } = await group(1)
    const [follower] = followers as [Tab]
    for (let beats = 0; beats < 20; beats += 1) {
      follower.world.clock.advance(TAB_BEAT_MS)
      await new Promise((resolve) => setImmediate(resolve))
      await vi.waitFor(() => expect(follower.store.getSnapshot().connection.state).toBe('connected'))
    }
    expect(follower.role).toBe('follower')
    expect(follower.world.sockets).toHaveLength(0)
  })

  it('[CL16] a page that is put to sleep hands over, and comes back as one of the others', async () => {
    const { who, leader, followers, socket } = await group(1)
    leader.sleep()
    expect(socket.isClosed).toBe(true)
    const second = await lead(followers[0] as Tab, who)
    leader.wake()
    await vi.waitFor(() => expect(leader.store.getSnapshot().connection.state).toBe('connected'))
    expect(leader.role).toBe('follower')
    second.say(events(3, 9))
    await vi.waitFor(() => expect(leader.total).toBe(19))
  })

  it('[CL17] an append of any tab goes over the one connection, and again where its leader went before the answer', async () => {
    const { who, leader, followers, socket } = await group(2)
    const [first] = followers as [Tab, Tab]
    const appended = first.client.append(stream, [{ type: 'added', by: 1 }])
    await vi.waitFor(() => expect(socket.of('append')).toHaveLength(1))
    leader.close()
    await vi.waitFor(() => expect(followers.flatMap(({ world }) => world.sockets)).toHaveLength(1))
    const next = followers.find(({ world }) => world.sockets.length === 1) as Tab
    const second = await lead(next, who)
    await vi.waitFor(() => {
      first.world.clock.advance(1000)
      expect(second.of('append')).toHaveLength(1)
    })
    const [again] = second.of('append')
    expect(again).toMatchObject({ producer: socket.of('append')[0]?.producer, events: socket.of('append')[0]?.events })
    second.say({ type: 'appended', ref: again?.ref, stream, offset: at(4), duplicate: true })
    expect(await appended).toEqual({ offset: at(4) })
  })

  it('[CL15] a stream that only a tab read that is gone is not read any more', async () => {
    const { leader, followers, socket } = await group(1)
    const [follower] = followers as [Tab]
    follower.client.stream(sum, { id: 'other' }).subscribe(() => {})
    await vi.waitFor(() => expect(socket.of('subscribe').at(-1)).toMatchObject({ stream: 'sums/other' }))
    follower.close()
    await vi.waitFor(() => expect(socket.of('unsubscribe').at(-1)).toMatchObject({ stream: 'sums/other' }))
    expect(leader.store.getSnapshot().connection.state).toBe('connected')
  })

  it('[CL15] alone while nobody knows who asks, and together as soon as that is known', async () => {
    const who = somebody()
    const answer = new Tab(who)
    answer.close()
    const tab = open(who)
    const working = tab.world.answer
    tab.world.answer = (path, init) => {
      if (path === '/api/me') throw new TypeError('connection refused')
      return working(path, init)
    }
    const socket = await tab.world.socket(1)
    expect(tab.role).toBe('alone')
    tab.world.answer = working
    socket.welcome()
    await vi.waitFor(() => expect(tab.role).toBe('leader'))
    expect(socket.isClosed).toBe(true)
  })
})

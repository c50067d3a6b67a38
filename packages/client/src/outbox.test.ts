import { describe, expect, it, vi } from 'vitest'
import { IDLE } from './connection-policy.ts'
import { at, FakeWorld } from './fixtures/fake-world.ts'
import type { Append, Appended, Link, LinkStatus } from './link.ts'
import { type Entry, type Keep, Outbox } from './outbox.ts'
import { RequestError, type RequestErrorFields } from './request.ts'

/** A way to the server that answers as a test says, and remembers what was asked. */
class FakeLink implements Link {
  status: LinkStatus = { connection: { ...IDLE, state: 'connected' }, error: null, role: 'alone' }
  readonly asked: Append[] = []
  answer: (append: Append) => Promise<Appended> = async () => ({ offset: at(this.asked.length) })
  readonly #listeners = new Set<() => void>()

  set isOpen(isOpen: boolean) {
    this.status = { ...this.status, connection: { ...IDLE, state: isOpen ? 'connected' : 'reconnecting' } }
    for (const listener of this.#listeners) listener()
  }

  onStatus(listener: () => void) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  append(append: Append): Promise<Appended> {
    if (this.status.connection.state !== 'connected') return Promise.reject(RequestError.unreachable())
    this.asked.push(append)
    return this.answer(append)
  }

  open = () => () => {}
  align() {}
  reconnect() {}
  close() {}
}

/** What a browser keeps between pages. */
class FakeKeep implements Keep {
  readonly entries = new Map<string, Entry>()
  async adopt() {
    return [...this.entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }
  async put(entry: Entry) {
    this.entries.set(entry.id, structuredClone(entry))
  }
  async remove(id: string) {
    this.entries.delete(id)
  }
}

function setup(options: { keep?: Keep; limits?: { appends: number; characters: number } } = {}) {
  const world = new FakeWorld()
  const link = new FakeLink()
  return { world, link, outbox: new Outbox({ world, link, ...options }) }
}

const refusal = (code: RequestErrorFields['code'], retry: boolean) =>
  new RequestError(code, { code, status: 409, kind: 'conflict', retry })

describe('the outbox', () => {
  it('[CL17] sends those of one stream one after the other, numbered, and those of others beside them', async () => {
    const { link, outbox } = setup()
    const first = Promise.withResolvers<Appended>()
    link.answer = ({ stream, producer }) =>
      stream === 'a' && producer.seq === 0 ? first.promise : Promise.resolve({ offset: at(9) })
    const all = [outbox.append('a', [1]), outbox.append('a', [2]), outbox.append('b', [3])]
    await all[2]
    expect(link.asked.map(({ stream, events, producer }) => [stream, events[0], producer.seq])).toEqual([
      ['a', 1, 0],
      ['b', 3, 0],
    ])
    expect(outbox.size).toBe(2)
    first.resolve({ offset: at(1) })
    await Promise.all(all)
    expect(link.asked.at(-1)).toMatchObject({ stream: 'a', events: [2], producer: { seq: 1, epoch: 0 } })
    expect(outbox.size).toBe(0)
  })

  it('[CL17] sends again as it was what was not answered, in its place', async () => {
    const { world, link, outbox } = setup()
    link.answer = () => Promise.reject(RequestError.unreachable())
    const all = [outbox.append('a', [1]), outbox.append('a', [2])]
    await vi.waitFor(() => expect(link.asked).toHaveLength(1))
    link.answer = async () => ({ offset: at(1) })
    await vi.waitFor(() => {
      world.clock.advance(1000)
      expect(link.asked).toHaveLength(3)
    })
    await Promise.all(all)
    expect(link.asked[1]).toEqual(link.asked[0])
    expect(link.asked[2]?.producer.seq).toBe(1)
  })

  it('[CL18] waits while there is no connection, and does not wait longer than that', async () => {
    const { link, outbox } = setup()
    link.isOpen = false
    const appended = outbox.append('a', [1])
    await vi.waitFor(() => expect(outbox.size).toBe(1))
    expect(link.asked).toHaveLength(0)
    // The time of no wait passes: that there is a way again is enough.
    await vi.waitFor(() => {
      link.isOpen = false
      link.isOpen = true
      expect(link.asked).toHaveLength(1)
    })
    expect(await appended).toEqual({ offset: at(1) })
  })

  it('[CL18] lets so many wait and no more', async () => {
    const { link, outbox } = setup({ limits: { appends: 2, characters: 20 } })
    link.isOpen = false
    for (const n of [1, 2]) void outbox.append('a', [n]).catch(() => {})
    await expect(outbox.append('a', [3])).rejects.toMatchObject({ code: 'QUEUE_FULL', retry: true })
    outbox.close()
    const wide = setup({ limits: { appends: 9, characters: 20 } })
    wide.link.isOpen = false
    await expect(wide.outbox.append('a', ['x'.repeat(20)])).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    expect(wide.outbox.size).toBe(0)
  })

  it('[CL18] what the server refuses for good is refused to whoever made it, and those after it go on', async () => {
    const { link, outbox } = setup()
    link.answer = async ({ events }) => {
      if (events[0] === 'bad') throw refusal('INVALID_INPUT', false)
      return { offset: at(1) }
    }
    const [bad, good] = [outbox.append('a', ['bad']), outbox.append('a', ['good'])]
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await good
    // Its number was not used up.
    expect(link.asked.map(({ producer }) => producer.seq)).toEqual([0, 0])
  })

  it('[CL18] waits as long as the server said, whatever else becomes of the connection', async () => {
    const { world, link, outbox } = setup()
    const fields = { code: 'TOO_MANY_REQUESTS', status: 429, kind: 'limit', retry: true, retryAfter: 45 } as const
    link.answer = () => Promise.reject(new RequestError('Slower.', fields))
    const appended = outbox.append('a', [1])
    await vi.waitFor(() => expect(world.clock.pending).toBe(1))
    // Something else about it is new.
    link.isOpen = true
    link.answer = async () => ({ offset: at(1) })
    world.clock.advance(44_999)
    expect(link.asked).toHaveLength(1)
    world.clock.advance(1)
    expect(await appended).toEqual({ offset: at(1) })
  })

  it('[CL18] has nothing more to do once it is closed, and takes nothing more', async () => {
    const { world, link, outbox } = setup()
    const sent = Promise.withResolvers<Appended>()
    link.answer = () => sent.promise
    const appended = outbox.append('a', [1])
    await vi.waitFor(() => expect(link.asked).toHaveLength(1))
    outbox.close()
    sent.reject(RequestError.unreachable())
    await expect(appended).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await expect(outbox.append('a', [2])).rejects.toMatchObject({ code: 'UNREACHABLE' })
    expect(world.clock.pending).toBe(0)
    expect(link.asked).toHaveLength(1)
  })

  it('[CL17] numbers anew where the stream is another than it was', async () => {
    const { world, link, outbox } = setup()
    await outbox.append('a', [1])
    link.answer = async ({ producer }) => {
      if (producer.epoch === 0) throw refusal('PRODUCER_GAP', true)
      return { offset: at(1, 2) }
    }
    const appended = outbox.append('a', [2])
    await vi.waitFor(() => {
      world.clock.advance(1000)
      expect(link.asked.at(-1)?.producer).toMatchObject({ epoch: 1, seq: 0 })
    })
    expect(await appended).toEqual({ offset: at(1, 2) })
  })

  it('[CL19] what is kept is sent by the next page with the numbers it had, before what is made there', async () => {
    const keep = new FakeKeep()
    const before = setup({ keep })
    before.link.answer = () => new Promise(() => {})
    void before.outbox.append('a', [1]).catch(() => {})
    void before.outbox.append('a', [2]).catch(() => {})
    await vi.waitFor(() => expect([...keep.entries.values()].map(({ sent }) => sent?.seq)).toEqual([0, undefined]))
    const sent = before.link.asked[0]
    // The page is gone, and whether the first arrived nobody knows.
    const after = setup({ keep })
    await vi.waitFor(() => expect(after.link.asked).toHaveLength(2))
    expect(after.link.asked[0]).toEqual(sent)
    expect(after.link.asked[1]).toMatchObject({ events: [2] })
    await vi.waitFor(() => expect(keep.entries.size).toBe(0))
  })
})

import { formatOffset, type ServerFrame } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { Hub } from '../../hub/hub.ts'
import type { StreamLog } from '../../log/stream-log.ts'
import { StreamRegistry } from '../../log/stream-registry.ts'
import { frameBytes } from './frame-texts.ts'
import { Subscriptions } from './subscriptions.ts'

/** Subscriptions over a log whose reads wait until the test answers them. */
function world() {
  const reads = new Map<string, () => void>()
  const read = async (stream: string) => {
    await new Promise<void>((resolve) => reads.set(stream, resolve))
    reads.delete(stream)
    const offset = formatOffset({ incarnation: 1, seq: 0 })
    return { after: offset, offset, events: [], upToDate: true, sealed: false }
  }
  const log = {
    info: async () => ({ contentType: 'application/json', sealed: false }),
    touch: () => {},
  } as unknown as StreamLog
  const said: string[] = []
  const peer = {
    isFull: false,
    isOver: false,
    ...frameBytes((json) => Buffer.from(json)),
    write: () => void said.push('events'),
    say: ({ type }: ServerFrame) => void said.push(type),
  }
  const subscriptions = new Subscriptions(
    {
      hub: new Hub({ read }),
      log,
      registry: new StreamRegistry([]),
      limits: { subscriptions: 100 },
      onFault: () => {},
    },
    { peer, mayRead: () => true },
  )
  return { reads, said, peer, subscriptions }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']

describe('Subscriptions', () => {
  it('[WS27] a few streams read at a time; one that ends while it reads gives its turn to the next', async () => {
    const { reads, said, subscriptions } = world()
    for (const stream of NAMES) await subscriptions.subscribe({ stream })
    await settled()
    expect([...reads.keys()]).toEqual(['a', 'b', 'c', 'd'])
    subscriptions.unsubscribe('a')
    subscriptions.unsubscribe('b')
    await settled()
    expect([...reads.keys()]).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    reads.get('c')?.()
    await settled()
    expect([...reads.keys()]).toEqual(['a', 'b', 'd', 'e', 'f', 'g'])
    for (let round = 0; round < 5; round += 1) {
      for (const answer of [...reads.values()]) answer()
      await settled()
    }
    expect(said.filter((type) => type === 'up_to_date').length).toBe(7)
    expect(said.filter((type) => type === 'unsubscribed').length).toBe(2)
  })

  it('[WS27] while there is no room nothing is read', async () => {
    const { reads, peer, subscriptions } = world()
    peer.isFull = true
    await subscriptions.subscribe({ stream: 'a' })
    await settled()
    expect(reads.size).toBe(0)
    peer.isFull = false
    subscriptions.room()
    await settled()
    expect([...reads.keys()]).toEqual(['a'])
    subscriptions.close()
    expect(subscriptions.size).toBe(0)
  })

  it('[WS13] what is unsubscribed before it stands is not heard of again', async () => {
    const { reads, said, subscriptions } = world()
    const subscribing = subscriptions.subscribe({ stream: 'a' })
    subscriptions.unsubscribe('a')
    await subscribing
    await settled()
    expect([said, reads.size, subscriptions.size]).toEqual([['unsubscribed'], 0, 0])
  })
})

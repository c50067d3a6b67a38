import { Child } from '../child.ts'
import type { Usage } from '../commands.ts'
import { BARE_WS, type Contender, HOLDFAST, type ReaderKind, ServerUnderTest, SOCKET_IO } from '../contenders.ts'
import { READERS } from '../load/delivery.ts'
import { alternate, type Section, type Settings } from './section.ts'

/** Resident memory of the server per connection that is open and silent. */
export async function memory({ quick }: Settings): Promise<Section> {
  const count = quick ? 200 : 5000
  const cases: { contender: Contender; kind: ReaderKind; what: string }[] = [
    { contender: HOLDFAST, kind: 'websocket', what: 'subscribed' },
    { contender: HOLDFAST, kind: 'multiplexed', what: 'subscribed, /v1/ws' },
    { contender: SOCKET_IO, kind: 'socket.io', what: 'in a room' },
    { contender: BARE_WS, kind: 'bare', what: 'open' },
  ]
  // Memory is steady from run to run: once is enough.
  const figures = await alternate(1, cases, async ({ contender, kind }) => {
    await using server = await ServerUnderTest.start(contender)
    await using load = await Child.start<null>(READERS)
    const stream = 's'
    if (contender === HOLDFAST) await server.child.ask('fill', { stream, count: 1, size: 150 })
    const { address } = server
    // What the first connections load and compile is not theirs.
    await load.ask('open', { address, kind, count: 200, stream })
    const before = await server.child.ask<Usage>('usage')
    await load.ask('open', { address, kind, count, stream })
    const after = await server.child.ask<Usage>('usage')
    return [(after.rss - before.rss) / count / 1024]
  })
  return {
    title: 'Memory per idle WebSocket',
    note: `Growth of the server's resident memory over ${count.toLocaleString('en')} connections, after a collection, divided by their number.`,
    columns: ['KB'],
    figures,
  }
}

import { Child } from '../child.ts'
import type { Usage } from '../commands.ts'
import { BARE_WS, type Contender, HOLDFAST, type ReaderKind, ServerUnderTest, SOCKET_IO } from '../contenders.ts'
import { READERS } from '../load/delivery.ts'
import { alternate, type Section, type Settings } from './section.ts'

/** What one delivered event costs the server in CPU time, when 1, 10 and 100 events fall into one tick. */
export async function cpu({ rounds, quick }: Settings): Promise<Section> {
  const readers = quick ? 50 : 1000
  const kinds: { contender: Contender; kind: ReaderKind }[] = [
    { contender: HOLDFAST, kind: 'websocket' },
    { contender: HOLDFAST, kind: 'multiplexed' },
    { contender: SOCKET_IO, kind: 'socket.io' },
    { contender: BARE_WS, kind: 'bare' },
  ]
  const cases = [1, 10, 100].flatMap((perTick) =>
    kinds.map((one) => ({ ...one, perTick, what: `${perTick} a tick${one.kind === 'multiplexed' ? ', /v1/ws' : ''}` })),
  )
  const figures = await alternate(rounds, cases, async ({ contender, kind, perTick }) => {
    await using server = await ServerUnderTest.start(contender)
    await using load = await Child.start<null>(READERS)
    const stream = 's'
    if (contender === HOLDFAST) await server.child.ask('fill', { stream, count: 1, size: 150 })
    await load.ask('open', { address: server.address, kind, count: readers, stream })
    const publish = async (count: number) => {
      await server.child.ask('publish', { stream, count, perTick, size: 150 })
      await load.ask('delivery', { count: count * readers, ms: 20_000 })
    }
    await publish(100)
    await load.ask('report')
    const before = await server.child.ask<Usage>('usage')
    await publish(quick ? 100 : perTick === 1 ? 200 : 500)
    const after = await server.child.ask<Usage>('usage')
    const { delivered } = await load.ask<{ delivered: number }>('report')
    return [(after.cpu - before.cpu) / delivered]
  })
  return {
    title: 'Server CPU per delivered event',
    note: `${readers.toLocaleString('en')} WebSocket readers of one stream, events of about 200 bytes published from within the server; user and system time of all its threads, the one that writes to disk included.`,
    columns: ['µs'],
    figures,
  }
}

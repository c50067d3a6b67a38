import type { ReaderKind } from '../../streams/contenders.ts'
import { deliveryLatency } from '../../streams/load/delivery.ts'
import { type Aim, alternate, type Section } from '../../streams/sections/section.ts'
import { Cluster, GROUNDS, SOCKET_IO, SOCKET_IO_DURABLE } from '../contenders.ts'
import { byLine, type ClusterSettings, PADDING } from './shapes.ts'

const READERS = 100
const RATE = 100
const WRITERS = 10
const AIM: Aim = { column: 'p99 ms', below: 15 }

/** From one client's append to a hundred readers, on the same node and on the other. */
export async function latency({ stores, seconds }: ClusterSettings): Promise<Section> {
  const ours = GROUNDS.flatMap(({ contender, nodes }) =>
    (['websocket', 'sse'] as const).map((kind) => ({ contender, nodes, kind, aim: AIM })),
  )
  const peers = [1, 2].flatMap((nodes) =>
    [SOCKET_IO, SOCKET_IO_DURABLE].map((contender) => ({ contender, nodes, kind: 'socket.io' as const })),
  )
  const cases = [...ours, ...peers].map((one) => ({ aim: undefined, ...one, what: whatOf(one.kind, one.nodes) }))
  const figures = await alternate(1, byLine(cases), async ({ contender, nodes, kind }) => {
    await using cluster = await Cluster.start(contender, nodes, stores)
    const { p50, p99, missing } = await deliveryLatency({
      write: { kind: kind === 'socket.io' ? 'socket.io' : 'http', address: cluster.node(0).address },
      read: { address: cluster.node(1).address, kind, count: READERS },
      stream: 's',
      seconds: seconds * 2,
      rate: RATE,
      writers: WRITERS,
      openLoop: true,
      padding: PADDING,
    })
    return [p50, p99, missing]
  })
  return {
    title: 'Append to reader',
    note: `From when the POST (the emit) was due, an open loop, to the arrival at each of ${READERS} readers, ${RATE} appends of 200 bytes a second from ${WRITERS} connections. Two nodes: all writers on one, all readers on the other. Missing: what readers had not got four seconds after the end.`,
    columns: ['p50 ms', 'p99 ms', 'missing'],
    figures,
    base: SOCKET_IO_DURABLE.name,
  }
}

function whatOf(kind: ReaderKind, nodes: number): string {
  return `${kind === 'sse' ? 'SSE' : 'WebSocket'}, ${nodes === 1 ? 'the same node' : 'the other node'}`
}

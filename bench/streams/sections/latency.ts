import {
  BARE_WS,
  type Contender,
  DURABLE_STREAMS,
  HOLDFAST,
  type ReaderKind,
  ServerUnderTest,
  SOCKET_IO,
} from '../contenders.ts'
import { deliveryLatency } from '../load/delivery.ts'
import { alternate, type Section, type Settings } from './section.ts'

/** Append to reader, with 1, 100 and 1,000 readers. */
export async function latency({ rounds, quick }: Settings): Promise<Section> {
  const counts = quick ? [1, 20] : [1, 100, 1000]
  const kinds: { contender: Contender; kind: ReaderKind; manner: string }[] = [
    { contender: HOLDFAST, kind: 'sse', manner: 'SSE' },
    { contender: DURABLE_STREAMS, kind: 'sse', manner: 'SSE' },
    { contender: HOLDFAST, kind: 'websocket', manner: 'WebSocket' },
    { contender: HOLDFAST, kind: 'multiplexed', manner: 'WebSocket /v1/ws' },
    { contender: SOCKET_IO, kind: 'socket.io', manner: 'WebSocket' },
    { contender: BARE_WS, kind: 'bare', manner: 'WebSocket' },
  ]
  const cases = counts.flatMap((readers) =>
    kinds.map((one) => ({ ...one, readers, what: `${readers} readers, ${one.manner}` })),
  )
  const figures = await alternate(rounds, cases, async ({ contender, kind, readers }) => {
    await using server = await ServerUnderTest.start(contender)
    // A thousand readers share two cores with the server: ten events a second is what their program can take.
    const rate = readers >= 1000 ? 10 : 50
    const { address } = server
    const { p50, p99 } = await deliveryLatency({
      write: { kind: 'http', address },
      read: { address, kind, count: readers },
      stream: 's',
      seconds: quick ? 1 : 3,
      rate,
      writers: 1,
      padding: 150,
    })
    return [p50, p99]
  })
  return {
    title: 'Append to reader',
    note: 'From just before the POST to the arrival at each reader, 50 appends a second (10 with 1,000 readers). The readers are one program on the same cores. Durable where the table says so: the event is on disk before anybody sees it.',
    columns: ['p50 ms', 'p99 ms'],
    figures,
  }
}

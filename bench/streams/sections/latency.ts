import { Child } from '../child.ts'
import {
  BARE_WS,
  type Contender,
  DURABLE_STREAMS,
  HOLDFAST,
  type ReaderKind,
  ServerUnderTest,
  SOCKET_IO,
} from '../contenders.ts'
import type { WriteRequest } from '../load/writers.ts'
import { alternate, type Section, type Settings } from './section.ts'

export const WRITERS = new URL('../load/writers.ts', import.meta.url)
export const READERS = new URL('../load/readers.ts', import.meta.url)

interface Delivered {
  delivered: number
  p50: number
  p99: number
}

/** How long after it was sent an event is with its readers, over all readers. */
export async function deliveryLatency(
  server: ServerUnderTest,
  given: { kind: ReaderKind; readers: number; stream: string; seconds: number; rate: number },
): Promise<number[]> {
  await using write = await Child.start<null>(WRITERS)
  await using read = await Child.start<null>(READERS)
  const { address } = server
  const ask = (seconds: number) => {
    const request: WriteRequest = {
      address,
      writers: 1,
      streams: 1,
      seconds,
      size: 150,
      prefix: given.stream,
      rate: given.rate,
    }
    return write.ask('write', request)
  }
  await ask(0.1)
  await read.ask('open', { address, kind: given.kind, count: given.readers, stream: `${given.stream}0` })
  await ask(0.5)
  await read.ask('delivery', { count: 1, ms: 1000 })
  await read.ask('report')
  await ask(given.seconds)
  await read.ask('delivery', { count: given.seconds * given.rate * given.readers, ms: 3000 })
  const { delivered, p50, p99 } = await read.ask<Delivered>('report')
  if (delivered === 0) throw new Error(`${server.contender.name} delivered nothing`)
  return [p50, p99]
}

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
    // Awaited here: the server lives as long as this block.
    return await deliveryLatency(server, { kind, readers, stream: 's', seconds: quick ? 1 : 3, rate })
  })
  return {
    title: 'Append to reader',
    note: 'From just before the POST to the arrival at each reader, 50 appends a second (10 with 1,000 readers). The readers are one program on the same cores. Durable where the table says so: the event is on disk before anybody sees it.',
    columns: ['p50 ms', 'p99 ms'],
    figures,
  }
}

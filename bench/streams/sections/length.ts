import { DURABLE_STREAMS, HOLDFAST, ServerUnderTest } from '../contenders.ts'
import { deliveryLatency } from '../load/delivery.ts'
import { alternate, type Section, type Settings } from './section.ts'

/** Whether what an event costs grows with the events before it. */
export async function length({ quick }: Settings): Promise<Section> {
  const ours = quick ? [100, 1000] : [1_000, 10_000, 100_000, 1_000_000]
  // Each of its wake-ups reads the whole stream: beyond this a run would not end in time.
  const peers = quick ? [100] : [1_000, 10_000, 50_000]
  const cases = [
    ...ours.map((events) => ({ contender: HOLDFAST, events, what: `${events.toLocaleString('en')} events` })),
    ...peers.map((events) => ({ contender: DURABLE_STREAMS, events, what: `${events.toLocaleString('en')} events` })),
  ]
  const figures = await alternate(1, cases, async ({ contender, events }) => {
    await using server = await ServerUnderTest.start(contender)
    const headers = { ...server.address.headers, 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${server.address.port}/v1/stream/s0`
    await fetch(url, { method: 'PUT', headers })
    await server.child.ask('fill', { stream: 's0', count: events, size: 150 })
    const readers = 100
    const { address } = server
    const { p50, p99 } = await deliveryLatency({
      write: { kind: 'http', address },
      read: { address, kind: 'sse', count: readers },
      stream: 's',
      seconds: quick ? 1 : 3,
      rate: 20,
      writers: 1,
      padding: 150,
    })
    const tail = (await fetch(url, { method: 'HEAD', headers })).headers.get('stream-next-offset') ?? ''
    const started = performance.now()
    const repeats = 20
    for (let n = 0; n < repeats; n += 1) await (await fetch(`${url}?offset=${tail}`, { headers })).text()
    return [p50, p99, (performance.now() - started) / repeats]
  })
  return {
    title: 'The length of the stream',
    note: 'A stream that already holds that many events: append to 100 SSE readers at 20 appends a second, and a GET from its tail.',
    columns: ['p50 ms', 'p99 ms', 'GET at the tail, ms'],
    figures,
  }
}

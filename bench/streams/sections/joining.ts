import { DURABLE_STREAMS, HOLDFAST, ServerUnderTest } from '../contenders.ts'
import { alternate, median, type Section, type Settings } from './section.ts'

const REPEATS = 20

/** What somebody pays who comes late and wants to know how things stand. */
export async function joining({ quick }: Settings): Promise<Section> {
  const ours = quick ? [1000] : [1_000, 10_000, 100_000, 1_000_000]
  const peers = quick ? [100] : [1_000, 10_000, 50_000]
  const cases = [
    ...ours.map((events) => ({ contender: HOLDFAST, events, what: `${events.toLocaleString('en')} events` })),
    ...peers.map((events) => ({ contender: DURABLE_STREAMS, events, what: `${events.toLocaleString('en')} events` })),
  ]
  const figures = await alternate(1, cases, async ({ contender, events }) => {
    await using server = await ServerUnderTest.start(contender)
    const isOurs = contender === HOLDFAST
    const stream = isOurs ? 'ticks/x' : 'x'
    const headers = { ...server.address.headers, 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${server.address.port}/v1/stream/${stream}`
    if (!isOurs) await fetch(url, { method: 'PUT', headers })
    await server.child.ask('fill', { stream, count: events, size: 150 })
    const join = async () => {
      const started = performance.now()
      if (isOurs) await joinByState(url, headers)
      else await joinByReading(url, headers)
      return performance.now() - started
    }
    const warm: number[] = []
    for (let n = 0; n < REPEATS; n += 1) warm.push(await join())
    await server.crashAndRestart()
    // What a first request compiles is not the join's.
    await fetch(url, { method: 'HEAD', headers })
    return [median(warm), await join()]
  })
  return {
    title: 'Joining late',
    note: 'From the question to the answer: of Holdfast the folded state with its offset and what follows it, of the Durable Streams server, which has no states, everything. The second figure is of the first join after kill -9.',
    columns: ['ms', 'first after a crash, ms'],
    figures,
  }
}

async function joinByState(url: string, headers: Record<string, string>): Promise<void> {
  const { offset } = (await (await fetch(`${url}?view=state`, { headers })).json()) as { offset: string }
  await (await fetch(`${url}?offset=${offset}`, { headers })).text()
}

async function joinByReading(url: string, headers: Record<string, string>): Promise<void> {
  for (let offset = '-1', isEnd = false; !isEnd; ) {
    const answer = await fetch(`${url}?offset=${offset}`, { headers })
    await answer.text()
    isEnd = answer.headers.has('stream-up-to-date')
    offset = answer.headers.get('stream-next-offset') ?? ''
  }
}

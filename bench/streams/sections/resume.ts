import { Child } from '../child.ts'
import { type Contender, HOLDFAST, ServerUnderTest, SOCKET_IO } from '../contenders.ts'
import { alternate, type Section, type Settings } from './section.ts'

const RESUMERS = new URL('../load/resumers.ts', import.meta.url)
const SETTLE_MS = 15_000

interface Report {
  whole: number
  p50: number
  p99: number
}

/** The server dies with all its readers on it, and is started again. */
export async function resume({ quick }: Settings): Promise<Section> {
  const count = quick ? 50 : 1000
  const cases: { contender: Contender; kind: string; what: string }[] = [
    { contender: HOLDFAST, kind: 'websocket', what: `${count} readers` },
    { contender: SOCKET_IO, kind: 'socket.io', what: `${count} readers` },
  ]
  const figures = await alternate(1, cases, async ({ contender, kind }) => {
    await using server = await ServerUnderTest.start(contender)
    await using load = await Child.start<null>(RESUMERS)
    const stream = 's'
    const headers = { ...server.address.headers, 'content-type': 'application/json' }
    const url = () => `http://127.0.0.1:${server.address.port}/v1/stream/${stream}`
    await fetch(url(), { method: 'PUT', headers })
    const append = async (n: number) => {
      const answer = await fetch(url(), { method: 'POST', headers, body: JSON.stringify({ n }) })
      if (!answer.ok) throw new Error(`an append was answered ${answer.status}`)
    }
    await load.ask('open', { address: server.address, kind, count, stream })
    for (let n = 0; n < 10; n += 1) await append(n)
    await server.crashAndRestart()
    await load.ask('back')
    // Before most of them are back.
    await append(10)
    const { whole, p50, p99 } = await load.ask<Report>('report', { last: 10, ms: SETTLE_MS })
    return [whole, p50, p99]
  })
  return {
    title: 'Resume after kill -9',
    note: 'Readers come back within 0 to 500 ms of losing the server, each by itself; one event is appended at once after the new start. "Whole" are those that saw every event exactly once, in order; times are from the new start to that event, over those who got it.',
    columns: ['whole', 'p50 ms', 'p99 ms'],
    figures,
  }
}

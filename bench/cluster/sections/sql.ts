import { deliveryLatency } from '../../streams/load/delivery.ts'
import { type Aim, alternate, type Section } from '../../streams/sections/section.ts'
import { Cluster, NOTIFY, REDIS } from '../contenders.ts'
import { type ClusterSettings, PADDING } from './shapes.ts'

const AIM: Aim = { column: 'p99 ms', below: 100 }
const ROWS = [
  { name: '200 bytes', padding: PADDING, readers: 100, rate: 100 },
  // A hundred readers of those would measure what loopback and the readers' program take.
  { name: '20 KB', padding: 20_000, readers: 10, rate: 50 },
]

/** From another program's SQL to readers. */
export async function sql({ stores, seconds }: ClusterSettings): Promise<Section> {
  const cases = [NOTIFY, REDIS].flatMap((contender) =>
    ROWS.map((row) => ({
      contender,
      row,
      aim: AIM,
      what: `${row.name}, ${row.rate} a second, ${row.readers} readers`,
    })),
  )
  const figures = await alternate(1, cases, async ({ contender, row }) => {
    await using cluster = await Cluster.start(contender, 1, stores)
    const { p50, p99, missing } = await deliveryLatency({
      write: { kind: 'sql', connectionString: cluster.database },
      read: { address: cluster.node(0).address, kind: 'sse', count: row.readers },
      stream: 's',
      seconds: seconds * 2,
      rate: row.rate,
      writers: 10,
      openLoop: true,
      padding: row.padding,
    })
    return [p50, p99, missing]
  })
  return {
    title: 'Another program to reader',
    note: 'From when `SELECT holdfast_append(stream, event)` was due, an open loop, on one of ten connections that are no server of ours, each a transaction of its own, to the arrival at each SSE reader of one node.',
    columns: ['p50 ms', 'p99 ms', 'missing'],
    figures,
  }
}

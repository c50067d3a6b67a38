import { percentile } from '../../measure/watcher.ts'
import type { ServerUnderTest } from '../../streams/contenders.ts'
import { type Aim, alternate, type Section } from '../../streams/sections/section.ts'
import { Cluster, NOTIFY, REDIS } from '../contenders.ts'
import type { ClusterSettings } from './shapes.ts'

const AIM: Aim = { column: 'p99 ms', below: 200 }
const RUNS_A_SECOND = 50
const LONGEST_MS = 10_000

/** From a cancel on one node to the signal of the step that works on the other. */
export async function cancel({ stores, seconds }: ClusterSettings): Promise<Section> {
  const count = Math.ceil(seconds * RUNS_A_SECOND)
  const cases = [NOTIFY, REDIS].map((contender) => ({
    contender,
    aim: AIM,
    what: `${count} runs, one after the other`,
  }))
  const figures = await alternate(1, cases, async ({ contender }) => {
    await using cluster = await Cluster.start(contender, 2, stores)
    const nodes = [cluster.node(0), cluster.node(1)] as const
    const warm = 5
    const times: number[] = []
    for (let n = 0; n < warm + count; n += 1) times.push(await cancelOne(nodes))
    return [percentile(times.slice(warm), 0.5), percentile(times.slice(warm), 0.99)]
  })
  return {
    title: 'Cancel on the other node',
    note: 'From the call of `runs.cancel` on the node where a run does not work (the request is on disk before the other is told) to the abort of its step’s signal where it does.',
    columns: ['p50 ms', 'p99 ms'],
    figures,
  }
}

async function cancelOne(nodes: readonly [ServerUnderTest, ServerUnderTest]): Promise<number> {
  const id = await nodes[0].child.ask<string>('hold')
  const [worker, other] = (await isHolding(nodes, id)) === 0 ? nodes : [nodes[1], nodes[0]]
  const abort = worker.child.ask<number>('aborted', id)
  const asked = await other.child.ask<number>('cancel', id)
  return (await abort) - asked
}

/** Which of them works on the run. */
async function isHolding(nodes: readonly ServerUnderTest[], id: string): Promise<number> {
  const end = performance.now() + LONGEST_MS
  while (performance.now() < end) {
    const held = await Promise.all(nodes.map(({ child }) => child.ask<boolean>('isHolding', id)))
    if (held.includes(true)) return held.indexOf(true)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error('no node took the run')
}

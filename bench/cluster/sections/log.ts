import { figuresOf, together, type Written } from '../../streams/load/write-loop.ts'
import { alternate, type Section } from '../../streams/sections/section.ts'
import { Cluster, GROUNDS } from '../contenders.ts'
import {
  APPEND_COLUMNS,
  appendsAim,
  byLine,
  type ClusterSettings,
  PADDING,
  type Shape,
  shapeName,
  shapesOf,
  shareOf,
  WARM_SECONDS,
} from './shapes.ts'

/** Durable appends of writers within the nodes' own processes: what log and store do without a protocol before them. */
export async function log({ stores, seconds }: ClusterSettings): Promise<Section> {
  const cases = GROUNDS.flatMap(({ contender, nodes }) =>
    shapesOf(nodes).map((shape) => ({
      contender,
      nodes,
      shape,
      what: shapeName(shape, nodes),
      ...appendsAim(shape, contender),
    })),
  )
  const figures = await alternate(1, byLine(cases), async ({ contender, nodes, shape }) => {
    await using cluster = await Cluster.start(contender, nodes, stores)
    await writeWithin(cluster, shape, WARM_SECONDS)
    return figuresOf(await writeWithin(cluster, shape, seconds))
  })
  return {
    title: 'Durable appends at the log',
    note: 'Events of 200 bytes appended from within the nodes, `db.commit([log.append(stream, [event])])`, by writers with one append under way each; every one is on disk when it is answered. Several nodes: half of the writers in each.',
    columns: APPEND_COLUMNS,
    figures,
  }
}

async function writeWithin(cluster: Cluster, shape: Shape, seconds: number): Promise<Written> {
  const { length } = cluster.nodes
  const writing = cluster.nodes.map(({ child }, node) =>
    child.ask<Written>('write', { ...shareOf(shape, length, node), seconds, padding: PADDING }),
  )
  return together(await Promise.all(writing))
}

import { Child } from '../../streams/child.ts'
import type { Target } from '../../streams/load/appenders.ts'
import { WRITERS } from '../../streams/load/delivery.ts'
import { figuresOf, type Written } from '../../streams/load/write-loop.ts'
import type { WriteRequest } from '../../streams/load/writers.ts'
import { alternate, type Section } from '../../streams/sections/section.ts'
import { Cluster, GROUNDS, SOCKET_IO, SOCKET_IO_DURABLE } from '../contenders.ts'
import {
  APPEND_COLUMNS,
  appendsAim,
  byLine,
  type ClusterSettings,
  PADDING,
  shapeName,
  shapesOf,
  WARM_SECONDS,
} from './shapes.ts'

/** Durable appends of clients, beside messages that clients of Socket.IO emit to a room. */
export async function http({ stores, seconds }: ClusterSettings): Promise<Section> {
  const peers = [1, 2].flatMap((nodes) => [SOCKET_IO, SOCKET_IO_DURABLE].map((contender) => ({ contender, nodes })))
  const cases = [...GROUNDS, ...peers].flatMap(({ contender, nodes }) =>
    shapesOf(nodes)
      // A room is a room: its messages are all in the one stream of the adapter.
      .filter(({ streams }) => !contender.ground.startsWith('socket.io') || streams === 1)
      .map((shape) => ({
        contender,
        nodes,
        shape,
        what: shapeName(shape, nodes),
        ...appendsAim(shape, contender),
      })),
  )
  const figures = await alternate(1, byLine(cases), async ({ contender, nodes, shape }) => {
    await using cluster = await Cluster.start(contender, nodes, stores)
    await using load = await Child.start<null>(WRITERS)
    const kind = contender.ground.startsWith('socket.io') ? 'socket.io' : 'http'
    const targets = cluster.addresses.map((address): Target => ({ kind, address }))
    const ask = (seconds: number, prefix: string) => {
      const request: WriteRequest = { targets, ...shape, seconds, padding: PADDING, prefix }
      return load.ask<Written>('write', request)
    }
    await ask(WARM_SECONDS, 'warm')
    return figuresOf(await ask(seconds, 's'))
  })
  return {
    title: 'Durable appends of clients',
    note: 'The same by POST over keep-alive connections, from a program of its own on the same two cores. Socket.IO: emits with an acknowledgement, which the server broadcasts to a room that nobody is in; in memory it acknowledges once the message was handed to the adapter, as is usual, otherwise once Redis has said that it has it (Redis keeps the last 10,000).',
    columns: APPEND_COLUMNS,
    figures,
    base: SOCKET_IO_DURABLE.name,
  }
}

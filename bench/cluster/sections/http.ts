import { Child } from '../../streams/child.ts'
import type { Target } from '../../streams/load/appenders.ts'
import { WRITERS } from '../../streams/load/delivery.ts'
import { figuresOf, type Written } from '../../streams/load/write-loop.ts'
import type { WriteRequest } from '../../streams/load/writers.ts'
import { alternate, type Section } from '../../streams/sections/section.ts'
import { Cluster, type ClusterContender, GROUNDS, SOCKET_IO, SOCKET_IO_DURABLE } from '../contenders.ts'
import {
  APPEND_COLUMNS,
  appendsAim,
  byLine,
  type ClusterSettings,
  PADDING,
  type Shape,
  shapeName,
  shapesOf,
  WARM_SECONDS,
} from './shapes.ts'

interface Case {
  contender: ClusterContender
  nodes: number
  shape: Shape
  kind: 'http' | 'websocket' | 'socket.io'
}

/** Ours over either transport; WebSocket to one stream, as the peer has it: a room is the adapter's one stream. */
function allCases(): Case[] {
  const ours = GROUNDS.flatMap((ground) =>
    shapesOf(ground.nodes).flatMap((shape): Case[] => [
      ...(shape.streams === 1 ? [{ ...ground, shape, kind: 'websocket' as const }] : []),
      { ...ground, shape, kind: 'http' },
    ]),
  )
  const peers = [1, 2].flatMap((nodes) =>
    [SOCKET_IO, SOCKET_IO_DURABLE].flatMap((contender) =>
      shapesOf(nodes)
        .filter(({ streams }) => streams === 1)
        .map((shape): Case => ({ contender, nodes, shape, kind: 'socket.io' })),
    ),
  )
  return [...ours, ...peers]
}

const MANNER = { http: ', HTTP', websocket: ', WebSocket', 'socket.io': '' }

/** Durable appends of clients, beside messages that clients of Socket.IO emit to a room. */
export async function http({ stores, seconds }: ClusterSettings): Promise<Section> {
  const cases = allCases().map((one) => ({
    ...one,
    contender: { ...one.contender, name: one.contender.name + MANNER[one.kind] },
    what: shapeName(one.shape, one.nodes),
    ...appendsAim(one.shape, one.contender),
  }))
  const figures = await alternate(1, byLine(cases), async ({ contender, nodes, shape, kind }) => {
    await using cluster = await Cluster.start(contender, nodes, stores)
    await using load = await Child.start<null>(WRITERS)
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
    note: 'The same from a program of its own on the same cores: by POST over keep-alive connections, and by `append` frames over WebSocket. Socket.IO: emits with an acknowledgement, which the server broadcasts to a room that nobody is in; in memory it acknowledges once the message was handed to the adapter, as is usual, otherwise once Redis has said that it has it (Redis keeps the last 10,000).',
    columns: APPEND_COLUMNS,
    figures,
    base: SOCKET_IO_DURABLE.name,
  }
}

import type { Aim } from '../../streams/sections/section.ts'
import type { Stores } from '../stores.ts'

export interface ClusterSettings {
  stores: Stores
  /** How long each figure is measured; latencies twice as long. */
  seconds: number
}

/** How many write to how much. */
export interface Shape {
  writers: number
  streams: number
}

const ONE_NODE: readonly Shape[] = [
  { writers: 1, streams: 1 },
  { writers: 1, streams: 64 },
  { writers: 64, streams: 1 },
  { writers: 64, streams: 64 },
]

/** One writer has one node: shapes of several nodes have writers on each. */
export function shapesOf(nodes: number): Shape[] {
  return ONE_NODE.filter(({ writers }) => writers >= nodes)
}

/** As a line of a table names it. */
export function shapeName({ writers, streams }: Shape, nodes: number): string {
  const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`
  return [counted(writers, 'writer'), counted(streams, 'stream'), counted(nodes, 'node')].join(', ')
}

/**
 * The part of a shape that one of several nodes has: writers are spread evenly, and so are streams, which have names of
 * their own then, if there are enough.
 */
export function shareOf({ writers, streams }: Shape, nodes: number, node: number): Shape & { prefix: string } {
  if (streams < nodes) return { writers: writers / nodes, streams, prefix: 's' }
  return { writers: writers / nodes, streams: streams / nodes, prefix: `s${node}-` }
}

/** What issue C aims at: durable appends on PostgreSQL with 64 writers. */
export function appendsAim({ writers }: Shape, contender: { ground: string }): { aim?: Aim } {
  const isAimed = writers === 64 && (contender.ground === 'notify' || contender.ground === 'redis')
  return isAimed ? { aim: { column: 'appends/s', atLeast: 10_000 } } : {}
}

/** Cases that share a line's name stand together, in the table and in time. */
export function byLine<Case extends { what: string }>(cases: readonly Case[]): Case[] {
  return [...Map.groupBy(cases, ({ what }) => what).values()].flat()
}

export const APPEND_COLUMNS = ['appends/s', 'p50 ms', 'p99 ms', 'refused']
/** With what an event has besides it, 200 bytes. */
export const PADDING = 160
/** What compilers and caches need before it counts, in seconds. */
export const WARM_SECONDS = 1

import { describe, expect, it } from 'vitest'
import { NOTIFY, SQLITE } from '../contenders.ts'
import { appendsAim, byLine, shapeName, shapesOf, shareOf } from './shapes.ts'

describe('shapes', () => {
  it('[BENCH1] two nodes have half of the writers each, and the streams they share or all of them between them', () => {
    const shares = (streams: number) => [0, 1].map((node) => shareOf({ writers: 64, streams }, 2, node))
    expect(shares(1)).toEqual([
      { writers: 32, streams: 1, prefix: 's' },
      { writers: 32, streams: 1, prefix: 's' },
    ])
    expect(shares(64)).toEqual([
      { writers: 32, streams: 32, prefix: 's0-' },
      { writers: 32, streams: 32, prefix: 's1-' },
    ])
  })

  it('[BENCH1] a single writer is measured on a single node', () => {
    expect(shapesOf(1).map((shape) => shapeName(shape, 1))).toContain('1 writer, 64 streams, 1 node')
    expect(shapesOf(2).map(({ writers }) => writers)).toEqual([64, 64])
  })

  it('[BENCH3] the aim is about PostgreSQL with 64 writers', () => {
    expect(appendsAim({ writers: 64, streams: 1 }, NOTIFY).aim).toEqual({ column: 'appends/s', atLeast: 10_000 })
    expect(appendsAim({ writers: 1, streams: 1 }, NOTIFY)).toEqual({})
    expect(appendsAim({ writers: 64, streams: 1 }, SQLITE)).toEqual({})
  })

  it('[BENCH3] rivals of a line stand together, in the order of their first', () => {
    const cases = [
      { what: 'a', n: 1 },
      { what: 'b', n: 2 },
      { what: 'a', n: 3 },
    ]
    expect(byLine(cases).map(({ n }) => n)).toEqual([1, 3, 2])
  })
})

import { expect, it } from 'vitest'
import { ingestionStream } from '../../streams.ts'
import { LiveSet, type StreamsOfClient } from './live-set.ts'

it('[ING27] reads each stream once while it is wanted, and lets go of it afterwards', () => {
  const open = new Map<string, number>()
  const stores = new Map<string, { tell(): void }>()
  const client = {
    stream(_definition: unknown, { ingestionId }: { ingestionId: string }) {
      const listeners = new Set<() => void>()
      stores.set(ingestionId, { tell: () => listeners.forEach((listener) => void listener()) })
      const count = (by: number) => open.set(ingestionId, (open.get(ingestionId) ?? 0) + by)
      return {
        getSnapshot: () => ({ state: ingestionStream.initial, offset: null, error: null }),
        subscribe(listener: () => void) {
          count(1)
          listeners.add(listener)
          return () => {
            count(-1)
            listeners.delete(listener)
          }
        },
      }
    },
  } as unknown as StreamsOfClient
  const set = new LiveSet(client)
  let told = 0
  set.subscribe(() => {
    told += 1
  })
  const place = (ingestionId: string) => ({ projectId: 'p', ingestionId })
  set.follow([place('a'), place('b')])
  set.follow([place('b'), place('c')])
  expect(Object.fromEntries(open)).toEqual({ a: 0, b: 1, c: 1 })
  expect([...set.getSnapshot().keys()].sort()).toEqual(['b', 'c'])
  const before = told
  stores.get('b')?.tell()
  expect(told).toBe(before + 1)
  set.follow([])
  expect([...open.values()]).toEqual([0, 0, 0])
})

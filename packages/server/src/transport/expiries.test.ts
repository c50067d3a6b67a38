import type { Clock } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { Expiries } from './expiries.ts'

describe('expiries', () => {
  it('[AUTH20] one timer for all of them, and none where there is nobody', () => {
    const clock = new ManualClock()
    const expired: string[] = []
    const expiries = new Expiries<string>(clock, (item) => expired.push(item))
    const at = clock.now()
    expiries.add('never', null)
    expect(clock.pending).toBe(0)
    for (const [item, seconds] of Object.entries({ c: 30, a: 10, b: 10, gone: 20, d: 40 })) {
      expiries.add(item, at + 1000 * seconds)
      expect(clock.pending).toBe(1)
    }
    clock.advance(9_999)
    expect(expired).toEqual([])
    clock.advance(1)
    expect([expired, clock.pending]).toEqual([['a', 'b'], 1])
    expiries.remove('gone', at + 20_000)
    expiries.remove('nobody', at + 20_000)
    clock.advance(20_000)
    expect([expired, clock.pending]).toEqual([['a', 'b', 'c'], 1])
    expiries.remove('d', at + 40_000)
    expect(clock.pending).toBe(0)
    expiries.add('late', at)
    clock.advance(1)
    expect([expired.at(-1), clock.pending]).toEqual(['late', 0])
  })

  it('[AUTH20] a clock that is set forward, or a machine that slept, keeps nothing open for long', () => {
    const timers = new ManualClock()
    let ahead = 0
    const clock: Clock = { now: () => timers.now() + ahead, after: (ms, task) => timers.after(ms, task) }
    const expired: string[] = []
    const expiries = new Expiries<string>(clock, (item) => expired.push(item))
    expiries.add('soon', clock.now() + 900_000)
    expiries.add('later', clock.now() + 1_800_000)
    ahead = 890_000
    timers.advance(30_000)
    expect([expired, timers.pending]).toEqual([['soon'], 1])
    ahead = -3_600_000
    timers.advance(900_000)
    expect([expired, timers.pending]).toEqual([['soon'], 1])
  })

  it('[AUTH20] thousands that end at one moment leave turns to others', () => {
    const clock = new ManualClock()
    const expired: number[] = []
    const expiries = new Expiries<number>(clock, (item) => expired.push(item))
    const all = Array.from({ length: 1_000 }, (_, item) => item)
    for (const item of all) expiries.add(item, clock.now() + 1_000)
    clock.advance(1_000)
    expect(expired).toHaveLength(100)
    expiries.remove(999, clock.now())
    clock.advance(9)
    expect([expired, clock.pending]).toEqual([all.slice(0, 999), 0])
  })
})

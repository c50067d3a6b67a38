import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { HEARTBEAT_MS, Heartbeats } from './heartbeats.ts'

describe('Heartbeats', () => {
  it('[WS25] one timer beats for all, spread over 25 seconds, each once in that time, until they are removed', () => {
    const clock = new ManualClock()
    const heartbeats = new Heartbeats(clock)
    const beats = new Map<number, number[]>()
    const all = Array.from({ length: 100 }, (_, index) => {
      beats.set(index, [])
      const beating = { beat: () => void beats.get(index)?.push(clock.now()) }
      return { beating, place: heartbeats.add(beating) }
    })
    expect(clock.pending).toBe(1)
    clock.advance(3 * HEARTBEAT_MS)
    for (const [first = 0, second, third, ...more] of beats.values()) {
      expect([second, third, more]).toEqual([first + HEARTBEAT_MS, first + 2 * HEARTBEAT_MS, []])
    }
    const firsts = [...beats.values()].map(([first]) => first)
    expect(new Set(firsts).size).toBe(25)
    for (const { beating, place } of all) heartbeats.remove(beating, place)
    for (const { beating, place } of all) heartbeats.remove(beating, place)
    expect(clock.pending).toBe(0)
    clock.advance(HEARTBEAT_MS)
    expect(beats.get(0)?.length).toBe(3)
    heartbeats.add({ beat: () => {} })
    expect(clock.pending).toBe(1)
  })
})

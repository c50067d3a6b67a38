import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createIdGenerator } from './ids.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const START = Date.UTC(2026, 0, 1)
const COUNT = 10_000

/** Clocks, by what they do between one id and the next. */
const CLOCKS: [name: string, now: (made: number) => number][] = [
  ['stands still', () => START],
  ['goes on now and then, in fractions', (made) => START + made / 7],
  ['goes back', (made) => START - made],
  ['goes to and fro', (made) => START + (made % 100) * 50 - (made % 7) * 900],
  ['goes back an hour once', (made) => (made < COUNT / 2 ? START + made : START + made - 3_600_000)],
]

describe('createIdGenerator', () => {
  it.each(CLOCKS)('[ID1] sorts as made while the clock %s', (_, now) => {
    let made = 0
    const newId = createIdGenerator({ now: () => now(made), random: randomBytes })
    const ids = Array.from({ length: COUNT }, () => {
      made += 1
      return newId()
    })
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(COUNT)
    expect(ids.filter((id) => !UUID.test(id))).toEqual([])
  })

  it('[ID1] begins with the time, in whole milliseconds', () => {
    const id = createIdGenerator({ now: () => START + 0.9, random: randomBytes })()
    expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(START)
  })

  it('[ID1] borrows the next millisecond where one has more than the counter can count', () => {
    const newId = createIdGenerator({ now: () => START, random: randomBytes })
    const ids = Array.from({ length: COUNT }, newId)
    const times = ids.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16))
    // At least half of the counter is used in each.
    expect(times.at(-1)).toBeGreaterThan(START)
    expect(times.at(-1)).toBeLessThanOrEqual(START + COUNT / 0x800)
  })
})

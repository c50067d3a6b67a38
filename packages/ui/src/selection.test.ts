import { describe, expect, it } from 'vitest'
import { countPicked, NOTHING, togglePicked } from './selection.ts'

const LOADED = ['a', 'b', 'c', 'd', 'e']

describe('a selection', () => {
  it('[PG22] takes one row and gives it back', () => {
    const one = togglePicked(NOTHING, 'b', LOADED, false)
    expect([...one.ids]).toEqual(['b'])
    expect([...togglePicked(one, 'b', LOADED, false).ids]).toEqual([])
  })

  it('[PG22] takes everything from the last one on, in either direction', () => {
    const down = togglePicked(togglePicked(NOTHING, 'b', LOADED, false), 'd', LOADED, true)
    expect([...down.ids].sort()).toEqual(['b', 'c', 'd'])
    const up = togglePicked(togglePicked(NOTHING, 'd', LOADED, false), 'a', LOADED, true)
    expect([...up.ids].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('[PG22] takes one row alone where the range begins at one that is gone', () => {
    const gone = togglePicked(NOTHING, 'z', LOADED, false)
    expect([...togglePicked(gone, 'c', LOADED, true).ids].sort()).toEqual(['c', 'z'])
  })

  it('[PG22] counts everything that matches, less what was taken out again', () => {
    const all = { ...NOTHING, isAll: true }
    expect(countPicked(all, 1204)).toBe(1204)
    const less = togglePicked(togglePicked(all, 'a', LOADED, false), 'c', LOADED, true)
    expect(countPicked(less, 1204)).toBe(1201)
  })
})

import { describe, expect, it } from 'vitest'
import { holdRows } from './new-rows.tsx'

const idOf = (row: { id: string }) => row.id
const rows = (...ids: string[]) => ids.map((id) => ({ id }))

describe('rows that come while somebody reads', () => {
  it('[PG22] wait above what was there, however many they are', () => {
    const { shown, held } = holdRows(rows('e', 'd', 'c', 'b', 'a'), idOf, new Set(['c', 'b', 'a']))
    expect([shown.map(idOf), held]).toEqual([['c', 'b', 'a'], 2])
  })

  it('[PG22] are shown at once where they push nothing away', () => {
    const { shown, held } = holdRows(rows('c', 'b', 'a', 'older'), idOf, new Set(['c', 'b', 'a']))
    expect([shown.length, held]).toEqual([4, 0])
  })

  it('[PG22] are all shown where nothing of what was there is left', () => {
    expect(holdRows(rows('x', 'y'), idOf, new Set(['a'])).held).toBe(0)
  })

  it('[PG22] let go what has gone meanwhile', () => {
    const { shown } = holdRows(rows('d', 'c', 'a'), idOf, new Set(['c', 'b', 'a']))
    expect(shown.map(idOf)).toEqual(['c', 'a'])
  })
})

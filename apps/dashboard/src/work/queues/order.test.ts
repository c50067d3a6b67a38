import type { RunSummary } from '@holdfast/protocol/runs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anchorOf, isMovable, placeAt, withMove } from './order.ts'
import { parseLimit } from './stepper.tsx'

const entries = (ids: readonly string[]) =>
  ids.map((id, index) => ({ id, status: 'queued', position: index + 1 }) as RunSummary)

describe('the order of a queue', () => {
  it('[PG69] is told to the server by the neighbour an entry comes before, or after at the end', () => {
    const ids = ['a', 'b', 'c', 'd']
    expect(anchorOf(ids, 2, 0)).toEqual({ before: 'a' })
    expect(anchorOf(ids, 0, 1)).toEqual({ before: 'c' })
    expect(anchorOf(ids, 0, 3)).toEqual({ after: 'd' })
    expect(anchorOf(ids, 1, 99)).toEqual({ after: 'd' })
    expect(anchorOf(ids, 1, 1)).toBeNull()
    expect(anchorOf(['a'], 0, 5)).toBeNull()
  })

  it('[PG69] shows an entry where it was put, with positions that follow on', () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(ids, fc.nat(11), fc.nat(12), (all, one, to) => {
        const from = one % all.length
        const id = all[from] as string
        const anchor = anchorOf(all, from, to)
        const shown = anchor === null ? entries(all) : withMove(entries(all), id, anchor)
        const rest = all.filter((other) => other !== id)
        const at = Math.min(rest.length, to)
        expect(shown.map((entry) => entry.id)).toEqual([...rest.slice(0, at), id, ...rest.slice(at)])
        expect(shown.map(({ position }) => position)).toEqual(all.map((_, index) => index + 1))
      }),
    )
  })

  it('[PG69] has those that are queued and due, not those that begin at their time', () => {
    const entry = { status: 'queued', position: 1, dueAt: '2026-11-22T03:00:00.000Z' } as RunSummary
    const at = Date.parse(entry.dueAt)
    expect([isMovable(entry, at), isMovable(entry, at - 1)]).toEqual([true, false])
    expect(isMovable({ ...entry, status: 'working' }, at)).toBe(false)
    expect(isMovable({ ...entry, position: null }, at)).toBe(false)
  })

  it('[PG69] stays where the neighbour is gone', () => {
    const known = entries(['a', 'b'])
    expect(withMove(known, 'a', { before: 'gone' })).toEqual(known)
    expect(withMove(known, 'a', { after: 'gone' })).toEqual(known)
    expect(withMove(known, 'gone', { before: 'a' })).toEqual(known)
  })

  it('[PG69] is where a dragged row is let go, by the middles of the others', () => {
    expect([0, 20, 21, 59, 90].map((y) => placeAt([20, 60], y))).toEqual([0, 0, 1, 1, 2])
  })

  it('[PG68] is limited by numbers: 0 is paused, empty is no limit, anything else is refused', () => {
    expect(['', ' ∞ ', '0', ' 12 '].map(parseLimit)).toEqual([null, null, 0, 12])
    expect(['-1', '1.5', 'three', '10001'].map(parseLimit)).toEqual([undefined, undefined, undefined, undefined])
  })
})

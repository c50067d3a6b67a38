import { describe, expect, it } from 'vitest'
import {
  added,
  MOST_WATCHED,
  type Outcome,
  parseWatched,
  removed,
  restored,
  settled,
  type Watched,
} from './watch-list.ts'

const DONE: Outcome = { status: 'done', files: 3, failed: 1, at: '2026-01-01T00:00:00.000Z' }
const entry = (id: string, outcome: Outcome | null = null): Watched => {
  return { projectId: 'p', ingestionId: id, name: id, since: 1, outcome }
}
const ids = (list: readonly Watched[]) => list.map(({ ingestionId }) => ingestionId).join('')

describe('The list of what is watched', () => {
  it('[ING27] begins with what came last, holds each once, and is bounded: what has ended makes room first', () => {
    expect(ids(added(added([], entry('a')), entry('b')))).toBe('ba')
    const known = [entry('a', DONE)]
    expect(added(known, entry('a'))).toBe(known)
    let list: readonly Watched[] = []
    for (let n = 0; n < MOST_WATCHED; n += 1) list = added(list, entry(`${n},`, n === 7 ? DONE : null))
    const more = added(list, entry('new'))
    expect(more).toHaveLength(MOST_WATCHED)
    expect(more.some(({ ingestionId }) => ingestionId === '7,')).toBe(false)
    expect(added(more, entry('newer')).some(({ ingestionId }) => ingestionId === '0,')).toBe(false)
  })

  it('[ING27] keeps the first word of how one ended', () => {
    const failed = { ...DONE, status: 'failed' } as const
    const list = settled(settled([entry('a'), entry('b')], 'a', DONE), 'a', failed)
    expect(list.map(({ outcome }) => outcome)).toEqual([DONE, null])
  })

  it('[ING27] what was let go of comes back to its place, among what has come since', () => {
    const before = [entry('c'), entry('b', DONE), entry('a')]
    const after = added(removed(before, ['b', 'a']), entry('d'))
    expect(ids(after)).toBe('dc')
    expect(ids(restored(after, before, ['b']))).toBe('dcb')
    expect(ids(restored(after, before, ['a', 'b']))).toBe('dcba')
    // How one ended meanwhile stands.
    expect(restored(settled(after, 'c', DONE), before, ['b'])[1]?.outcome).toEqual(DONE)
  })

  it('[ING27] of what is stored, whoever stored it, only entries are read', () => {
    for (const text of [null, '', '{', '{}', '7', '[7, null, {}]', '[{"ingestionId": "a"}]']) {
      expect(parseWatched(text), text ?? 'null').toEqual([])
    }
    const list = [entry('a'), entry('b', DONE)]
    expect(parseWatched(JSON.stringify([...list, { ...entry('c'), outcome: 'done' }]))).toEqual(list)
    expect(parseWatched(JSON.stringify(Array.from({ length: 900 }, (_, n) => entry(`${n}`))))).toHaveLength(
      MOST_WATCHED,
    )
  })
})

import type { RunSummary } from '@holdfast/protocol/runs'
import { expect, it } from 'vitest'
import { type RunPages, withRuns } from './cached-runs.ts'

const run = (id: string, revision: number) => ({ id, revision }) as RunSummary

it('[PG49] a row is replaced by what is newer, never by what is older, and a list without it stays the same', () => {
  const pages: RunPages = {
    pages: [
      { items: [run('a', 3), run('b', 1)], nextCursor: 'c' },
      { items: [run('c', 2)], nextCursor: null },
    ],
    pageParams: ['', 'c'],
  }
  const next = withRuns(pages, new Map([run('a', 2), run('c', 5), run('z', 9)].map((one) => [one.id, one])))
  expect(next.pages.map(({ items }) => items.map(({ id, revision }) => `${id}${revision}`))).toEqual([
    ['a3', 'b1'],
    ['c5'],
  ])
  expect(withRuns(pages, new Map([['z', run('z', 9)]]))).toBe(pages)
})

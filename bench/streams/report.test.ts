import { describe, expect, it } from 'vitest'
import { render, table, update } from './report.ts'
import type { Figure, Section } from './sections/section.ts'

const figure = (what: string, contender: string, value: number | null, rest: Partial<Figure> = {}): Figure => ({
  what,
  contender,
  durable: true,
  values: [value],
  ...rest,
})
const section = (figures: Figure[], rest: Partial<Section> = {}): Section => ({
  title: 'Appends',
  note: 'How.',
  columns: ['appends/s'],
  figures,
  ...rest,
})
const cells = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '))

describe('table', () => {
  it('[BENCH3] compares with the base on the same line, and says nothing where there is no such line', () => {
    const figures = [figure('a', 'ours', 30), figure('a', 'theirs', 20), figure('b', 'ours', 7)]
    const [head, , ...lines] = cells(table(section(figures, { base: 'theirs' })))
    expect(head).toEqual(['', 'server', 'durable', 'appends/s', 'appends/s, ratio to theirs'])
    expect(lines.map((line) => line.at(-1))).toEqual(['1.50 x', '', ''])
    expect(cells(table(section(figures)))[0]).toEqual(['', 'server', 'durable', 'appends/s'])
  })

  it('[BENCH3] says of each aim what it is and whether it was met, on either side of its limit', () => {
    const atLeast = { column: 'appends/s', atLeast: 10_000 }
    const below = { column: 'appends/s', below: 15 }
    const figures = [
      figure('a', 'ours', 10_000, { aim: atLeast }),
      figure('b', 'ours', 9999, { aim: atLeast }),
      figure('c', 'ours', 14.99, { aim: below }),
      figure('d', 'ours', 15, { aim: below }),
      figure('e', 'ours', null, { aim: below }),
      figure('f', 'ours', Number.NaN, { aim: below }),
      figure('g', 'ours', 1),
    ]
    const lines = cells(table(section(figures))).slice(2)
    expect(lines.map((line) => line.at(-1))).toEqual(['yes', 'no', 'yes', 'no', 'no', 'no', ''])
    expect(lines.map((line) => line.at(-2)).slice(1, 3)).toEqual(['appends/s >= 10,000', 'appends/s < 15.0'])
    const both = figure('a', 'ours', 20, { aim: [atLeast, below] })
    expect(cells(table(section([both])))[2]?.slice(-2)).toEqual(['appends/s >= 10,000, appends/s < 15.0', 'no, no'])
    const lost = figure('a', 'ours', 1, { aim: { column: 'p99 ms', below: 1 } })
    expect(() => table(section([lost]))).toThrow(RangeError)
  })
})

describe('update', () => {
  it('[BENCH3] puts what was measured anew into its place and leaves the rest as it was', () => {
    const other = section([figure('x', 'ours', 5)], { title: 'Latency' })
    const earlier = render('# Old head', [section([figure('a', 'ours', 1)]), other])
    const now = update(earlier, '# New head', [section([figure('a', 'ours', 2)])])
    expect(now).toBe(render('# New head', [section([figure('a', 'ours', 2)]), other]))
    expect(update('', '# New head', [other])).toBe(render('# New head', [other]))
  })
})

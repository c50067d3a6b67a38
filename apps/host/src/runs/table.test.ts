import { expect, it } from 'vitest'
import { type Column, tableText } from './table.ts'

interface Row {
  id: string
  size: number
  why: string
}

const COLUMNS: Column<Row>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'SIZE', text: ({ size }) => String(size), right: true },
  { title: 'WHY', text: ({ why }) => why },
]
const ROWS: Row[] = [
  { id: 'a-long-id', size: 7, why: 'it waits for a place' },
  { id: '\x1b[31mred\x1b[39m', size: 1200, why: '' },
]

it('[HOST27] a table is as wide as what it holds, numbers to the right; colour takes no room', () => {
  expect(tableText(COLUMNS, ROWS, null)).toBe(
    ['ID         SIZE  WHY', 'a-long-id     7  it waits for a place', '\x1b[31mred\x1b[39m        1200', ''].join('\n'),
  )
})

it('[HOST27] on a terminal only the last column is cut, with a mark, and never below what says something', () => {
  const [, line] = tableText(COLUMNS, ROWS, 32).split('\n')
  expect(line).toBe('a-long-id     7  it waits for a…')
  const [, narrow] = tableText(COLUMNS, ROWS, 10).split('\n')
  expect(narrow).toBe('a-long-id     7  it waits fo…')
})

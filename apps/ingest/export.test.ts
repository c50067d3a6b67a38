import { expect, it } from 'vitest'
import { csvCell, exportDocument } from './export.ts'

it('[ING24] a cell that a spreadsheet would run is text, whatever stands before its sign', () => {
  for (const formula of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '\n=1', '\uff1d1']) {
    expect(csvCell(formula).replace(/^"/, '')[0], JSON.stringify(formula)).toBe("'")
  }
  expect(csvCell('a=b')).toBe('a=b')
  expect(csvCell('say "hi", twice\n')).toBe('"say ""hi"", twice\n"')
  // A spreadsheet that parts cells at semicolons or tabs makes no second one of it.
  expect(csvCell('a;=1+1')).toBe('"a;=1+1"')
  expect(csvCell('a\t=1+1')).toBe('"a\t=1+1"')
  expect(csvCell(-3)).toBe('-3')
  expect(csvCell(null)).toBe('')
})

it('[ING24] batches are asked for as fast as they are read, and no faster', async () => {
  let given = 0
  async function* batches() {
    for (; given < 1000; given += 1) yield [{ name: 'x'.repeat(1000) }]
  }
  const document = exportDocument('csv', { name: ({ name }: { name: string }) => name }, batches())
  const reader = document[Symbol.asyncIterator]()
  for (let n = 0; n < 5; n += 1) await reader.next()
  expect(given).toBeLessThan(10)
  await reader.return?.()
})

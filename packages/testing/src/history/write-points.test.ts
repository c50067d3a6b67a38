import { expect, it } from 'vitest'
import { shownResult } from './shown-result.ts'
import { runWritePoints } from './write-points.ts'

it('[HIST14] killed at every write point of a piece of work, the server keeps its promises', async () => {
  const result = await runWritePoints({ seed: 1 })
  expect(result.violations.length === 0 ? '' : shownResult(result)).toBe('')
  expect([result.killed, result.points > 20]).toEqual([result.points, true])
}, 120_000)

import { expect, it } from 'vitest'
import { type RunResult, runHistory } from './run-history.ts'
import { shownResult } from './shown-result.ts'
import { runWritePoints } from './write-points.ts'

const report = (result: RunResult) => (result.violations.length === 0 ? '' : shownResult(result))

it('[HIST13] appends and readings over every door and manner keep their promises under kills, cuts and a full disk', async () => {
  for (const seed of [1, 2]) expect(report(await runHistory({ seed, seconds: 4 }))).toBe('')
}, 120_000)

it('[HIST14] killed at every write point of a piece of work, the server keeps its promises', async () => {
  const result = await runWritePoints({ seed: 1 })
  expect(report(result)).toBe('')
  expect([result.killed, result.points > 20]).toEqual([result.points, true])
}, 120_000)

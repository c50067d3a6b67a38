import { expect, it } from 'vitest'
import { runHistory } from './run-history.ts'
import { shownResult } from './shown-result.ts'

it.each([1, 2])(
  '[HIST13] every promise is kept under kills, cuts and a full disk, seed %i',
  async (seed) => {
    const result = await runHistory({ seed, seconds: 3 })
    expect(result.violations.length === 0 ? '' : shownResult(result)).toBe('')
  },
  120_000,
)

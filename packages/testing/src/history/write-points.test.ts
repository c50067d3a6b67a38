import { expect, it } from 'vitest'
import type { GroundName } from './grounds/ground.ts'
import { shownResult } from './shown-result.ts'
import { runWritePoints } from './write-points.ts'

it.each<GroundName>(['sqlite', 'postgres'])(
  '[HIST14] killed at every write point of a piece of work, the server keeps its promises on %s',
  async (ground) => {
    const result = await runWritePoints({ seed: 1, ground })
    expect(result.violations.length === 0 ? '' : shownResult(result)).toBe('')
    expect(result.points).toBeGreaterThan(20)
    // A commit of the house's own, seen once beside the work, need not come again.
    expect(result.points - result.killed).toBeLessThan(5)
  },
  120_000,
)

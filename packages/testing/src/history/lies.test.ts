import { describe, expect, it } from 'vitest'
import type { ViolationKind } from './check-history.ts'
import { type RunOptions, runHistory } from './run-history.ts'
import { shownResult } from './shown-result.ts'

interface Planted extends Omit<RunOptions, 'seed'> {
  lie: NonNullable<RunOptions['lie']>
  kinds: readonly ViolationKind[]
}

// What a broken promise leaves hanging is not waited for.
const small = { seconds: 6, producers: 3, readers: 1, catchUpMs: 2_000 }

const PLANTED: readonly Planted[] = [
  { lie: 'unavailable after commit', ...small, seconds: 1, deeds: [], kinds: ['phantom'] },
  {
    lie: 'fenced attempts write',
    ...{ ...small, ground: 'postgres', nodes: 2, leaseMs: 600, seconds: 8, starters: 8, deeds: ['stop'] },
    kinds: ['step', 'unfenced'],
  },
  {
    lie: 'outages end connections',
    ...{ ...small, ground: 'postgres', readers: 6, manners: ['sse'], deeds: ['PostgreSQL restarts'] },
    kinds: ['sent home'],
  },
]

describe('real servers that break a promise', () => {
  it.each(PLANTED)(
    '[HIST19] it is found that $lie',
    async ({ kinds, ...options }) => {
      const result = await runHistory({ seed: 1, ...options })
      const found = result.violations.map(({ kind }) => kind)
      expect(found.filter((kind) => kinds.includes(kind)).length, shownResult(result)).toBeGreaterThan(0)
    },
    120_000,
  )
})

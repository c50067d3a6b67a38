import { expect, it } from 'vitest'
import { NO_REDIS, redisServer } from '../redis.ts'
import { type RunOptions, runHistory } from './run-history.ts'
import { shownResult } from './shown-result.ts'

/** Another history in each run; whoever sees one that is broken sees it again by its seed. */
const drawn = Math.floor(Math.random() * 1_000_000)

async function expectKept(options: RunOptions): Promise<void> {
  const result = await runHistory(options)
  expect(result.violations.length === 0 ? '' : shownResult(result)).toBe('')
}

it.each([1, 2, drawn])(
  '[HIST13] every promise is kept under kills, cuts and a full disk, seed %i',
  (seed) => expectKept({ seed, seconds: 4 }),
  120_000,
)

it.each([1, drawn])(
  '[HIST18] two nodes on PostgreSQL keep every promise while one dies, stands still or loses its store, seed %i',
  (seed) => expectKept({ seed, seconds: 12, ground: 'postgres', nodes: 2 }),
  180_000,
)

const without = redisServer() === null ? `: skipped, ${NO_REDIS}` : ''

it.skipIf(without).each([1, drawn])(
  `[HIST18] so do two nodes that speak over Redis, seed %i${without}`,
  (seed) => expectKept({ seed, seconds: 12, ground: 'postgres+redis', nodes: 2 }),
  180_000,
)

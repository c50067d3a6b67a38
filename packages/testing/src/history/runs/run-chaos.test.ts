import { expect, it } from 'vitest'
import { shownResult } from '../shown-result.ts'
import { type RunChaosOptions, runChaos } from './run-chaos.ts'

/** Other runs each time; whoever sees a promise broken sees it again by its seed. */
const drawn = Math.floor(Math.random() * 1_000_000)

async function expectKept(options: RunChaosOptions): Promise<void> {
  const result = await runChaos(options)
  expect(result.violations.length === 0 ? '' : shownResult(result)).toBe('')
  // The kills met work.
  expect(result.hit).toBeGreaterThan(0)
  expect(result.attempts).toBeGreaterThan(options.runs ?? 0)
}

it(
  `[X4a][HIST21] a server on SQLite that is killed again and again finishes every run, each step once, seed ${drawn}`,
  () => expectKept({ seed: drawn, runs: 60, kills: 4 }),
  120_000,
)

it(
  `[HIST21] so do two nodes on PostgreSQL, seed ${drawn}`,
  () => expectKept({ seed: drawn, runs: 60, kills: 4, ground: 'postgres', nodes: 2 }),
  120_000,
)

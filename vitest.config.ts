import type { Ground } from '@holdfast/testing'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { SummaryReporter } from './scripts/summary-reporter.ts'

// Subscriptions are an optional part of the Durable Streams protocol, which this server does not have.
const notOurs = /\/conformance\.test\.ts: .*Reserved subscription APIs > /
const isCi = process.env.CI === 'true'

const all = ['packages/**/*.test.{ts,tsx}', 'apps/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts', 'bench/**/*.test.ts']

/** Stands on PostgreSQL by its own account, whatever the project's ground. */
const onPostgresOnly = ['packages/testing/src/postgres-contract.test.ts']

/** Whole servers, spoken to from outside: what they promise holds on every ground. */
const servers = [
  'packages/server/src/create-server.test.ts',
  'packages/server/src/transport/**/*.test.ts',
  'packages/server/src/plugins/**/*.test.ts',
  'apps/ingest/*.test.ts',
]

/** A group of test files on a ground, which their worlds and servers take from here. */
function project(name: string, ground: Ground, include: string[], exclude: string[]): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include,
      exclude: ['**/node_modules/**', ...exclude],
      provide: { ground, needsRedis: isCi },
      globalSetup: ground.store === 'postgres' ? ['packages/testing/src/run-stores.ts'] : [],
    },
  }
}

export default defineConfig({
  test: {
    projects: [
      project('sqlite', { store: 'memory', nodes: 1, redis: false }, all, onPostgresOnly),
      project('postgres', { store: 'postgres', nodes: 1, redis: false }, [...servers, ...onPostgresOnly], []),
      project('cluster', { store: 'postgres', nodes: 2, redis: true }, servers, []),
    ],
    // Real databases, sockets and a browser: generous, since two cores run all of it.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of what is waited for is there in a few milliseconds; at the default of 50 the suite would mostly wait.
    expect: { poll: { interval: 5 } },
    reporters: [['default', { summary: false }], new SummaryReporter({ skippedFails: isCi, notOurs })],
    coverage: {
      enabled: isCi,
      reportOnFailure: isCi,
      provider: 'v8',
      include: ['packages/*/src/**/*.{ts,tsx}', 'apps/**/*.{ts,tsx}'],
      exclude: [
        '**/*.test.*',
        '**/*.contract.ts',
        '**/fixtures/**',
        '**/fixtures.ts',
        '**/dist/**',
        'apps/dashboard/**',
        'apps/*/panel*/**',
      ],
      thresholds: { lines: 80 },
    },
  },
})

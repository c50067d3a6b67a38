import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './scripts/summary-reporter.ts'

// Subscriptions are an optional part of the Durable Streams protocol, which this server does not have.
const notOurs = /\/conformance\.test\.ts: .*Reserved subscription APIs > /
const isCi = process.env.CI === 'true'

export default defineConfig({
  test: {
    include: ['packages/**/*.test.{ts,tsx}', 'apps/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
    // Real databases, sockets and a browser: generous, since two cores run all of it.
    testTimeout: 30_000,
    hookTimeout: 60_000,
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

import { availableParallelism } from 'node:os'
import type { Ground } from '@holdfast/testing'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { SummaryReporter } from './scripts/summary-reporter.ts'

// Subscriptions are an optional part of the Durable Streams protocol, which this server does not have.
const notOurs = /\/conformance\.test\.ts: .*Reserved subscription APIs > /
const isCi = process.env.CI === 'true'

const all = ['packages/**/*.test.{ts,tsx}', 'apps/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts', 'bench/**/*.test.ts']

/** What is about PostgreSQL, and nothing else. */
const aboutPostgres = ['packages/testing/src/postgres-{contract,runs}.test.ts']

/** Streams as clients have them, over whole servers: the same on every ground, and whichever node one asks. */
const streams = [
  'packages/server/src/transport/{conformance,interchange,stream-routes,socket-session,sse-session}.test.ts',
  'packages/server/src/transport/http/{append,read,authorize,event-source,durable-streams-client}.test.ts',
  'packages/server/src/transport/websocket/{connection,slow-readers}.test.ts',
  'packages/server/src/transport/multiplex/read-*.test.ts',
  'packages/server/src/plugins/auth/{auth,expiry,token-routes}.test.ts',
  'packages/testing/src/test-world.test.ts',
]

/** What one process does with its store, or shows of itself. */
const oneServer = [
  'packages/server/src/create-server.test.ts',
  'packages/server/src/log/log-model.test.ts',
  'packages/server/src/transport/fuzz/fuzz.test.ts',
  'packages/server/src/plugins/{health,metrics,pipelining,problems}.test.ts',
]

/** The ingest app, as people use it. */
const ingest = ['apps/ingest/{access,cancel,client,ingest,lists,progress,retry,scopes,trouble,upload}.test.ts']

/** Runs as people and programs have them over HTTP. */
const runs = [
  'packages/server/src/plugins/runs/{batches,outside,run-access,run-commands,run-lists,run-queues}.test.ts',
  'packages/server/src/plugins/runs/examples.test.ts',
]

/** What it keeps, and what of it a hostile file must not break. */
const ingestStore = ['apps/ingest/{again,errors,hostile,recover,tables}.test.ts']

/** A group of test files on a ground, which their worlds and servers take from here. */
function project(
  name: string,
  ground: Ground,
  include: string[],
  exclude: string[] = [],
): TestProjectInlineConfiguration {
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
      project('sqlite', { store: 'memory', nodes: 1, redis: false }, all, aboutPostgres),
      project('postgres', { store: 'postgres', nodes: 1, redis: false }, [
        ...streams,
        ...oneServer,
        ...runs,
        ...ingest,
        ...ingestStore,
        ...aboutPostgres,
      ]),
      project('cluster', { store: 'postgres', nodes: 2, redis: true }, [...streams, ...runs, ...ingest]),
    ],
    // Much of a test is waiting, for a disk, a browser or another process: two at a time, also where there are two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Real databases, sockets and a browser: generous, since two cores run all of it.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of what is waited for is there in a few milliseconds; at the default of 50 the suite would mostly wait.
    expect: { poll: { interval: 5, timeout: 10_000 } },
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

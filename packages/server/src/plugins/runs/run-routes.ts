import type { FastifyInstance } from 'fastify'
import type { Batches } from '../../runs/batches.ts'
import { BATCH } from '../../runs/batches.ts'
import type { RunEngine } from '../../runs/run-engine.ts'
import type { RunQueries } from '../../runs/run-queries.ts'
import type { RunSchedules } from '../../runs/schedules.ts'
import { batchRoutes } from './batch-routes.ts'
import { commandRoutes } from './command-routes.ts'
import { type KindView, listRoutes } from './list-routes.ts'
import { outsideRoutes } from './outside-routes.ts'
import { queueRoutes } from './queue-routes.ts'
import { scheduleRoutes } from './schedule-routes.ts'
import { startRoutes } from './start-routes.ts'

export interface RunRoutesOptions {
  runs: RunEngine
  queries: RunQueries
  batches: Batches
  schedules: RunSchedules
  newId: () => string
}

/** Runs over HTTP: see docs/runs.md. */
export async function runRoutes(fastify: FastifyInstance, options: RunRoutesOptions): Promise<void> {
  const { runs, queries } = options
  listRoutes(fastify, { queries, kinds: () => kindsOf(runs, queries) })
  startRoutes(fastify, options)
  commandRoutes(fastify, { ...options, commands: runs.commands })
  queueRoutes(fastify, options)
  scheduleRoutes(fastify, options)
  batchRoutes(fastify, options)
  outsideRoutes(fastify, { queries, outside: runs.outside })
}

/** What this server carries out, and what workers outside that are there carry out. */
async function kindsOf({ definitions }: RunEngine, queries: RunQueries): Promise<KindView[]> {
  const ours = definitions
    .filter(({ name }) => name !== BATCH)
    .map(({ name, version, queue = name, phases = [] }) => ({
      name,
      version,
      queue,
      phases: Array.isArray(phases) ? [...phases] : Object.keys(phases),
      outside: false,
    }))
  const known = new Set(definitions.map(({ name }) => name))
  const theirs = (await queries.outsideKinds())
    .filter(({ name }) => !known.has(name))
    .map(({ name, version }) => ({ name, version, queue: name, phases: [], outside: true }))
  return [...ours, ...theirs]
}

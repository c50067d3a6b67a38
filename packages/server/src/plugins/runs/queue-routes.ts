import type { ProviderView } from '@holdfast/protocol/runs'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Limit } from '../../runs/limit-store.ts'
import type { RunEngine } from '../../runs/run-engine.ts'
import type { RunQueries } from '../../runs/run-queries.ts'
import { demand } from '../auth/principal.ts'
import { QUEUE, RUNS } from './access.ts'
import { NameParams, PageQuery } from './schemas.ts'

export interface QueueRoutesOptions {
  queries: RunQueries
  runs: Pick<RunEngine, 'definitions' | 'limits'>
}

const Settings = z
  .strictObject({
    paused: z.boolean().optional(),
    concurrency: z
      .int()
      .min(0)
      .max(10_000)
      .nullable()
      .optional()
      .describe('At the same time, over all servers; 0 holds everything back, `null` takes the bound away.'),
  })
  .refine(({ paused, concurrency }) => paused !== undefined || concurrency !== undefined, 'give paused or concurrency')

/** Queues and providers: how they stand, who is next, and how much may be done at the same time. */
export function queueRoutes(fastify: FastifyInstance, { queries, runs }: QueueRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/queue',
    { schema: { summary: 'The queues, the providers, and who is there to work' } },
    async ({ principal }) => {
      demand(principal, 'read', RUNS)
      return queries.queues(runs.definitions.map(({ name, queue }) => queue ?? name))
    },
  )
  app.get(
    '/api/queue/:name/entries',
    {
      schema: {
        summary: 'Who is queued there, in order, each with its place and why it waits',
        description: 'First those that may begin, then those that may not yet.',
        params: NameParams,
        querystring: PageQuery,
      },
    },
    async ({ principal, params, query }) => {
      demand(principal, 'read', RUNS)
      return queries.entries(params.name, { limit: query.limit, cursor: query.cursor ?? null })
    },
  )
  app.post(
    '/api/queue/:name',
    { schema: { summary: 'Pause a queue, or bound it', params: NameParams, body: Settings } },
    async ({ principal, params, body }) => {
      demand(principal, 'manage', QUEUE)
      await runs.limits.set('queue', params.name, changeOf(body))
      return queries.queue(params.name)
    },
  )
  app.post(
    '/api/queue/providers/:name',
    { schema: { summary: 'Pause a provider, or bound how many steps use it', params: NameParams, body: Settings } },
    async ({ principal, params: { name }, body }): Promise<ProviderView> => {
      demand(principal, 'manage', QUEUE)
      await runs.limits.set('provider', name, changeOf(body))
      return queries.provider(name)
    },
  )
}

function changeOf({ paused, concurrency }: z.output<typeof Settings>): Partial<Limit> {
  return { ...(paused === undefined ? {} : { paused }), ...(concurrency === undefined ? {} : { concurrency }) }
}

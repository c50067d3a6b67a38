import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { RunQueries } from '../../runs/run-queries.ts'
import { demand } from '../auth/principal.ts'
import { demandRun, RUNS } from './access.ts'
import { found } from './commands.ts'
import { FilterQuery, filterOf, ListQuery, limit, PageQuery, RunParams } from './schemas.ts'

/** A kind of run that somebody can start. */
export interface KindView {
  name: string
  version: number
  queue: string
  phases: string[]
  /** No server of ours carries it out: its workers report over HTTP. */
  outside: boolean
}

export interface ListRoutesOptions {
  queries: RunQueries
  kinds: () => Promise<KindView[]>
}

const LogQuery = z.object({
  level: z.enum(['debug', 'info', 'warn', 'error']).default('debug').describe('Lines of this level and above.'),
  after: z.string().min(1).max(64).optional().describe('The lines behind that offset. Default: from the start.'),
  last: z.coerce
    .number()
    .int()
    .min(1)
    .max(5_000)
    .optional()
    .describe('So many events before the end, instead of `after`.'),
  limit: limit(1_000, 200),
})

/** How runs stand: lists, numbers, and one run with its steps and its log. */
export function listRoutes(fastify: FastifyInstance, { queries, kinds }: ListRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/runs',
    { schema: { summary: 'Runs: filtered, searched, sorted, in pages', description: SORTS, querystring: ListQuery } },
    async ({ principal, query }) => {
      demand(principal, 'read', RUNS)
      return queries.list(filterOf(query), query.sort, { limit: query.limit, cursor: query.cursor ?? null })
    },
  )
  app.get(
    '/api/runs/count',
    {
      schema: {
        summary: 'How many runs a filter means, and how they stand',
        description: 'Exact up to 100,000 of each way to stand; 100,001 says that there are more.',
        querystring: FilterQuery,
      },
    },
    async ({ principal, query }) => {
      demand(principal, 'read', RUNS)
      return queries.count(filterOf(query))
    },
  )
  app.get(
    '/api/runs/kinds',
    { schema: { summary: 'The kinds of runs that can be started' } },
    async ({ principal }) => {
      demand(principal, 'read', RUNS)
      return { items: await kinds() }
    },
  )
  app.get(
    '/api/runs/failures',
    { schema: { summary: 'Failures that nobody has tried again, by their cause', querystring: FilterQuery } },
    async ({ principal, query }) => {
      demand(principal, 'read', RUNS)
      return { items: await queries.failures(filterOf(query)) }
    },
  )
  oneRunRoutes(fastify, queries)
}

function oneRunRoutes(fastify: FastifyInstance, queries: RunQueries): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/runs/:id',
    { schema: { summary: 'One run', description: '`ETag` is its revision: see `If-Match`.', params: RunParams } },
    async (request, reply) => {
      const { id } = request.params
      await demandRun(request, 'read', id, queries)
      const run = found(await queries.details(id), id)
      return reply.header('etag', `"${run.revision}"`).header('cache-control', 'no-store').send(run)
    },
  )
  app.get(
    '/api/runs/:id/steps',
    {
      schema: {
        summary: 'The steps of a run, the one that began first before the others',
        description: 'Those it took over from the runs it tries again are `reused`.',
        params: RunParams,
        querystring: PageQuery.extend({ limit: limit(1_000, 200) }),
      },
    },
    async (request) => {
      const { params, query } = request
      await demandRun(request, 'read', params.id, queries)
      found(await queries.streamOf(params.id), params.id)
      return queries.steps(params.id, { limit: query.limit, cursor: query.cursor ?? null })
    },
  )
  app.get(
    '/api/runs/:id/log',
    {
      schema: {
        summary: "A run's log: its stream, a line for each event, oldest first",
        description: '`nextCursor` is an offset, to be given as `after`; so is that of each line.',
        params: RunParams,
        querystring: LogQuery,
      },
    },
    async (request) => {
      const { params, query } = request
      await demandRun(request, 'read', params.id, queries)
      found(await queries.streamOf(params.id), params.id)
      const { level, after, last, limit } = query
      return queries.log(params.id, {
        level,
        limit,
        ...(after === undefined ? {} : { after }),
        ...(last === undefined ? {} : { last }),
      })
    },
  )
}

const SORTS = `\`sort\`: \`newest\` and \`oldest\` by when they were queued first; \`longest\`: what has begun and not ended, the
first to begin before the others, then what has ended, by how long it took, then what has not begun; \`priority\`: what has
not ended in the order of the queues, then the rest, newest first. \`q\` searches the start of ids, the names of kinds and the
errors of failed runs.`

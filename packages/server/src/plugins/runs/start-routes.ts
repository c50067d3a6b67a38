import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { BATCH } from '../../runs/batches.ts'
import type { Run } from '../../runs/run.ts'
import type { RunEngine } from '../../runs/run-engine.ts'
import type { RunQueries } from '../../runs/run-queries.ts'
import { demand } from '../auth/principal.ts'
import { RUNS } from './access.ts'
import { found } from './commands.ts'
import { Json, Lease, line, Name, Priority, Version, WorkerId } from './schemas.ts'

export interface StartRoutesOptions {
  queries: RunQueries
  runs: Pick<RunEngine, 'startNamed' | 'outside'>
}

const NewRun = z
  .strictObject({
    name: Name.refine((name) => name !== BATCH, 'is started by POST /api/runs/batches').describe('Of its kind.'),
    input: Json.optional().describe('As the kind wants it; of a kind that nobody defined any JSON.'),
    version: Version.optional().describe(
      'Of a kind that nobody defined: its workers are programs that report over HTTP.',
    ),
    key: line(200).optional().describe('Of all runs of the kind only one has it: another start gives that one.'),
    queue: Name.refine((name) => name !== 'claim', 'is no name of a queue').optional(),
    priority: Priority.optional(),
    delaySeconds: z.number().min(0).max(31_622_400).optional(),
    dueAt: z.iso.datetime({ offset: true }).optional(),
    worker: WorkerId.optional().describe('Begins it at once, as that worker outside.'),
    leaseSeconds: Lease.optional().describe('Of that worker.'),
  })
  .refine(({ delaySeconds, dueAt }) => delaySeconds === undefined || dueAt === undefined, {
    error: 'give one of delaySeconds and dueAt',
    path: ['dueAt'],
  })
  .refine(({ worker, version }) => worker === undefined || version !== undefined, {
    error: 'is needed where a worker begins it',
    path: ['version'],
  })

/** `POST /api/runs`. */
export function startRoutes(fastify: FastifyInstance, { queries, runs }: StartRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/runs',
    {
      schema: {
        summary: 'Start a run',
        description: `201 with the run; 200 where another start had made the one with this \`key\`. A run of a kind that
nobody defined needs its \`version\`: it waits for a worker outside that claims it, or begins at once as \`worker\`.`,
        body: NewRun,
      },
    },
    async ({ principal, body }, reply) => {
      demand(principal, 'manage', RUNS)
      const { run, created } = await runs.startNamed(body.name, body.input ?? null, startOptions(body))
      if (created && body.worker !== undefined) await begin(runs, run, body.worker, (body.leaseSeconds ?? 60) * 1_000)
      reply.code(created ? 201 : 200).header('location', `/api/runs/${run.id}`)
      const details = found(await queries.details(run.id), run.id)
      return reply.header('etag', `"${details.revision}"`).send(details)
    },
  )
}

function startOptions({ version, key, queue, priority, delaySeconds, dueAt }: z.output<typeof NewRun>) {
  return {
    ...(version === undefined ? {} : { outside: { version } }),
    ...(key === undefined ? {} : { dedupeKey: key }),
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority }),
    ...(delaySeconds === undefined ? {} : { delayMs: delaySeconds * 1_000 }),
    ...(dueAt === undefined ? {} : { dueAt: Date.parse(dueAt) }),
  }
}

/** Where it may not begin now (it is not due, its queue is full) it waits for whoever claims it. */
async function begin(runs: Pick<RunEngine, 'outside'>, run: Run, worker: string, leaseMs: number): Promise<void> {
  if (!run.isOutside) throw new HoldfastError('INVALID_INPUT', `"${run.name}" is carried out by a server.`, IS_OURS)
  await runs.outside.begin(run, worker, leaseMs)
}

const IS_OURS = { errors: [{ field: 'worker', message: 'a server carries out runs of this kind' }] }

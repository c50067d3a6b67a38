import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { StepReport } from '../../runs/outside-steps.ts'
import type { Fence, OutsideWork, ReportReceipt } from '../../runs/outside-work.ts'
import type { Outcome } from '../../runs/run.ts'
import type { RunQueries } from '../../runs/run-queries.ts'
import { demand } from '../auth/principal.ts'
import { demandRun, RUNS } from './access.ts'
import { found } from './commands.ts'
import { CommandHeaders, Json, Lease, Name, RunParams, StepKey, Text, Version, WorkerId } from './schemas.ts'

export interface OutsideRoutesOptions {
  queries: RunQueries
  outside: OutsideWork
}

const Claim = z.strictObject({
  worker: WorkerId,
  kinds: z
    .array(z.strictObject({ name: Name, version: Version }))
    .min(1)
    .max(100),
  leaseSeconds: Lease.default(60),
  waitSeconds: z.number().min(0).max(30).default(0).describe('How long the answer may wait for a run that falls due.'),
})

const attempt = z.int().min(1).describe('As the claim told it.')
const Fault = z.strictObject({
  code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'not a code such as NOT_REACHABLE'),
  message: Text.min(1),
  retryAfter: z.number().min(0).max(31_622_400).optional(),
})
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER)
const Progress = z.strictObject({
  attempt,
  done: count.optional(),
  total: count.nullable().optional(),
  unit: z.string().max(40).optional(),
  message: z.string().max(200).optional(),
})
const Step = z.discriminatedUnion('status', [
  z.strictObject({
    attempt,
    key: StepKey,
    status: z.literal('started'),
    effect: z.enum(['idempotent', 'unsafe']).default('idempotent'),
  }),
  z.strictObject({ attempt, key: StepKey, status: z.literal('done'), output: Json.optional() }),
  z.strictObject({
    attempt,
    key: StepKey,
    status: z.literal('failed'),
    error: Fault,
    notDone: z.boolean().default(false).describe('Of an unsafe step: it surely had no effect.'),
  }),
])
const Log = z.strictObject({ attempt, level: z.enum(['debug', 'info', 'warn', 'error']), message: Text.min(1) })
const Finish = z.discriminatedUnion('status', [
  z.strictObject({ attempt, status: z.literal('done'), result: Json.optional() }),
  z.strictObject({ attempt, status: z.literal('failed'), error: Fault }),
  z.strictObject({ attempt, status: z.literal('cancelled') }),
])

/** Work that none of our servers does: whoever has a token claims runs and reports how they get on. */
export function outsideRoutes(fastify: FastifyInstance, options: OutsideRoutesOptions): void {
  const { outside } = options
  claimRoute(fastify, options)
  const report = <Body extends z.ZodType<{ attempt: number }>>(
    name: string,
    summary: string,
    body: Body,
    take: (fence: Fence, body: z.output<Body>, request: FastifyRequest) => Promise<ReportReceipt>,
  ) => reportRoute(fastify, options, { name, summary, body, take })

  report('heartbeat', 'A sign of life, which renews the lease', z.strictObject({ attempt }), (fence) =>
    outside.heartbeat(fence),
  )
  report('progress', 'Say how far the run is', Progress, (fence, { attempt: _, ...given }) =>
    outside.progress(fence, definedOnly(given)),
  )
  report('steps', 'Say that a step began, is done, or failed', Step, (fence, body) => outside.step(fence, stepOf(body)))
  report('log', "Add a line to the run's log", Log, (fence, { level, message }, request) => {
    const id = (request.headers as z.output<typeof CommandHeaders>)['idempotency-key']
    return outside.log(fence, { level, message, ...(id === undefined ? {} : { id }) })
  })
  report('finish', 'End the run', Finish, (fence, body) => outside.finish(fence, outcomeOf(body)))
}

function claimRoute(fastify: FastifyInstance, { queries, outside }: OutsideRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/queue/claim',
    {
      schema: {
        summary: 'Take the next due run of these kinds',
        description: `For programs that carry runs out themselves. 200 with the run, the attempt to report with and the
lease; 204 where none came in time. An attempt that is not heard of for \`leaseSeconds\` is lost: others may take the run.`,
        body: Claim,
      },
    },
    async (request, reply) => {
      demand(request.principal, 'manage', RUNS)
      const { worker, kinds, leaseSeconds, waitSeconds } = request.body
      const asked = {
        worker,
        kinds: kinds.map(({ name, version }) => [name, version] as const),
        leaseMs: leaseSeconds * 1_000,
      }
      const gone = new AbortController()
      const onClose = () => gone.abort()
      reply.raw.once('close', onClose)
      const run = await outside.claim(asked, waitSeconds * 1_000, gone.signal)
      reply.raw.off('close', onClose)
      if (!run) return reply.code(204).send()
      const details = found(await queries.details(run.id), run.id)
      return { run: details, attempt: run.attempt, leaseSeconds, heartbeatSeconds: leaseSeconds / 3 }
    },
  )
}

interface ReportRoute<Body extends z.ZodType> {
  name: string
  summary: string
  body: Body
  take: (fence: Fence, body: z.output<Body>, request: FastifyRequest) => Promise<ReportReceipt>
}

function reportRoute<Body extends z.ZodType<{ attempt: number }>>(
  fastify: FastifyInstance,
  { queries }: OutsideRoutesOptions,
  { name, summary, body, take }: ReportRoute<Body>,
): void {
  const schema = { summary, description: REPORT, params: RunParams, headers: CommandHeaders, body }
  fastify.post(`/api/runs/:id/${name}`, { schema }, async (request) => {
    const { id } = request.params as z.output<typeof RunParams>
    await demandRun(request, 'manage', id, queries)
    const given = request.body as z.output<Body>
    return take({ runId: id, attempt: given.attempt }, given, request)
  })
}

const REPORT = `Of the attempt that works outside. Sent again it is the same report. 409 \`FENCED\` once another attempt has taken
over or the run has ended: stop, nothing was changed. The answer says whether a person has cancelled or paused the run.`

function stepOf({ attempt: _, ...report }: z.output<typeof Step>): StepReport {
  switch (report.status) {
    case 'started':
      return report
    case 'done':
      return { ...report, output: report.output ?? null }
    case 'failed':
      return { ...report, error: definedOnly(report.error) }
  }
}

function outcomeOf(body: z.output<typeof Finish>): Outcome {
  switch (body.status) {
    case 'done':
      return { status: 'done', result: body.result ?? null }
    case 'failed':
      return { status: 'failed', error: definedOnly(body.error) }
    case 'cancelled':
      return { status: 'cancelled' }
  }
}

type Defined<Given> = { [Key in keyof Given]: Exclude<Given[Key], undefined> }

function definedOnly<Given extends object>(given: Given): Defined<Given> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<Given>
}

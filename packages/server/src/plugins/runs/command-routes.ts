import { HoldfastError } from '@holdfast/protocol'
import type { CommandReceipt } from '@holdfast/protocol/runs'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Given, RunCommands } from '../../runs/run-commands.ts'
import type { RunQueries } from '../../runs/run-queries.ts'
import { demandRun } from './access.ts'
import { found, givenBy, withCurrent } from './commands.ts'
import { CommandHeaders, Id, Json, Name, Priority, RunParams, StepKey, Text } from './schemas.ts'

export interface CommandRoutesOptions {
  queries: RunQueries
  commands: RunCommands
  newId: () => string
}

const StepParams = RunParams.extend({ key: StepKey.describe('Of the step; its slashes URL-encoded.') })
const Comment = z.strictObject({ comment: Text.optional() }).nullish()
const Decision = z.discriminatedUnion('decision', [
  z.strictObject({
    decision: z.literal('done').describe('It was done, and came to `output`.'),
    output: Json.optional(),
  }),
  z.strictObject({ decision: z.literal('repeat').describe('It was not done: it is done again.') }),
  z.strictObject({ decision: z.literal('fail').describe('The run ends as failed.') }),
])
const Move = z
  .strictObject({ before: Id.optional(), after: Id.optional() })
  .refine(({ before, after }) => (before === undefined) !== (after === undefined), 'give one of before and after')
const Retry = z
  .strictObject({
    from: z.enum(['failed', 'start']).default('failed').describe('`failed`: finished steps are not done again.'),
    input: Json.optional().describe('Instead of the input it had.'),
  })
  .nullish()
const Nothing = z.strictObject({}).nullish()

/** A command of a route: its body, what it is called, and what it does. */
interface CommandRoute<Body extends z.ZodType> {
  command: CommandReceipt['command']
  summary: string
  description?: string
  body: Body
  give: (id: string, body: z.output<Body>, given: Given) => Promise<void>
}

/** Adds a route of a command, whose path is below the run's. */
type Add = <Body extends z.ZodType>(path: string, made: CommandRoute<Body>) => void

/** Commands to a run: durable when they are answered, from any device, once under one `Idempotency-Key`. */
export function commandRoutes(fastify: FastifyInstance, options: CommandRoutesOptions): void {
  const add: Add = (path, made) => addRoute(fastify, options, path, made)
  goOrStop(add, options)
  words(add, options)
  places(add, options)
  decisionRoute(fastify, options)
  retryRoute(fastify, options)
}

/** Whether it goes on. */
function goOrStop(add: Add, { commands }: CommandRoutesOptions): void {
  add('cancel', {
    command: 'cancel',
    summary: 'Cancel a run',
    description: 'One that does not work has ended with the answer; one that does ends as soon as its step lets go.',
    body: Nothing,
    give: (id, _, given) => commands.cancel(id, given),
  })
  add('pause', {
    command: 'pause',
    summary: 'Pause a run, after the steps it is in',
    body: Nothing,
    give: (id, _, given) => commands.pause(id, given),
  })
  add('resume', {
    command: 'resume',
    summary: 'Let a paused or parked run go on',
    body: Nothing,
    give: (id, _, given) => commands.resume(id, given),
  })
}

/** What it is told. */
function words(add: Add, { commands, queries }: CommandRoutesOptions): void {
  const answer = (approved: boolean) => async (id: string, body: z.output<typeof Comment>, given: Given) => {
    await asksFor(queries, id, 'approval', given)
    const comment = body?.comment === undefined ? {} : { comment: body.comment }
    await commands.signal(id, 'approval', { approved, ...comment }, given, approved ? 'approve' : 'reject')
  }
  add('steer', {
    command: 'steer',
    summary: 'Tell a run something',
    description: 'Kept until its code asks for it, as the signal `steer`.',
    body: z.strictObject({ message: Text.min(1) }),
    give: (id, { message }, given) => commands.signal(id, 'steer', { message }, given, 'steer'),
  })
  add('approve', {
    command: 'approve',
    summary: 'Approve what a run asks for',
    body: Comment,
    give: answer(true),
  })
  add('reject', { command: 'reject', summary: 'Reject what a run asks for', body: Comment, give: answer(false) })
  add('signals', {
    command: 'signal',
    summary: 'Send a run a word that it waits for, or will',
    body: z.strictObject({ name: Name, payload: Json.optional() }),
    give: (id, { name, payload }, given) => commands.signal(id, name, payload ?? null, given),
  })
}

/** Its place in its queue. */
function places(add: Add, { commands }: CommandRoutesOptions): void {
  add('priority', {
    command: 'priority',
    summary: 'Set by how many seconds a run goes before what was due at the same time',
    body: z.strictObject({ priority: Priority }),
    give: (id, { priority }, given) => commands.prioritise(id, priority, given),
  })
  add('move', {
    command: 'priority',
    summary: 'Put a run right before or behind another one of its queue',
    body: Move,
    give: (id, { before, after }, given) =>
      commands.move(id, before === undefined ? { after: after ?? '' } : { before }, given),
  })
}

function addRoute<Body extends z.ZodType>(
  fastify: FastifyInstance,
  { queries, newId }: CommandRoutesOptions,
  name: string,
  { command, summary, description, body, give }: CommandRoute<Body>,
): void {
  const schema = { summary, ...(description ? { description } : {}), params: RunParams, headers: CommandHeaders, body }
  fastify.post(`/api/runs/:id/${name}`, { schema }, async (request, reply) => {
    const { id } = request.params as z.output<typeof RunParams>
    await demandRun(request, 'manage', id, queries)
    const given = givenBy(request, newId)
    await withCurrent(queries, id, () => give(id, request.body as z.output<Body>, given))
    return answer(reply, { commandId: given.id, command }, queries, id)
  })
}

function decisionRoute(fastify: FastifyInstance, { queries, commands, newId }: CommandRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/runs/:id/steps/:key/decision',
    {
      schema: {
        summary: 'Say what became of a step of which nobody knows whether it was done',
        params: StepParams,
        headers: CommandHeaders,
        body: Decision,
      },
    },
    async (request, reply) => {
      const { params, body } = request
      await demandRun(request, 'manage', params.id, queries)
      const given = givenBy(request as FastifyRequest, newId)
      const decision = body.decision === 'done' ? { kind: body.decision, output: body.output } : { kind: body.decision }
      await withCurrent(queries, params.id, () => commands.decide(params.id, params.key, decision, given))
      return answer(reply, { commandId: given.id, command: 'decide' }, queries, params.id)
    },
  )
}

function retryRoute(fastify: FastifyInstance, { queries, commands, newId }: CommandRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/runs/:id/retry',
    {
      schema: {
        summary: 'Try a run again: another run, linked to this one',
        description: 'From the failed step, from the start, or with another input. `run` in the answer is the new one.',
        params: RunParams,
        headers: CommandHeaders,
        body: Retry,
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await demandRun(request, 'manage', id, queries)
      const given = givenBy(request as FastifyRequest, newId)
      const { from = 'failed', input } = request.body ?? {}
      const asked = { from, ...(input === undefined ? {} : { input }) }
      const next = await withCurrent(queries, id, () => commands.retry(id, asked, given))
      reply.header('location', `/api/runs/${next.id}`)
      return answer(reply, { commandId: given.id, command: 'retry' }, queries, next.id)
    },
  )
}

/** The acknowledgement, with the run as it stands behind the command. */
async function answer(
  reply: FastifyReply,
  receipt: Omit<CommandReceipt, 'run'>,
  queries: RunQueries,
  id: string,
): Promise<FastifyReply> {
  const run = found(await queries.summary(id), id)
  const body: CommandReceipt = { ...receipt, run }
  return reply.code(202).header('etag', `"${run.revision}"`).send(body)
}

/** CONFLICT where the run does not wait for that: an answer to nothing would be taken for the next question. */
async function asksFor(queries: RunQueries, id: string, name: string, given: Given): Promise<void> {
  if (await queries.isGiven(id, given.id)) return
  const run = found(await queries.summary(id), id)
  if (run.endedAt !== null) throw new HoldfastError('ALREADY_ENDED', `It has already ended: it is ${run.status}.`)
  if (run.waits.some((wait) => wait.kind === 'event' && wait.name === name)) return
  throw new HoldfastError('CONFLICT', `It does not wait for ${name}: it is ${run.status}.`)
}

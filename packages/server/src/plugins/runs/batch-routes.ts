import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Batches } from '../../runs/batches.ts'
import { demand } from '../auth/principal.ts'
import { QUEUE } from './access.ts'
import { givenBy } from './commands.ts'
import { CommandHeaders, FilterBody, filterOf, Id, Priority } from './schemas.ts'

export interface BatchRoutesOptions {
  batches: Batches
  newId: () => string
}

const BatchParams = z.object({ id: Id.describe('Of the batch.') })
const NewBatch = z
  .strictObject({
    action: z.enum(['cancel', 'pause', 'resume', 'retry', 'priority']),
    priority: Priority.optional().describe('Of the action `priority`: what they are to have.'),
    filter: FilterBody.default({}).describe('Which runs: the same names as in the query of the list.'),
    ids: z.array(Id).min(1).max(1_000).optional().describe('Of those, only these.'),
    exceptIds: z.array(Id).min(1).max(1_000).optional().describe('Of those, all but these.'),
    expected: z
      .int()
      .min(0)
      .optional()
      .describe('How many runs that is, as you have seen it: 409 with the count where it is another by now.'),
  })
  .refine(({ action, priority }) => (action === 'priority') === (priority !== undefined), {
    error: 'goes with the action priority, and with no other',
    path: ['priority'],
  })

/** Actions on many runs at once, each itself a run of the kind `batch`. */
export function batchRoutes(fastify: FastifyInstance, { batches, newId }: BatchRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/runs/batches',
    {
      schema: {
        summary: 'Do something with all runs of a filter',
        description: `Which runs those are is fixed by the answer. What does not fit a run by the time it is its turn is
skipped. Pausing, resuming and priorities can be taken back; cancelling and retrying cannot.`,
        headers: CommandHeaders,
        body: NewBatch,
      },
    },
    async (request, reply) => {
      const { action, priority, filter, ids, exceptIds, expected } = request.body
      demand(request.principal, 'manage', QUEUE)
      const asked = {
        action,
        filter: { ...filterOf(filter), ...(ids ? { ids } : {}), ...(exceptIds ? { exceptIds } : {}) },
        ...(priority === undefined ? {} : { priority }),
        ...(expected === undefined ? {} : { expected }),
      }
      const given = { by: givenBy(request as FastifyRequest, newId).by, ...keyOf(request.headers) }
      const made = await batches.start(asked, given)
      return reply.code(202).header('location', `/api/runs/batches/${made.id}`).send(made)
    },
  )
  app.get(
    '/api/runs/batches/:id',
    { schema: { summary: 'How far an action on many runs is', params: BatchParams } },
    async ({ principal, params }) => {
      demand(principal, 'read', QUEUE)
      return batches.get(params.id)
    },
  )
  app.post(
    '/api/runs/batches/:id/undo',
    {
      schema: {
        summary: 'Take an action on many runs back',
        description: 'What is left of it is cancelled; another batch over the same runs takes back what was done.',
        params: BatchParams,
        body: z.strictObject({}).nullish(),
      },
    },
    async (request, reply) => {
      demand(request.principal, 'manage', QUEUE)
      const made = await batches.undo(request.params.id, { by: request.principal?.id ?? '' })
      return reply.code(202).header('location', `/api/runs/batches/${made.id}`).send(made)
    },
  )
}

function keyOf(headers: z.output<typeof CommandHeaders>): { id?: string } {
  const id = headers['idempotency-key']
  return id === undefined ? {} : { id }
}

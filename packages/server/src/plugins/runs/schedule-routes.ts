import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { RunSchedules } from '../../runs/schedules.ts'
import { demand } from '../auth/principal.ts'
import { QUEUE, RUNS } from './access.ts'
import { Id, Json, Name } from './schemas.ts'

export interface ScheduleRoutesOptions {
  schedules: RunSchedules
}

const ScheduleParams = z.object({ id: Id.describe('Of the schedule.') })
const Cron = z.string().min(1).max(200).describe('Five fields, or six with seconds first.')
const NewSchedule = z.strictObject({
  name: Name.describe('Of the kind of run.'),
  input: Json.optional(),
  cron: Cron,
  timezone: z.string().min(1).max(64).optional().describe('Of IANA, such as Europe/Berlin. Default UTC.'),
})
const Change = z
  .strictObject({ paused: z.boolean().optional(), cron: Cron.optional() })
  .refine(({ paused, cron }) => paused !== undefined || cron !== undefined, 'give paused or cron')

/** Runs that begin at the times of a cron expression. */
export function scheduleRoutes(fastify: FastifyInstance, { schedules }: ScheduleRoutesOptions): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get('/api/schedules', { schema: { summary: 'The schedules, the oldest first' } }, async ({ principal }) => {
    demand(principal, 'read', RUNS)
    return { items: await schedules.list() }
  })
  app.post(
    '/api/schedules',
    { schema: { summary: 'Make a schedule', body: NewSchedule } },
    async ({ principal, body }, reply) => {
      demand(principal, 'manage', QUEUE)
      const { name, input, cron, timezone } = body
      const zone = timezone === undefined ? {} : { timezone }
      const made = await schedules.create({ name, input: input ?? null, cron, ...zone })
      return reply.code(201).header('location', `/api/schedules/${made.id}`).send(made)
    },
  )
  app.post(
    '/api/schedules/:id',
    {
      schema: {
        summary: 'Pause a schedule, let it go on, or give it other times',
        params: ScheduleParams,
        body: Change,
      },
    },
    async ({ principal, params, body: { paused, cron } }) => {
      demand(principal, 'manage', QUEUE)
      const change = { ...(paused === undefined ? {} : { paused }), ...(cron === undefined ? {} : { cron }) }
      return schedules.update(params.id, change)
    },
  )
  app.delete(
    '/api/schedules/:id',
    { schema: { summary: 'Remove a schedule; its runs stay', params: ScheduleParams } },
    async ({ principal, params }, reply) => {
      demand(principal, 'manage', QUEUE)
      await schedules.remove(params.id)
      return reply.code(204).send()
    },
  )
}

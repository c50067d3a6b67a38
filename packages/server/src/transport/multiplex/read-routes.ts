import type { OutgoingHttpHeaders } from 'node:http'
import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { AccessRefusal, Holder } from '../credential.ts'
import type { Sessions } from '../sessions.ts'
import { EventResponse } from './event-response.ts'
import type { ReadWorld } from './many-streams.ts'
import { Round } from './round.ts'

export interface ReadRoutesOptions extends ReadWorld {
  sessions: Sessions
  /** Who asks. */
  holderOf: (request: FastifyRequest) => Holder
  /** Somebody was not let read a stream. */
  onRefused: (refusal: AccessRefusal) => void
}

const ALLOW = 'POST, OPTIONS'
const MAX_WAIT_SECONDS = 30
// Of one request, which names a thousand streams in a few kilobytes: the log is not to be filled by them.
const REFUSALS_TOLD = 10
// As in a frame from a client.
const TEXT_MAX = 512

// A newer client may send fields that are not known here.
const Subscription = z.object({
  stream: z.string().max(TEXT_MAX).describe("A stream's name; one of each."),
  from: z
    .string()
    .max(TEXT_MAX)
    .optional()
    .describe('Where to begin: an offset, `-1` (the first event kept, the default), `now` or `state`.'),
  conflate: z.boolean().optional().describe('Leave out what later events replace.'),
})
const Body = z.object({ subscriptions: z.array(Subscription).min(1).superRefine(demandOneOfEach) })
const Query = z.object({
  wait: z.coerce.number().min(0).max(MAX_WAIT_SECONDS).default(0).describe('Seconds to wait for news. JSON only.'),
})
const Frames = z.object({ frames: z.array(z.looseObject({ type: z.string() })) })

const DOCS = {
  tags: ['streams'],
  summary: 'Read many streams by a request: live with Accept: text/event-stream, else one round of frames',
  description: `The frames of /v1/ws over HTTP. Server-sent events go on until every stream is over; JSON is one round of about
1 MiB in all, or with \`?wait=\` the first that comes. See packages/protocol/PROTOCOL.md, "Many streams by requests".`,
}

/** `/v1/read`: many streams by a request. */
export async function readRoutes(app: FastifyInstance, options: ReadRoutesOptions): Promise<void> {
  const { limits } = options
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/v1/read',
    bodyLimit: limits.requestBytes,
    config: { frequent: true },
    // Before each of them is looked at, and what is wrong with each is told.
    preValidation: async ({ body }) => demandFew(body, limits.subscriptions),
    schema: {
      ...DOCS,
      querystring: Query,
      body: Body,
      response: {
        200: {
          description: 'Frames',
          content: { 'application/json': { schema: Frames }, 'text/event-stream': { schema: z.string() } },
        },
      },
    },
    handler: async (request, reply) => {
      const holder = options.holderOf(request)
      const asked = { wanted: request.body.subscriptions, holder, mayRead: mayReadOf(holder, request, options) }
      reply.header('cache-control', 'no-store')
      if (wantsEvents(request)) {
        follow(new EventResponse(reply.raw, options, asked), options.sessions, request, reply)
        return reply
      }
      return answer(new Round(options, asked, request.query.wait * 1_000), options.sessions, request, reply)
    },
  })
  app.route({
    method: 'OPTIONS',
    url: '/v1/read',
    config: { public: true },
    schema: { tags: ['streams'], summary: "Answers a browser's preflight request" },
    handler: (_, reply) => reply.code(204).header('allow', ALLOW).header('cache-control', 'no-store').send(),
  })
}

function follow(response: EventResponse, sessions: Sessions, request: FastifyRequest, reply: FastifyReply): void {
  // Whoever left meanwhile is not heard to close any more.
  const forget = reply.raw.destroyed ? null : sessions.add(response, request)
  reply.hijack()
  if (!forget) return
  reply.raw.once('close', forget)
  response.open({
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'text/event-stream',
    // A proxy that buffers would keep the frames to itself. Source: nginx, proxy_buffering.
    'x-accel-buffering': 'no',
  })
}

async function answer(
  round: Round,
  sessions: Sessions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const forget = sessions.add(round, request)
  const leave = () => {
    round.close()
    forget()
  }
  reply.raw.once('close', leave)
  const frames = round.read()
  // Whoever left meanwhile is not heard to close any more.
  if (reply.raw.destroyed) leave()
  return reply.type('application/json; charset=utf-8').send(await frames)
}

/** What of its principal is let read, as things are now. The first refusals are told. */
function mayReadOf(holder: Holder, { ip }: FastifyRequest, { onRefused }: ReadRoutesOptions) {
  let told = 0
  return (stream: string): boolean => {
    if (holder.can('read', stream)) return true
    told += 1
    if (told <= REFUSALS_TOLD) {
      onRefused({ principal: holder.credential?.principal, action: 'read', stream, address: ip })
    }
    return false
  }
}

function demandFew(body: unknown, most: number): void {
  const { subscriptions } = (body ?? {}) as { subscriptions?: unknown }
  if (!Array.isArray(subscriptions) || subscriptions.length <= most) return
  const errors = [{ field: 'subscriptions', message: `holds ${subscriptions.length}` }]
  throw new HoldfastError('TOO_MANY_SUBSCRIPTIONS', `One request reads at most ${most} streams.`, { errors })
}

function demandOneOfEach(subscriptions: readonly { stream: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, { stream }] of subscriptions.entries()) {
    if (seen.has(stream)) context.addIssue({ code: 'custom', path: [index, 'stream'], message: 'is there twice' })
    seen.add(stream)
  }
}

function wantsEvents(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream')
}

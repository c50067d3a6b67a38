import { HoldfastError, OFFSET_NOW, OFFSET_START } from '@holdfast/protocol'
import { demand, type Run, resolveRead, type Services, type SocketEncoding, textFrames } from '@holdfast/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Source } from './ports.ts'
import { receiveFiles } from './receive-files.ts'
import type { IngestService } from './service.ts'
import { projectStream } from './streams.ts'
import type { AcceptedView } from './view.ts'

const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/, 'not an id')
const ProjectParams = z.object({ id: Id })
const IngestionParams = z.object({ id: Id, ingestionId: Id })
const limit = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual)
const PageQuery = z.object({ limit: limit(200, 50), cursor: Id.optional() })
const FilesQuery = z.object({
  limit: limit(200, 50),
  cursor: z.string().max(5000).optional(),
  status: z.enum(['found', 'extracted', 'chunked', 'done', 'skipped', 'failed']).optional(),
  code: z.string().max(40).optional(),
  q: z.string().max(500).optional(),
  ingestion: Id.optional(),
})
const SearchQuery = z.object({
  q: z.string().max(2000),
  limit: limit(100, 20),
  offset: z.coerce.number().int().min(0).max(10_000).default(0),
})
const NewProject = z.object({ name: z.string().trim().min(1).max(200) })
const NewIngestion = z.union(
  [
    z.strictObject({ path: z.string().min(1).max(4096) }),
    z.strictObject({ url: z.string().min(1).max(4096) }),
    z.strictObject({ sitemap: z.string().min(1).max(4096) }),
    z.strictObject({ repository: z.string().min(1).max(512), ref: z.string().min(1).max(256).optional() }),
  ],
  { error: 'Give one of path, url, sitemap or repository, or upload files as multipart/form-data.' },
)
const Retry = z.discriminatedUnion('scope', [
  z.strictObject({ scope: z.literal('all') }),
  z.strictObject({ scope: z.literal('phase'), phase: z.number().int().min(1).max(4) }),
  z.strictObject({ scope: z.literal('file'), fileId: Id }),
])

/** One event a message, as the project's own readers want it: the event with its `offset` added, nothing else. */
const eventEncoding: SocketEncoding = {
  encode: ({ after, events }) => {
    const [incarnation = '', before = ''] = after.split('_')
    const messages = events.map((text, index) => {
      const offset = `${incarnation}_${String(Number(before) + index + 1).padStart(16, '0')}`
      return `${text.slice(0, -1)},"offset":"${offset}"}`
    })
    return textFrames(messages)
  },
}

export function ingestRoutes(service: IngestService, services: Services, roots: readonly string[]) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const app = fastify.withTypeProvider<ZodTypeProvider>()
    // Fastify reads it by itself; no route here does.
    fastify.removeContentTypeParser('text/plain')

    app.addHook('preHandler', async (request) => {
      const { id } = request.params as { id?: string }
      const action = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'manage'
      demand(request.principal, action, id === undefined ? 'operators/projects' : projectStream.name({ projectId: id }))
    })

    app.get('/api/ingest/roots', { schema: { summary: 'Folders that may be ingested by path' } }, async () => ({
      roots,
    }))
    projectRoutes(fastify, service)
    ingestionRoutes(fastify, service)
    progressRoute(fastify, service, services)

    app.get(
      '/api/projects/:id/files',
      { schema: { summary: 'Files with their status', params: ProjectParams, querystring: FilesQuery } },
      async ({ params, query }) => {
        const { status, code, q, ingestion: ingestionId } = query
        return service.files(params.id, { status, code, q, ingestionId }, query.limit, query.cursor ?? null)
      },
    )
    app.get(
      '/api/projects/:id/search',
      { schema: { summary: 'Ranked passages', params: ProjectParams, querystring: SearchQuery } },
      async ({ params, query }) => ({ items: await service.search(params.id, query.q, query.limit, query.offset) }),
    )
  }
}

function projectRoutes(fastify: FastifyInstance, service: IngestService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post('/api/projects', { schema: { summary: 'Create a project', body: NewProject } }, async ({ body }, reply) => {
    const project = await service.createProject(body.name)
    return reply.code(201).header('location', `/api/projects/${project.id}`).send(project)
  })
  app.get(
    '/api/projects',
    { schema: { summary: 'Projects, newest first', querystring: PageQuery } },
    async ({ query }) => service.projects(query.limit, query.cursor ?? null),
  )
  app.get('/api/projects/:id', { schema: { summary: 'One project', params: ProjectParams } }, async ({ params }) =>
    service.project(params.id),
  )
}

function ingestionRoutes(fastify: FastifyInstance, service: IngestService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  // Left on the wire: it is read by whoever stores it, as fast as it is stored.
  fastify.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))
  app.post(
    '/api/projects/:id/ingestions',
    { schema: { summary: 'Ingest files, a folder, a page, a sitemap or a repository', params: ProjectParams } },
    async (request, reply) => {
      const { id } = request.params
      const run = /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')
        ? await service.ingestUpload(id, (upload) => receiveFiles(request.raw, upload))
        : await service.ingest(id, sourceOf(parseBody(NewIngestion, request.body)))
      return reply.code(202).send(accepted(id, run, request))
    },
  )
  app.get(
    '/api/projects/:id/ingestions',
    { schema: { summary: 'Ingestions, newest first', params: ProjectParams, querystring: PageQuery } },
    async ({ params, query }) => service.ingestions(params.id, query.limit, query.cursor ?? null),
  )
  app.post(
    '/api/projects/:id/ingestions/:ingestionId/cancel',
    { schema: { summary: 'Cancel', params: IngestionParams } },
    async ({ params }, reply) => {
      await service.cancel(params.id, params.ingestionId)
      return reply.code(202).send({ ingestionId: params.ingestionId, cancelRequested: true })
    },
  )
  app.post(
    '/api/projects/:id/ingestions/:ingestionId/retry',
    { schema: { summary: 'Try again: all, one phase or one file', params: IngestionParams, body: Retry } },
    async (request, reply) => {
      const { params, body } = request
      const { scope: kind, ...rest } = body
      const run = await service.retry(params.id, params.ingestionId, { kind, ...rest } as Parameters<
        IngestService['retry']
      >[2])
      return reply.code(202).send(accepted(params.id, run, request))
    },
  )
}

/** State by GET, the story by WebSocket, on one URL. */
function progressRoute(fastify: FastifyInstance, service: IngestService, { log, sessions }: Services): void {
  const streams = new WeakMap<FastifyRequest, Awaited<ReturnType<typeof resolveRead>>>()
  const query = (request: FastifyRequest) => request.query as { ingestion?: unknown; offset?: unknown }
  const text = (value: unknown): string | null => {
    if (value === undefined) return null
    if (typeof value !== 'string') throw new HoldfastError('INVALID_INPUT', 'Give it once, please.')
    return value
  }

  fastify.route({
    method: 'GET',
    url: '/api/projects/:id/progress',
    schema: { summary: 'The newest ingestion; by WebSocket its events', params: ProjectParams },
    preHandler: async (request) => {
      // Chosen before the upgrade, so that a refusal is an HTTP answer; from then on the socket stays with it.
      if (!request.ws) return
      const { id } = request.params as { id: string }
      const given = text(query(request).offset)
      const offset = given === OFFSET_START || given === OFFSET_NOW ? null : given
      const stream = await service.progressStream(id, text(query(request).ingestion), offset)
      streams.set(request, await resolveRead(log, stream, given ?? undefined))
    },
    handler: async (request) => {
      const { id } = request.params as { id: string }
      return service.progress(id, text(query(request).ingestion))
    },
    wsHandler: (socket, request) => {
      const read = streams.get(request)
      if (read) sessions.openSocket(socket, request, read, eventEncoding)
    },
  })
}

function sourceOf(body: z.infer<typeof NewIngestion>): Source {
  if ('path' in body) return { kind: 'path', path: body.path }
  if ('url' in body) return { kind: 'url', url: body.url }
  if ('sitemap' in body) return { kind: 'sitemap', url: body.sitemap }
  return { kind: 'repository', repository: body.repository, ...(body.ref ? { ref: body.ref } : {}) }
}

function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap(meant).map(({ path, message }) => ({ field: path.join('.'), message }))
  throw new HoldfastError('INVALID_INPUT', errors[0]?.message, { errors })
}

/** Of a union that fits nowhere: what is wrong with the one kind whose fields were given, if there is one. */
function meant(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const known = issue.errors.filter((kind) => kind.every(({ code }) => code !== 'unrecognized_keys'))
  return known.length === 1 && known[0] ? known[0] : [issue]
}

function accepted(projectId: string, run: Run, request: FastifyRequest): AcceptedView {
  const path = `/api/projects/${projectId}/progress?ingestion=${run.id}`
  const scheme = request.protocol === 'https' ? 'wss' : 'ws'
  return {
    ingestionId: run.id,
    progressUrl: `${request.protocol}://${request.host}${path}`,
    websocketUrl: `${scheme}://${request.host}${path}`,
  }
}

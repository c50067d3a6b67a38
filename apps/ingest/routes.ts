import { HoldfastError, OFFSET_NOW, OFFSET_START } from '@holdfast/protocol'
import { can, demand, resolveRead, type Services, type SocketEncoding, textFrames } from '@holdfast/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { exportDocument, INGESTION_COLUMNS } from './export.ts'
import { accepted, fileRoutes, sendDocument } from './file-routes.ts'
import type { FilesService } from './files-service.ts'
import type { Source } from './ports.ts'
import { receiveFiles } from './receive-files.ts'
import { Cursor, Format, Id, limit, ProjectParams } from './route-schemas.ts'
import type { IngestService } from './service.ts'
import { projectStream } from './streams.ts'
import { PROJECT_SORTS } from './view.ts'

const IngestionParams = z.object({ id: Id, ingestionId: Id })
const PageQuery = z.object({ limit: limit(200, 50), cursor: Id.optional() })
const ProjectsQuery = z.object({
  limit: limit(200, 50),
  cursor: Cursor,
  q: z.string().max(200).optional(),
  status: z.enum(['idle', 'queued', 'working', 'done', 'failed', 'cancelled']).optional(),
  sort: z.enum(PROJECT_SORTS).default('newest'),
})
const WatchedQuery = z.object({
  ids: z
    .string()
    .transform((ids) => ids.split(','))
    .pipe(z.array(Id).min(1).max(100)),
})
const ExportQuery = z.object({ format: Format })
const SearchQuery = z.object({
  q: z.string().max(2000),
  limit: limit(100, 20),
  offset: z.coerce.number().int().min(0).max(10_000).default(0),
})
const NewIngestion = z.union(
  [
    z.strictObject({ path: z.string().min(1).max(4096) }),
    z.strictObject({ url: z.string().min(1).max(4096) }),
    z.strictObject({ sitemap: z.string().min(1).max(4096) }),
    z.strictObject({ repository: z.string().min(1).max(512), ref: z.string().min(1).max(256).optional() }),
  ],
  { error: 'Give one of path, url, sitemap or repository, or upload files as multipart/form-data.' },
)
const NewProject = z.object({ name: z.string().trim().min(1).max(200), source: NewIngestion.optional() })
const Retry = z.discriminatedUnion('scope', [
  z.strictObject({ scope: z.literal('all') }),
  z.strictObject({ scope: z.literal('phase'), phase: z.number().int().min(1).max(4) }),
  z.strictObject({ scope: z.literal('file'), fileId: Id }),
])

/** Ingestions of any projects by their ids; what the asker may not read is left out. */
const WATCHED = '/api/ingestions'

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

export function ingestRoutes(
  service: IngestService,
  files: FilesService,
  services: Services,
  roots: readonly string[],
) {
  return async (fastify: FastifyInstance): Promise<void> => {
    const app = fastify.withTypeProvider<ZodTypeProvider>()
    // Fastify reads it by itself; no route here does.
    fastify.removeContentTypeParser('text/plain')

    app.addHook('preHandler', async (request) => {
      // Looks at each of those it is asked for.
      if (request.routeOptions.url === WATCHED) return
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

    fileRoutes(fastify, files)
    app.get(
      '/api/projects/:id/search',
      { schema: { summary: 'Ranked passages', params: ProjectParams, querystring: SearchQuery } },
      async ({ params, query }) => ({ items: await service.search(params.id, query.q, query.limit, query.offset) }),
    )
  }
}

function projectRoutes(fastify: FastifyInstance, service: IngestService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/projects',
    { schema: { summary: 'Create a project, and begin its first ingestion where a source is given' } },
    async (request, reply) => {
      const { name, source } = parseBody(NewProject, request.body)
      const project = await service.createProject(name, source && sourceOf(source))
      return reply.code(201).header('location', `/api/projects/${project.id}`).send(project)
    },
  )
  app.get(
    '/api/projects',
    { schema: { summary: 'Projects: searched, filtered, sorted', querystring: ProjectsQuery } },
    async ({ query: { q, status, sort, limit: most, cursor } }) =>
      service.projects({ q, status }, sort, most, cursor ?? null),
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
  app.get(
    WATCHED,
    { schema: { summary: 'Ingestions by their ids, of any projects', querystring: WatchedQuery } },
    async ({ query, principal }) => ({
      items: await service.watched(query.ids, (projectId) => can(principal, 'read', projectStream.name({ projectId }))),
    }),
  )
  app.get(
    '/api/projects/:id/export/ingestions',
    { schema: { summary: 'All ingestions, as CSV or JSON', params: ProjectParams, querystring: ExportQuery } },
    async ({ params, query: { format } }, reply) => {
      await service.project(params.id)
      const document = exportDocument(format, INGESTION_COLUMNS, service.allIngestions(params.id))
      return sendDocument(reply, 'ingestions', format, document)
    },
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
      // Whoever may read the project alone sees how its ingestions stand, and not what they tell.
      demand(request.principal, 'read', stream)
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

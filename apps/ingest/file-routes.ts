import type { Run } from '@holdfast/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { type ExportFormat, exportDocument, FILE_COLUMNS } from './export.ts'
import type { FileFilter } from './file-list.ts'
import type { FilesService } from './files-service.ts'
import { Cursor, Format, Id, limit, ProjectParams } from './route-schemas.ts'
import { type AcceptedView, FILE_SORTS, type RetriedView } from './view.ts'

const Filter = z.object({
  status: z.enum(['found', 'extracted', 'chunked', 'done', 'skipped', 'failed']).optional(),
  code: z.string().max(40).optional(),
  q: z.string().max(500).optional(),
  ingestion: Id.optional(),
})
const sort = z.enum(FILE_SORTS).default('path')
const FilesQuery = Filter.extend({ limit: limit(200, 50), cursor: Cursor, sort })
const ExportQuery = Filter.extend({ format: Format, sort })
const FileParams = z.object({ id: Id, fileId: Id })
const PassagesQuery = z.object({
  limit: limit(100, 20),
  cursor: z
    .string()
    .regex(/^\d{1,9}$/, 'not a cursor')
    .transform(Number)
    .default(-1),
})
const RetrySet = Filter.omit({ status: true })
  .extend({
    scope: z.literal('file'),
    fileIds: z.array(Id).min(1).max(1000).optional(),
    exceptIds: z.array(Id).max(1000).optional(),
  })
  .strict()

/** A project's files: listed, looked at, tried again, taken along. */
export function fileRoutes(fastify: FastifyInstance, files: FilesService): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/projects/:id/files',
    { schema: { summary: 'Files with their status', params: ProjectParams, querystring: FilesQuery } },
    async ({ params, query }) => files.list(params.id, filterOf(query), query.sort, query.limit, query.cursor ?? null),
  )
  app.get(
    '/api/projects/:id/files/:fileId',
    { schema: { summary: 'One file', params: FileParams } },
    async ({ params }) => files.get(params.id, params.fileId),
  )
  app.get(
    '/api/projects/:id/files/:fileId/passages',
    { schema: { summary: 'The passages of one file', params: FileParams, querystring: PassagesQuery } },
    async ({ params, query }) => files.passages(params.id, params.fileId, query.limit, query.cursor),
  )
  app.get(
    '/api/projects/:id/export/files',
    { schema: { summary: 'All files that match, as CSV or JSON', params: ProjectParams, querystring: ExportQuery } },
    async ({ params, query }, reply) => {
      // Refuses what is not there before anything is sent.
      await files.list(params.id, filterOf(query), query.sort, 1, null)
      const batches = files.all(params.id, filterOf(query), query.sort)
      return sendDocument(reply, 'files', query.format, exportDocument(query.format, FILE_COLUMNS, batches))
    },
  )
  app.post(
    '/api/projects/:id/retry',
    { schema: { summary: 'Try the failed files that match again', params: ProjectParams, body: RetrySet } },
    async (request, reply): Promise<RetriedView> => {
      const { params, body } = request
      const started = await files.retry(params.id, { ...filterOf(body), ids: body.fileIds, exceptIds: body.exceptIds })
      const retries = started.map(({ run, files: count }) => ({ ...accepted(params.id, run, request), files: count }))
      reply.code(202)
      return { files: retries.reduce((sum, { files: count }) => sum + count, 0), retries }
    },
  )
}

function filterOf({ status, code, q, ingestion }: z.infer<typeof Filter>): FileFilter {
  return { status, code, q, ingestionId: ingestion }
}

/** Sends a document to be kept, under a name. */
export function sendDocument(
  reply: FastifyReply,
  name: string,
  format: ExportFormat,
  document: ReturnType<typeof exportDocument>,
) {
  return reply
    .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
    .send(document)
}

/** What is answered where an ingestion was queued. */
export function accepted(projectId: string, run: Run, request: FastifyRequest): AcceptedView {
  const path = `/api/projects/${projectId}/progress?ingestion=${run.id}`
  const scheme = request.protocol === 'https' ? 'wss' : 'ws'
  return {
    ingestionId: run.id,
    progressUrl: `${request.protocol}://${request.host}${path}`,
    websocketUrl: `${scheme}://${request.host}${path}`,
  }
}

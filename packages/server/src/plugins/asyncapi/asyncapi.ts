import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { AnyStream } from '../../log/stream-log.ts'
import { asyncApiDocument, asyncApiServers } from './document.ts'
import { SCHEMAS_PATH, schemaDocuments } from './schema-documents.ts'

export interface AsyncApiOptions {
  /** The kinds of streams to be told of. */
  definitions: readonly AnyStream[]
}

/**
 * `/asyncapi.json`: every defined stream, its events and the frames of `/v1/ws`, made of the definitions that also
 * check the events; and each of them as JSON Schema (2020-12) below `/v1/schemas`.
 */
export async function asyncApi(app: FastifyInstance, { definitions }: AsyncApiOptions): Promise<void> {
  const document = asyncApiDocument(definitions)
  const schemas = schemaDocuments(definitions)
  const route = { schema: { hide: true } }

  app.get('/asyncapi.json', route, async (request) => {
    const { asyncapi, info, ...rest } = document
    // HTTP/1.0 names no host.
    const servers = asyncApiServers({ host: request.host || 'localhost', protocol: request.protocol })
    return { asyncapi, info, servers, ...rest }
  })
  app.get(SCHEMAS_PATH, route, async () => ({
    schemas: [...schemas].map(([url, { title }]) => ({ url, title })),
  }))
  app.get(`${SCHEMAS_PATH}/*`, route, async (request, reply) => {
    const path = (request.params as { '*': string })['*']
    const schema = schemas.get(`${SCHEMAS_PATH}/${path}`)
    if (!schema) throw new HoldfastError('NOT_FOUND', `There is no such schema; ${SCHEMAS_PATH} lists them.`)
    return reply.type('application/schema+json').send(schema)
  })
}

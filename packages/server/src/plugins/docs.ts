import swagger from '@fastify/swagger'
import { ERRORS } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import manifest from '../../package.json' with { type: 'json' }

type Transform = typeof jsonSchemaTransform
type Operations = Record<string, { responses?: Record<string, unknown> }>

/**
 * `/openapi.json`: every operation of this server and its apps, made of the schemas that also check the requests.
 * To be registered before the routes it tells of.
 */
export const docs = fastifyPlugin(async (app: FastifyInstance) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Holdfast', version: manifest.version, description: DESCRIPTION },
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              "The operator's token, or one that POST /api/auth/token made: it lets its bearer do what its scopes say.",
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'holdfast_session',
            description: 'What a browser carries once the operator has opened the link the server printed.',
          },
        },
        schemas: { Problem: PROBLEM },
      },
      security: [{ bearer: [] }, { session: [] }],
    },
    transform: ((input: Parameters<Transform>[0]) => {
      const { schema, url } = jsonSchemaTransform(input)
      // OpenAPI knows no parameter that goes over slashes; the description of the operation says that this one does.
      return { schema: { tags: [tagOf(input.url)], ...schema }, url: url.replace(/\*$/, ':name') }
    }) as Transform,
    transformObject: (documented) => {
      if (!('openapiObject' in documented)) return documented.swaggerObject
      const { openapiObject } = documented
      const operations = Object.values(openapiObject.paths ?? {}).flatMap((path) => Object.values(path as Operations))
      for (const operation of operations) operation.responses = { ...operation.responses, default: PROBLEM_RESPONSE }
      return openapiObject
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
})

const DESCRIPTION = `Durable streams, runs and their apps over HTTP.

Every operation wants a principal: the operator's token, or one made by \`POST /api/auth/token\`, as
\`Authorization: Bearer …\`, or the session cookie of a browser that opened the operator's link. Whatever goes wrong is answered as \`application/problem+json\` (RFC 9457)
with a stable \`code\`. What flows over WebSockets and server-sent events is described in packages/protocol/PROTOCOL.md;
every stream and its events in /asyncapi.json, and as JSON Schema below /v1/schemas.`

const kinds = [...new Set(Object.values(ERRORS).map(({ kind }) => kind))]

const PROBLEM = {
  type: 'object' as const,
  required: ['type', 'title', 'status', 'detail', 'code', 'kind', 'retry'],
  properties: {
    type: { type: 'string' as const, format: 'uri' },
    title: { type: 'string' as const },
    status: { type: 'integer' as const },
    detail: { type: 'string' as const },
    code: { type: 'string' as const, enum: Object.keys(ERRORS) },
    kind: { type: 'string' as const, enum: kinds },
    retry: { type: 'boolean' as const, description: 'Whether the same request can succeed later.' },
    retryAfter: { type: 'number' as const, description: 'Seconds.' },
    errors: {
      type: 'array' as const,
      items: {
        type: 'object' as const,
        required: ['field', 'message'],
        properties: { field: { type: 'string' as const }, message: { type: 'string' as const } },
      },
    },
    current: { description: 'How the thing stands now, where the request did not fit that.' },
    requestId: { type: 'string' as const },
  },
}

const PROBLEM_RESPONSE = {
  description: 'What went wrong',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** `/api/projects/:id/files` belongs to `projects`, `/v1/stream/*` to `stream`. */
function tagOf(url: string): string {
  const [, first = '', second = first] = url.split('/')
  return second
}

import { ERRORS, type FieldError, HoldfastError } from '@holdfast/protocol'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'

/** One error format for everything that goes wrong: RFC 9457, with our code, and a request id to ask about. */
export const problems = fastifyPlugin(async (app: FastifyInstance) => {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(request, reply, toHoldfastError(error)))
  app.setNotFoundHandler((request, reply) => {
    sendProblem(
      request,
      reply,
      new HoldfastError('NOT_FOUND', `There is nothing at ${request.method} ${pathOf(request)}.`),
    )
  })
})

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: HoldfastError): void {
  const { status } = ERRORS[error.code]
  if (status >= 500) request.log.error({ err: error, code: error.code }, error.message)
  if (error.retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfter)))
  if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
  reply.code(status).header('cache-control', 'no-store').type('application/problem+json')
  // Serialised here: a route's response schema speaks of its successes.
  reply.serializer((value) => JSON.stringify(value)).send(error.toProblem(request.id))
}

/** Whatever was thrown, as one of ours; what we do not know says nothing of itself to the outside. */
export function toHoldfastError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }): FieldError => {
      return { field: fieldName(instancePath), message: message ?? 'not valid' }
    })
    const named = errors.map(({ field, message }) => (field ? `${field}: ${message}` : message))
    return new HoldfastError('INVALID_INPUT', named.join('; ').slice(0, 500), { errors, cause: error })
  }
  const { statusCode, code, message } = error as Partial<FastifyError>
  if (statusCode === 413 || code === 'FST_REQ_FILE_TOO_LARGE') return new HoldfastError('TOO_LARGE', message)
  if (statusCode === 415) return new HoldfastError('UNSUPPORTED_MEDIA_TYPE', message)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HoldfastError('INVALID_INPUT', message, { cause: error })
  }
  return new HoldfastError('INTERNAL_ERROR', undefined, { cause: error })
}

/** `/files/2/name` (JSON pointer) as `files[2].name`. */
function fieldName(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .reduce((text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '')
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? ''
}

import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
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

/** A request that no route is looked for: its path cannot be read. For Fastify's `frameworkErrors`. */
export function answerUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { headers, socket } = request.raw
  // It runs no hooks, and without them nobody lets go of the connection of an upgrade.
  if (headers.upgrade !== undefined) reply.raw.once('finish', () => socket.destroySoon())
  sendProblem(request, reply, toHoldfastError(error))
}

/**
 * Bytes that are no HTTP, or more of it than is taken in: a problem too, and the connection ends. For Fastify's
 * `clientErrorHandler`. Source: Node.js, http, event 'clientError'.
 */
export function answerMalformed({ code }: Error & { code?: string }, socket: Duplex): void {
  // Within another answer nothing may be said.
  if (code === 'ECONNRESET' || isAnswering(socket)) socket.destroy()
  else endWithProblem(socket, malformed(code))
}

/** Whether an answer is on its way on this connection. */
export function isAnswering(socket: Duplex): boolean {
  const { _httpMessage }: { _httpMessage?: unknown } = Object(socket)
  return Boolean(_httpMessage)
}

/** A problem on a connection that is no request's (any more), which ends with it. */
export function endWithProblem(socket: Duplex, error: HoldfastError, headers: readonly string[] = []): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const problem = error.toProblem()
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
    ...headers,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function malformed(code: string | undefined): HoldfastError {
  if (code === 'HPE_HEADER_OVERFLOW') return new HoldfastError('TOO_LARGE', 'The head of the request is too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new HoldfastError('INVALID_INPUT', 'The request did not come in time.')
  return new HoldfastError('INVALID_INPUT', 'That is no HTTP request.')
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: HoldfastError): void {
  const { status, kind } = ERRORS[error.code]
  // A full disk or a store that is away meets every request: one line each, without a stack.
  if (kind === 'unavailable') request.log.warn({ code: error.code }, error.message)
  else if (status >= 500) request.log.error({ err: error, code: error.code }, error.message)
  if (error.code === 'FORBIDDEN' && request.principal) {
    const { principal, method, ip } = request
    const refusal = { security: 'access_refused', principal: principal.id, method, path: pathOf(request), ip }
    request.log.warn(refusal, error.message)
  }
  if (error.retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfter)))
  if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer')
  reply.code(status).header('cache-control', 'no-store').type('application/problem+json')
  // Serialised here: a route's response schema speaks of its successes.
  reply.serializer((value) => JSON.stringify(value)).send(told(error).toProblem(request.id))
}

/** An error of our own (a statement the store refuses) says to the outside nothing of the inside; the log has it. */
function told(error: HoldfastError): HoldfastError {
  return error.code === 'INTERNAL_ERROR' ? new HoldfastError('INTERNAL_ERROR') : error
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

import type { IncomingHttpHeaders } from 'node:http'
import { HoldfastError } from '@holdfast/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StreamConfig } from '../../log/stream-log.ts'
import { checkContentType, DEFAULT_CONTENT_TYPE } from '../content/media-type.ts'
import { toMessages } from '../content/message-bodies.ts'
import { checkStreamName } from '../read-request.ts'
import { asksToClose, headerOf, integer, lifetimeOf } from './request-headers.ts'
import { bodyOf, existing, type StreamHttp, streamOf } from './stream-http.ts'

const PREFIX = '/v1/stream/'

/** PUT: makes a stream, or makes sure that it is like that. Source: Durable Streams PROTOCOL.md, 5.1 and 4.2. */
export async function createStream(http: StreamHttp, request: FastifyRequest, reply: FastifyReply) {
  const name = streamOf(http, request, 'manage')
  http.outside.demandUndefined(name)
  const { headers } = request
  const fork = forkOf(headers)
  if (fork) http.authorize(request, 'read', fork.source)
  const contentType =
    contentTypeOf(headers) ?? (fork ? (await existing(http, fork.source)).contentType : DEFAULT_CONTENT_TYPE)
  const messages = toMessages(contentType, bodyOf(request), http.limits.appendMessages)
  const config: StreamConfig = { contentType, messages, sealed: asksToClose(headers), ...lifetimeOf(headers) }
  const { info, created } = await http.log.ensure(name, fork ? { ...config, fork } : config)
  reply.header('content-type', info.contentType).header('stream-next-offset', info.tail)
  if (info.sealed) reply.header('stream-closed', 'true')
  if (created) reply.header('location', `${request.protocol}://${request.host}${request.url.split('?')[0]}`)
  reply.header('cache-control', 'no-store')
  return reply.code(created ? 201 : 200).send()
}

function contentTypeOf(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['content-type']
  return value === undefined || value === '' ? undefined : checkContentType(value)
}

function forkOf(headers: IncomingHttpHeaders): StreamConfig['fork'] {
  const path = headerOf(headers, 'stream-forked-from')
  const offset = headerOf(headers, 'stream-fork-offset')
  const subOffset = headerOf(headers, 'stream-fork-sub-offset')
  if (path === undefined) {
    if (offset === undefined && subOffset === undefined) return undefined
    throw new HoldfastError('INVALID_INPUT', 'A place to fork from needs Stream-Forked-From.')
  }
  return {
    source: sourceOf(path),
    ...(offset === undefined ? {} : { offset }),
    ...(subOffset === undefined ? {} : { subOffset: integer('Stream-Fork-Sub-Offset', subOffset) }),
  }
}

function sourceOf(path: string): string {
  if (!path.startsWith(PREFIX)) throw new HoldfastError('NOT_FOUND', 'A fork is made of a stream of this server.')
  try {
    return checkStreamName(decodeURIComponent(path.slice(PREFIX.length)))
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', 'Stream-Forked-From cannot be the path of a stream.', { cause })
  }
}

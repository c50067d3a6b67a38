import type { FastifyReply, FastifyRequest } from 'fastify'
import { existing, type StreamHttp, streamOf } from './stream-http.ts'

/** DELETE: the stream and what is in it, for good. Source: Durable Streams PROTOCOL.md, 5.4. */
export async function removeStream(http: StreamHttp, request: FastifyRequest, reply: FastifyReply) {
  const name = streamOf(http, request, 'manage')
  http.outside.demandUndefined(name)
  await http.log.remove(name)
  return reply.code(204).header('cache-control', 'no-store').send()
}

/** HEAD: where the stream stands and what it was made as; does not count as use. Source: the same, 5.5. */
export async function describeStream(http: StreamHttp, request: FastifyRequest, reply: FastifyReply) {
  const info = await existing(http, streamOf(http, request, 'read'))
  reply.header('content-type', info.contentType).header('stream-next-offset', info.tail)
  if (info.ttl !== null) reply.header('stream-ttl', info.ttl)
  if (info.expiresAt !== null) reply.header('stream-expires-at', new Date(info.expiresAt).toISOString())
  if (info.sealed) reply.header('stream-closed', 'true')
  return reply.header('cache-control', 'no-store').send()
}

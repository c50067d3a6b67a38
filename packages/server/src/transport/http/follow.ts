import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sseFormOf } from '../content/media-type.ts'
import { type ReadRequest, resolveRead } from '../read-request.ts'
import { SseSession } from '../sse-session.ts'
import { headerOf } from './request-headers.ts'
import type { StreamHttp, StreamQuery } from './stream-http.ts'

/** GET with `live=sse`, or as an EventSource asks: the stream as server-sent events. */
export async function followStream(http: StreamHttp, name: string, request: FastifyRequest, reply: FastifyReply) {
  const query = request.query as StreamQuery
  // An EventSource comes back to the URL it began with, whose offset is long behind it.
  const lastEventId = headerOf(request.headers, 'last-event-id') || undefined
  const read = await resolveRead(http.log, name, lastEventId ?? query.offset)
  http.log.touch(read.info)
  // It also comes back after the end of a stream; 204 is how it is told to stay away.
  // Source: WHATWG HTML, 9.2.3: any status but 200 with the right type fails the connection for good.
  const atEnd = read.info.sealed && read.from === read.info.tail
  if (atEnd && lastEventId !== undefined) {
    reply.header('stream-closed', 'true').header('stream-next-offset', read.info.tail)
    return reply.code(204).header('cache-control', 'no-store').send()
  }
  open(http, read, query.cursor, request, reply)
  return reply
}

function open(
  http: StreamHttp,
  { info, from }: ReadRequest,
  cursor: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { hub, onFault, clock, random, encoder } = http
  const form = sseFormOf(info.contentType)
  const session = new SseSession(reply.raw, {
    hub,
    onFault,
    clock,
    random,
    encoder,
    stream: info.name,
    form,
    from,
    cursor,
    rotationMs: http.sseRotationMs,
  })
  // Whoever left while the stream was looked up is not heard to close any more.
  const forget = reply.raw.destroyed ? null : http.sessions.add(session, request)
  reply.hijack()
  if (!forget) return
  reply.raw.once('close', forget)
  session.open({
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-store',
    // A proxy that buffers would keep the events to itself. Source: nginx, proxy_buffering.
    'x-accel-buffering': 'no',
    ...(form === 'base64' ? { 'stream-sse-data-encoding': 'base64' } : {}),
  })
}

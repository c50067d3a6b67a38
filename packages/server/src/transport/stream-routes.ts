import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { append } from './http/append.ts'
import { createStream } from './http/create-stream.ts'
import { readStream } from './http/read.ts'
import { describeStream, removeStream } from './http/remove-stream.ts'
import { type StreamHttp, type StreamQuery, streamOf } from './http/stream-http.ts'
import { type ReadRequest, resolveRead } from './read-request.ts'

const ALLOW = 'GET, HEAD, POST, PUT, DELETE, OPTIONS'

/**
 * `/v1/stream/<name>`: Durable Streams over HTTP, and a WebSocket on the same URL. To be registered with the prefix
 * `/v1/stream`.
 */
export async function streamRoutes(app: FastifyInstance, http: StreamHttp): Promise<void> {
  // A stream takes the bytes as they come, whatever their type is; what they are is decided by the stream's own.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: http.limits.requestBytes }, (_, body, done) =>
    done(null, body),
  )
  app.setNotFoundHandler((request, reply) => {
    if (ALLOW.split(', ').includes(request.method)) throw new HoldfastError('NOT_FOUND', 'A stream has a name.')
    reply.header('allow', ALLOW)
    throw new HoldfastError('METHOD_NOT_ALLOWED', `${request.method} is nothing a stream can do.`)
  })
  const reads = new WeakMap<FastifyRequest, ReadRequest>()
  const url = '/*'
  const bodyLimit = http.limits.requestBytes
  app.route({
    method: 'HEAD',
    url,
    schema: DOCS.head,
    handler: (request, reply) => describeStream(http, request, reply),
  })
  app.route({
    method: 'GET',
    url,
    config: { tokenInQuery: true },
    schema: DOCS.get,
    exposeHeadRoute: false,
    // Before the upgrade, so that a refusal is an HTTP answer.
    preHandler: async (request) => {
      if (request.ws)
        reads.set(request, await resolveRead(http.log, streamOf(http, request, 'read'), offsetOf(request)))
    },
    handler: (request, reply) => readStream(http, request, reply),
    wsHandler: (socket, request) => {
      const read = reads.get(request)
      if (!read) return
      http.log.touch(read.info)
      http.sessions.openSocket(socket, request, read)
    },
  })
  app.route({
    method: 'PUT',
    url,
    bodyLimit,
    schema: DOCS.put,
    handler: (request, reply) => createStream(http, request, reply),
  })
  app.route({
    method: 'POST',
    url,
    bodyLimit,
    config: { frequent: true },
    schema: DOCS.post,
    handler: (request, reply) => append(http, request, reply),
  })
  app.route({
    method: 'DELETE',
    url,
    schema: DOCS.delete,
    handler: (request, reply) => removeStream(http, request, reply),
  })
  app.route({
    method: 'OPTIONS',
    url,
    config: { public: true },
    schema: DOCS.options,
    handler: (_, reply) => reply.code(204).header('allow', ALLOW).header('cache-control', 'no-store').send(),
  })
}

function offsetOf(request: FastifyRequest): unknown {
  return (request.query as StreamQuery).offset
}

const NAME = 'The name may hold slashes. See packages/protocol/PROTOCOL.md.'

const DOCS = {
  get: {
    summary: "A stream's events from an offset; live with Accept: text/event-stream or by WebSocket",
    description: `\`?offset=\` is where to read from: an offset of this stream, \`-1\` for its start (the default), \`now\` for
its tail. \`?live=long-poll\` waits for what comes next, \`?live=sse\` follows as server-sent events; both want an
offset. \`?view=state\` answers the folded state instead. ${NAME}`,
  },
  head: {
    summary: 'Where a stream stands and what it was made as',
    description: `Content-Type, Stream-Next-Offset, and where they apply Stream-Closed, Stream-TTL and Stream-Expires-At. ${NAME}`,
  },
  put: {
    summary: 'Make a stream, or make sure that it is like that',
    description: `Content-Type is the stream's (default application/octet-stream), the body its first content. Stream-TTL
(seconds after its last use) or Stream-Expires-At (RFC 3339) end its life, Stream-Closed: true makes it complete,
Stream-Forked-From with Stream-Fork-Offset and Stream-Fork-Sub-Offset continues another stream's history. 409 where it
exists and is otherwise. ${NAME}`,
  },
  post: {
    summary: 'Append to a stream, end it, or both',
    description: `Content-Type must be the stream's; a JSON array is as many messages as it has elements. Stream-Closed: true ends the
stream, also without a body. Producer-Id, Producer-Epoch and Producer-Seq make a repetition harmless; Stream-Seq must
grow. A stream of a defined kind takes its own events, where its definition lets clients append. ${NAME}`,
  },
  delete: {
    summary: 'Delete a stream and what is in it',
    description: `While forks stand on it their part is kept and the name stays taken (410). ${NAME}`,
  },
  options: {
    summary: 'What may be asked of a stream, and from which pages',
    description: `Public; answers a browser's preflight request. ${NAME}`,
  },
}

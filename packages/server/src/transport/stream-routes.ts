import { HoldfastError } from '@holdfast/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { StreamLog } from '../log/stream-log.ts'
import type { StreamRegistry } from '../log/stream-registry.ts'
import { type ReadRequest, resolveRead } from './read-request.ts'
import type { Sessions } from './sessions.ts'
import { frameEncoding } from './socket-session.ts'

export interface StreamRoutesOptions {
  log: StreamLog
  registry: StreamRegistry
  sessions: Sessions
  /** Throws FORBIDDEN unless whoever asks may read the stream. */
  authorize: (request: FastifyRequest, action: 'read', stream: string) => void
}

interface StreamQuery {
  offset?: unknown
  live?: unknown
  view?: unknown
}

/** `/v1/stream/<name>`: catch up by GET, follow by server-sent events or WebSocket, or take the folded state. */
export async function streamRoutes(app: FastifyInstance, options: StreamRoutesOptions): Promise<void> {
  const { log, registry, sessions, authorize } = options
  const reads = new WeakMap<FastifyRequest, ReadRequest>()

  // Before the upgrade, so that a refusal is an HTTP answer.
  const check = async (request: FastifyRequest) => {
    const name = streamName(request)
    authorize(request, 'read', name)
    const query = request.query as StreamQuery
    // An EventSource comes back to the URL it began with, whose offset is long behind it.
    const lastEventId = request.headers['last-event-id']
    reads.set(request, await resolveRead(log, name, lastEventId ?? query.offset))
  }
  const readOf = (request: FastifyRequest): ReadRequest => {
    const read = reads.get(request)
    if (!read) throw new HoldfastError('INTERNAL_ERROR')
    return read
  }

  app.route({
    method: 'GET',
    url: '/v1/stream/*',
    schema: { summary: SUMMARY, description: DESCRIPTION },
    preHandler: check,
    handler: async (request, reply) => {
      const { view, live } = request.query as StreamQuery
      const read = readOf(request)
      if (view === 'state') return sendState(reply, log, registry, read)
      if (view !== undefined) throw new HoldfastError('INVALID_INPUT', 'The only view is "state".')
      if (live === 'sse' || (live === undefined && wantsEvents(request))) return follow(request, reply, sessions, read)
      if (live !== undefined) throw new HoldfastError('INVALID_INPUT', 'Live reading is "sse" or a WebSocket.')
      return catchUp(reply, log, read)
    },
    wsHandler: (socket, request) => sessions.openSocket(socket, readOf(request), frameEncoding),
  })
}

const SUMMARY = "A stream's events from an offset; live with Accept: text/event-stream or by WebSocket"
const DESCRIPTION = `The name may hold slashes. \`?offset=\` is where to read from: an offset of this stream, \`-1\` for its
start (the default), \`now\` for its tail. \`?view=state\` answers the folded state instead. See
packages/protocol/PROTOCOL.md.`

async function catchUp(reply: FastifyReply, log: StreamLog, { info, from }: ReadRequest) {
  const page = await log.read(info.name, from)
  reply.header('stream-next-offset', page.offset)
  if (page.upToDate) reply.header('stream-up-to-date', 'true')
  if (page.sealed) reply.header('stream-closed', 'true')
  reply.header('cache-control', 'no-store')
  return reply.type('application/json').send(`[${page.events.join(',')}]`)
}

async function sendState(reply: FastifyReply, log: StreamLog, registry: StreamRegistry, { info }: ReadRequest) {
  const definition = registry.find(info.name)
  if (!definition) throw new HoldfastError('NO_FOLD', `The stream "${info.name}" is not of a defined kind.`)
  const { state, offset, version, sealed } = await log.state(definition, info.name)
  reply.header('cache-control', 'no-store')
  return reply.send({ state, offset, version, sealed })
}

function follow(request: FastifyRequest, reply: FastifyReply, sessions: Sessions, read: ReadRequest): unknown {
  // A plain EventSource comes back after the end of a stream; 204 is how it is told to stay away.
  // Source: WHATWG HTML, 9.2.3: any status but 200 with the right type fails the connection for good.
  const atEnd = read.info.sealed && read.from === read.info.tail
  const resumed = request.headers['last-event-id'] !== undefined
  if (atEnd && resumed) return reply.code(204).header('stream-closed', 'true').send()
  if (request.method === 'HEAD') return reply.type('text/event-stream').header('cache-control', 'no-store').send('')
  sessions.openSse(reply, read)
  return reply
}

function wantsEvents(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream')
}

function streamName(request: FastifyRequest): string {
  return (request.params as { '*': string })['*']
}

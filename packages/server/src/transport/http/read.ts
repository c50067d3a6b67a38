import { HoldfastError, OFFSET_NOW, OFFSET_START, type Offset, parseOffset } from '@holdfast/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StreamInfo } from '../../log/stream-log.ts'
import { isJson } from '../content/media-type.ts'
import { toBody } from '../content/message-bodies.ts'
import { etagOf, matchesEtag } from './etag.ts'
import { followStream } from './follow.ts'
import { longPoll } from './long-poll.ts'
import { setPageHeaders } from './page-headers.ts'
import { existing, type StreamHttp, type StreamQuery, streamOf } from './stream-http.ts'

// What one answer holds at most; at least one message, however large.
const PAGE = { maxEvents: 1_000, maxLength: 1_048_576 }
// What can never change: a stretch named by its offset that is not the stream's open end.
const CACHED = 'private, max-age=60, stale-while-revalidate=300'
// What can: asked again each time, and answered with 304 while it has not.
const ASKED_AGAIN = 'private, no-cache'

/** GET: catch up, follow, or take the state. Source: Durable Streams PROTOCOL.md, 5.6 to 5.8. */
export async function readStream(http: StreamHttp, request: FastifyRequest, reply: FastifyReply) {
  const name = streamOf(http, request, 'read')
  const { view, live, offset } = request.query as StreamQuery
  if (view === 'state') return sendState(http, name, reply)
  if (view !== undefined) throw new HoldfastError('INVALID_INPUT', 'The only view is "state".')
  const follows = live === 'sse' || (live === undefined && wantsEvents(request))
  if (live !== undefined && live !== 'sse' && live !== 'long-poll') {
    throw new HoldfastError('INVALID_INPUT', 'Live reading is "sse", "long-poll" or a WebSocket.')
  }
  if (live !== undefined && offset === undefined) {
    throw new HoldfastError('INVALID_INPUT', 'Live reading begins at an offset; -1 is the start.')
  }
  if (follows) return followStream(http, name, request, reply)
  const from = startOf(offset)
  const info = await existing(http, name)
  http.log.touch(info)
  if (live === 'long-poll') return longPoll(http, info, from, request, reply)
  if (from === OFFSET_NOW) return sendTail(info, reply)
  return sendPage(http, info, from, request, reply)
}

/** Where to read from: `null` for the start, or `now`. Throws INVALID_OFFSET for what is no offset. */
function startOf(offset: unknown): Offset | null {
  if (offset === undefined || offset === OFFSET_START) return null
  if (typeof offset !== 'string') throw new HoldfastError('INVALID_OFFSET', 'One offset, please.')
  if (offset === OFFSET_NOW || parseOffset(offset)) return offset
  throw new HoldfastError('INVALID_OFFSET', `"${offset.slice(0, 80)}" is not an offset.`)
}

async function sendPage(
  http: StreamHttp,
  info: StreamInfo,
  from: Offset | null,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = await http.log.read(info.name, from, PAGE)
  if (parseOffset(page.offset)?.incarnation !== info.incarnation) {
    // Deleted and made again between the two looks.
    return sendPage(http, await existing(http, info.name), from, request, reply)
  }
  const isOpenEnd = page.upToDate && !page.sealed
  reply.header('cache-control', from === null || isOpenEnd ? ASKED_AGAIN : CACHED)
  reply.header('vary', 'Accept, Authorization, Cookie, Origin')
  setPageHeaders(reply, info, page)
  const unchanged = matchesEtag(request.headers['if-none-match'], etagOf(page))
  return unchanged ? reply.code(304).send() : reply.send(toBody(info.contentType, page.events))
}

/** `now`: where the tail is, and nothing of what lies before it. */
function sendTail(info: StreamInfo, reply: FastifyReply): FastifyReply {
  reply.header('content-type', info.contentType).header('stream-next-offset', info.tail)
  reply.header('stream-up-to-date', 'true').header('cache-control', 'no-store')
  if (info.sealed) reply.header('stream-closed', 'true')
  return reply.send(Buffer.from(isJson(info.contentType) ? '[]' : ''))
}

async function sendState(http: StreamHttp, name: string, reply: FastifyReply): Promise<FastifyReply> {
  const info = await existing(http, name)
  const definition = http.registry.find(name)
  if (!definition) throw new HoldfastError('NO_FOLD', `The stream "${name}" is not of a defined kind.`)
  http.log.touch(info)
  const { state, offset, version, sealed } = await http.log.state(definition, name)
  return reply.header('cache-control', 'no-store').send({ state, offset, version, sealed })
}

function wantsEvents(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream')
}

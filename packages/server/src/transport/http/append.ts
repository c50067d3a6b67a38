import { HoldfastError, isHoldfastError } from '@holdfast/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AppendOutcome, AppendRequest } from '../../log/stream-log.ts'
import { isJson } from '../content/media-type.ts'
import { toMessages } from '../content/message-bodies.ts'
import { asksToClose, producerOf, streamSeqOf } from './request-headers.ts'
import { bodyOf, existing, type StreamHttp, streamOf } from './stream-http.ts'

/** POST: appends, ends the stream, or both at once. Source: Durable Streams PROTOCOL.md, 5.2 and 5.3. */
export async function append(http: StreamHttp, request: FastifyRequest, reply: FastifyReply) {
  const name = streamOf(http, request, 'append')
  reply.header('cache-control', 'no-store')
  const asked = await appendRequestOf(http, name, request, reply)
  const outcome = await http.outside.append(name, asked)
  return answer(reply, outcome, asked)
}

async function appendRequestOf(
  http: StreamHttp,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<AppendRequest> {
  const { headers } = request
  const body = bodyOf(request)
  const seal = asksToClose(headers)
  const producer = producerOf(headers)
  const streamSeq = streamSeqOf(headers)
  const order = { seal, ...(producer && { producer }), ...(streamSeq !== undefined && { streamSeq }) }
  if (body.length === 0) {
    if (seal) return { messages: [], ...order }
    throw new HoldfastError('INVALID_INPUT', 'There is nothing to append; Stream-Closed: true alone ends a stream.')
  }
  const contentType = headers['content-type']
  if (!contentType) throw new HoldfastError('INVALID_INPUT', 'Content-Type says what is appended; it is missing.')
  try {
    const messages = toMessages(contentType, body, http.limits.appendMessages)
    if (messages.length > 0) return { messages, contentType, ...order }
    throw new HoldfastError('INVALID_INPUT', 'An empty array appends nothing.')
  } catch (error) {
    if (isHoldfastError(error, 'INVALID_INPUT')) await demandTaker(http, name, contentType, reply)
    throw error
  }
}

/**
 * A body that is no JSON may have been meant for a stream that takes no JSON, has ended, or is not there; those
 * answers go before. Looked up only then, so that a good append costs no read.
 */
async function demandTaker(http: StreamHttp, name: string, contentType: string, reply: FastifyReply): Promise<void> {
  const info = await existing(http, name)
  if (info.sealed) throw refusal(reply, { type: 'sealed', tail: info.tail })
  if (!isJson(contentType) || isJson(info.contentType)) return
  throw refusal(reply, { type: 'content_type_mismatch', contentType: info.contentType })
}

function answer(reply: FastifyReply, outcome: AppendOutcome, { producer, messages }: AppendRequest): FastifyReply {
  if (outcome.type !== 'appended' && outcome.type !== 'duplicate') throw refusal(reply, outcome)
  const isNew = outcome.type === 'appended'
  reply.header('stream-next-offset', outcome.tail)
  if (outcome.sealed) reply.header('stream-closed', 'true')
  if (!producer) return reply.code(204).send()
  const seq = isNew ? producer.seq : (outcome.seq ?? producer.seq)
  reply.header('producer-epoch', producer.epoch).header('producer-seq', seq)
  return reply.code(isNew && messages.length > 0 ? 200 : 204).send()
}

type Refusal = Exclude<AppendOutcome, { type: 'appended' | 'duplicate' }>

/** Sets the headers a refusal comes with, and gives the error to throw. */
function refusal(reply: FastifyReply, outcome: Refusal): HoldfastError {
  switch (outcome.type) {
    case 'sealed':
      reply.header('stream-next-offset', outcome.tail).header('stream-closed', 'true')
      return new HoldfastError('STREAM_SEALED')
    case 'content_type_mismatch':
      return new HoldfastError('CONTENT_TYPE_MISMATCH', `The stream takes ${outcome.contentType}.`)
    case 'producer_fenced':
      reply.header('producer-epoch', outcome.epoch)
      return new HoldfastError('PRODUCER_FENCED', `Epoch ${outcome.epoch} has begun.`)
    case 'producer_gap':
      reply.header('producer-expected-seq', outcome.expected).header('producer-received-seq', outcome.received)
      return new HoldfastError('PRODUCER_GAP', `Number ${outcome.expected} comes before ${outcome.received}.`)
    case 'producer_epoch_start':
      return new HoldfastError('INVALID_INPUT', 'A new epoch begins with Producer-Seq 0.')
    case 'sequence_conflict':
      return new HoldfastError('SEQUENCE_CONFLICT', `Stream-Seq is not greater than "${outcome.last}".`)
  }
}

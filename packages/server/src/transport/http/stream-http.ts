import { type Clock, HoldfastError } from '@holdfast/protocol'
import type { FastifyRequest } from 'fastify'
import type { OnFault } from '../../hub/faults.ts'
import type { Hub } from '../../hub/hub.ts'
import type { StreamInfo, StreamLog } from '../../log/stream-log.ts'
import type { StreamRegistry } from '../../log/stream-registry.ts'
import type { Limits } from '../limits.ts'
import type { OutsideAppend } from '../outside-append.ts'
import { checkStreamName } from '../read-request.ts'
import type { Sessions } from '../sessions.ts'
import type { SseEncoder } from './sse-encoding.ts'

/** What the handlers of a stream's URL stand on. */
export interface StreamHttp {
  log: StreamLog
  hub: Hub
  onFault: OnFault
  registry: StreamRegistry
  sessions: Sessions
  outside: OutsideAppend
  encoder: SseEncoder
  limits: Limits
  clock: Clock
  /** Evenly spread from 0 to below 1. */
  random: () => number
  /** How long a long-poll waits, in milliseconds. */
  longPollMs: number
  /** About how long a response of server-sent events lasts, in milliseconds. */
  sseRotationMs: number
  /** Throws FORBIDDEN unless whoever asks may do that to the stream. */
  authorize: (request: FastifyRequest, action: 'read' | 'append' | 'manage', stream: string) => void
}

export interface StreamQuery {
  offset?: unknown
  live?: unknown
  view?: unknown
  cursor?: unknown
}

/** The stream a request is about; throws INVALID_INPUT for no name, FORBIDDEN for what may not be done. */
export function streamOf(
  { authorize }: StreamHttp,
  request: FastifyRequest,
  action: 'read' | 'append' | 'manage',
): string {
  const name = checkStreamName((request.params as { '*': string })['*'])
  authorize(request, action, name)
  return name
}

/** Throws NOT_FOUND where there is no such stream, STREAM_GONE where it was deleted under its forks. */
export async function existing({ log }: StreamHttp, name: string): Promise<StreamInfo> {
  const info = await log.info(name)
  if (!info) throw new HoldfastError('NOT_FOUND', `There is no stream "${name}".`)
  return info
}

/** The bytes of a request; none where it has no body. Throws UNSUPPORTED_MEDIA_TYPE where they are not the bytes meant. */
export function bodyOf(request: FastifyRequest): Buffer {
  const coding = request.headers['content-encoding']
  if (coding !== undefined && coding !== 'identity') {
    throw new HoldfastError('UNSUPPORTED_MEDIA_TYPE', `A body comes as it is, not in "${coding.slice(0, 80)}".`)
  }
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
}

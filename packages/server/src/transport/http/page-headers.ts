import type { FastifyReply } from 'fastify'
import type { LogPage, StreamInfo } from '../../log/stream-log.ts'
import { etagOf } from './etag.ts'

/** What every answer with events says of them. */
export function setPageHeaders(reply: FastifyReply, info: StreamInfo, page: Omit<LogPage, 'events'>): void {
  reply.header('content-type', info.contentType).header('stream-next-offset', page.offset)
  if (page.upToDate) reply.header('stream-up-to-date', 'true')
  if (page.sealed) reply.header('stream-closed', 'true')
  reply.header('etag', etagOf(page))
}

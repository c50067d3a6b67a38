import { HoldfastError, OFFSET_NOW, OFFSET_START, type Offset } from '@holdfast/protocol'
import type { StreamInfo, StreamLog } from '../log/stream-log.ts'
import { isStreamName, STREAM_NAME } from '../log/stream-name.ts'

/** A reader's wish, checked: which stream, and from where (`null`: its start). */
export interface ReadRequest {
  info: StreamInfo
  from: Offset | null
}

/** Throws INVALID_INPUT unless `name` can be a stream's. */
export function checkStreamName(name: string): string {
  if (!isStreamName(name)) {
    throw new HoldfastError('INVALID_INPUT', `That cannot be the name of a stream: ${STREAM_NAME.words}.`)
  }
  return name
}

/**
 * The place to read from: an offset as given in the URL or as `Last-Event-ID`, checked against the stream before the
 * first byte is answered, so that a refusal is an HTTP status and not a broken stream.
 */
export async function resolveRead(log: StreamLog, name: string, offset: unknown): Promise<ReadRequest> {
  const info = await log.info(checkStreamName(name))
  if (!info) throw new HoldfastError('NOT_FOUND', `There is no stream "${name}".`)
  if (offset === undefined || offset === OFFSET_START) return { info, from: null }
  if (typeof offset !== 'string') throw new HoldfastError('INVALID_OFFSET', 'One offset, please.')
  if (offset === OFFSET_NOW) return { info, from: info.tail }
  // Reading one event is the check: another history, or a place beyond the tail, is refused here.
  await log.read(name, offset, { maxEvents: 1 })
  return { info, from: offset }
}

import { HoldfastError } from '@holdfast/protocol'

/** How the events of a stream stand in a `data` event of server-sent events. */
export type SseForm = 'json' | 'text' | 'base64'

// type "/" subtype, then whatever parameters in printable ASCII. Source: RFC 9110, 8.3.1 and 5.6.2.
const CONTENT_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+[ \t]*(?:;[\t\x20-\x7e]*)?$/
const MAX_LENGTH = 255

/** What a stream is made as where nobody says it. Source: Durable Streams PROTOCOL.md, 5.1. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'

/** The media type alone: lower case, without parameters. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

/** Whether messages keep their bounds (JSON mode). `application/ld+json` and its like are bytes. */
export function isJson(contentType: string): boolean {
  return contentType === 'application/json' || mediaTypeOf(contentType) === 'application/json'
}

/** Source: Durable Streams PROTOCOL.md, 5.8. */
export function sseFormOf(contentType: string): SseForm {
  if (isJson(contentType)) return 'json'
  return mediaTypeOf(contentType).startsWith('text/') ? 'text' : 'base64'
}

/** Throws UNSUPPORTED_MEDIA_TYPE unless `value` has the shape of a media type and can stand in a header. */
export function checkContentType(value: string): string {
  if (value.length > MAX_LENGTH || !CONTENT_TYPE.test(value)) {
    throw new HoldfastError('UNSUPPORTED_MEDIA_TYPE', 'Content-Type is no media type.')
  }
  return value
}

/**
 * What a stream's name may be: segments as in a path, so that it can stand in a URL and in a file name without escaping.
 * The pattern is one for PostgreSQL as well.
 */
export const STREAM_NAME = {
  pattern: '^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*)*$',
  maxLength: 512,
  /** For people. */
  words: 'segments of letters, digits and . _ ~ -, parted by slashes',
} as const

const NAME = new RegExp(STREAM_NAME.pattern)

export function isStreamName(text: string): boolean {
  return text.length <= STREAM_NAME.maxLength && NAME.test(text)
}

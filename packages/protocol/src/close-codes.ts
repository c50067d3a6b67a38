interface CloseEntry {
  code: number
  reason: string
  /** Whether a client should come back, with its last offset. */
  reconnect: boolean
}

/**
 * WebSocket close codes. The range decides, so that a client needs no table: 4000 to 4499 come back with your last
 * offset, 4500 to 4999 do not. Codes below 4000 are RFC 6455's own; 1008, 1009 and 1003 mean do not come back with
 * the same message, everything else there means come back.
 */
export const CLOSE = {
  DRAINING: { code: 4000, reason: 'the server restarts', reconnect: true },
  UNAVAILABLE: { code: 4001, reason: 'the stream could not be read just now', reconnect: true },
  TOO_SLOW: { code: 4002, reason: 'nothing was taken for too long', reconnect: true },
  KICKED: { code: 4003, reason: 'the operator ended this connection', reconnect: true },
  TOKEN_EXPIRED: { code: 4004, reason: 'the token has expired', reconnect: true },
  COMPLETED: { code: 4500, reason: 'completed', reconnect: false },
  OFFSET_GONE: { code: 4501, reason: 'that offset names another history', reconnect: false },
  NOT_FOUND: { code: 4502, reason: 'the stream is gone', reconnect: false },
  TOO_MANY_ERRORS: { code: 4503, reason: 'too many malformed frames', reconnect: false },
  SIGNED_OUT: { code: 4504, reason: 'signed out everywhere', reconnect: false },
  FORBIDDEN: { code: 4505, reason: 'that may not be read', reconnect: false },
} as const satisfies Record<string, CloseEntry>

/** Whether a closed connection should be opened again. */
export function shouldReconnect(code: number): boolean {
  if (code >= 4500 && code <= 4999) return false
  return code !== 1003 && code !== 1008 && code !== 1009
}

/** What kind of thing went wrong; a client chooses its manner of reacting by it. */
export type ErrorKind =
  | 'network'
  | 'validation'
  | 'auth'
  | 'limit'
  | 'conflict'
  | 'not_found'
  | 'unavailable'
  | 'unknown'

interface ErrorEntry {
  status: number
  kind: ErrorKind
  /** Whether the same request can succeed later without being changed. */
  retry: boolean
  /** One plain sentence for a person; `detail` says what exactly. */
  title: string
}

/**
 * Every error a client can meet, by its stable code. docs/errors.md is checked against this table
 * (`scripts/check-docs.ts`).
 */
export const ERRORS = {
  INVALID_INPUT: { status: 400, kind: 'validation', retry: false, title: 'Something in the request is not valid.' },
  INVALID_OFFSET: { status: 400, kind: 'validation', retry: false, title: 'That is not an offset of this stream.' },
  UNAUTHENTICATED: { status: 401, kind: 'auth', retry: false, title: 'Who is asking is not known.' },
  FORBIDDEN: { status: 403, kind: 'auth', retry: false, title: 'You may not do this.' },
  PRODUCER_FENCED: { status: 403, kind: 'conflict', retry: false, title: 'A newer producer has taken over.' },
  PATH_NOT_ALLOWED: { status: 403, kind: 'auth', retry: false, title: 'That folder is outside the allowed roots.' },
  NOT_FOUND: { status: 404, kind: 'not_found', retry: false, title: 'There is nothing here.' },
  NO_FOLD: { status: 404, kind: 'not_found', retry: false, title: 'This stream has no state.' },
  METHOD_NOT_ALLOWED: { status: 405, kind: 'validation', retry: false, title: 'That cannot be done here.' },
  STREAM_EXISTS: { status: 409, kind: 'conflict', retry: false, title: 'The stream exists, and not like that.' },
  CONTENT_TYPE_MISMATCH: {
    status: 409,
    kind: 'conflict',
    retry: false,
    title: 'The stream holds another kind of data.',
  },
  PRODUCER_GAP: { status: 409, kind: 'conflict', retry: true, title: 'An earlier append of this producer is missing.' },
  SEQUENCE_CONFLICT: { status: 409, kind: 'conflict', retry: false, title: 'A later append has already been made.' },
  STREAM_SEALED: { status: 409, kind: 'conflict', retry: false, title: 'The stream has ended.' },
  ALREADY_ENDED: { status: 409, kind: 'conflict', retry: false, title: 'The work has already ended.' },
  NOT_ENDED: { status: 409, kind: 'conflict', retry: false, title: 'The work has not ended yet.' },
  FENCED: { status: 409, kind: 'conflict', retry: false, title: 'Another attempt has taken over this work.' },
  CONFLICT: { status: 409, kind: 'conflict', retry: false, title: 'It has changed in the meantime.' },
  EFFECT_UNKNOWN: {
    status: 409,
    kind: 'unknown',
    retry: false,
    title: 'Nobody knows whether it was done.',
  },
  CANCELLED: { status: 409, kind: 'conflict', retry: false, title: 'It was cancelled.' },
  OFFSET_GONE: {
    status: 410,
    kind: 'conflict',
    retry: false,
    title: 'That offset names a place this stream does not have.',
  },
  STREAM_GONE: { status: 410, kind: 'not_found', retry: false, title: 'The stream was deleted.' },
  STATE_TOO_LARGE: { status: 413, kind: 'limit', retry: false, title: 'The state of this stream is too large.' },
  TOO_LARGE: { status: 413, kind: 'limit', retry: false, title: 'That is larger than allowed.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    kind: 'validation',
    retry: false,
    title: 'That kind of body is not accepted.',
  },
  TOO_MANY_REQUESTS: { status: 429, kind: 'limit', retry: true, title: 'Too many requests.' },
  TOO_MANY_CONNECTIONS: { status: 429, kind: 'limit', retry: true, title: 'Too many connections.' },
  TOO_MANY_SUBSCRIPTIONS: { status: 429, kind: 'limit', retry: false, title: 'Too many streams on one connection.' },
  INTERNAL_ERROR: { status: 500, kind: 'unknown', retry: true, title: 'Something failed on our side.' },
  RUN_CRASHED: { status: 500, kind: 'unknown', retry: false, title: 'The work took the server down repeatedly.' },
  TIMEOUT: { status: 504, kind: 'network', retry: true, title: 'It took too long.' },
  SOURCE_UNREACHABLE: { status: 502, kind: 'network', retry: true, title: 'The source could not be reached.' },
  UNAVAILABLE: { status: 503, kind: 'unavailable', retry: true, title: 'Not available right now.' },
  OUTCOME_UNKNOWN: {
    status: 503,
    kind: 'unavailable',
    retry: true,
    title: 'It may have been done, or not: the store was lost before it answered.',
  },
  STORAGE_FULL: { status: 507, kind: 'unavailable', retry: true, title: 'The disk is full.' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

export interface FieldError {
  /** The field as a JSON path, for instance `files[2].name`. */
  field: string
  message: string
}

/** RFC 9457 `application/problem+json`, with our stable fields added. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  kind: ErrorKind
  retry: boolean
  /** Seconds. */
  retryAfter?: number
  errors?: FieldError[]
  /** How the thing stands now that the request did not fit: of a conflict about something that can be read. */
  current?: unknown
  requestId?: string
}

export interface HoldfastErrorOptions {
  cause?: unknown
  errors?: FieldError[]
  /** See `Problem.current`. */
  current?: unknown
  /** Seconds after which a retry can succeed. */
  retryAfter?: number
}

/** The one error class: a code from the table, a sentence that says what exactly, and the cause. */
export class HoldfastError extends Error {
  readonly code: ErrorCode
  readonly errors: FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly current: unknown

  constructor(code: ErrorCode, detail?: string, options: HoldfastErrorOptions = {}) {
    super(detail ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'HoldfastError'
    this.code = code
    this.errors = options.errors
    this.retryAfter = options.retryAfter
    this.current = options.current
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  toProblem(requestId?: string): Problem {
    const entry = ERRORS[this.code]
    return {
      type: `https://holdfast.dev/errors#${this.code.toLowerCase()}`,
      title: entry.title,
      status: entry.status,
      detail: this.message,
      code: this.code,
      kind: entry.kind,
      retry: entry.retry,
      ...(this.retryAfter === undefined ? {} : { retryAfter: this.retryAfter }),
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      ...(this.current === undefined ? {} : { current: this.current }),
      ...(requestId === undefined ? {} : { requestId }),
    }
  }
}

/** Whether `error` is ours, and, where a code is given, that one. */
export function isHoldfastError(error: unknown, code?: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code)
}

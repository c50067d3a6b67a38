import type { ErrorCode, ErrorKind, FieldError, Problem } from '@holdfast/protocol'
import type { ClientWorld, RequestInit } from './world.ts'

export interface RequestErrorFields {
  /** A code of the error table; `UNREACHABLE` where no answer came at all, `QUEUE_FULL` where nothing more can wait. */
  code: ErrorCode | 'UNREACHABLE' | 'QUEUE_FULL'
  /** HTTP status; 0 where no answer came. */
  status: number
  kind: ErrorKind
  /** Whether the same request can succeed later. */
  retry: boolean
  /** Seconds. */
  retryAfter?: number | undefined
  errors?: FieldError[]
  /** Names the request in the server's log. */
  requestId?: string
}

/** A request that was not answered with success; `message` is a sentence for a person. */
export class RequestError extends Error implements RequestErrorFields {
  declare readonly code: RequestErrorFields['code']
  declare readonly status: number
  declare readonly kind: ErrorKind
  declare readonly retry: boolean
  declare readonly retryAfter?: number
  declare readonly errors?: FieldError[]
  declare readonly requestId?: string

  constructor(
    message: string,
    { code, status, kind, retry, retryAfter, errors, requestId }: RequestErrorFields,
    cause?: unknown,
  ) {
    super(message, { cause })
    Object.assign(this, { name: 'RequestError', code, status, kind, retry, retryAfter, errors, requestId })
  }

  static fromProblem(problem: Problem): RequestError {
    return new RequestError(problem.detail || problem.title, problem)
  }

  static unreachable(cause?: unknown): RequestError {
    const fields = { code: 'UNREACHABLE', status: 0, kind: 'network', retry: true } as const
    return new RequestError('The server could not be reached.', fields, cause)
  }

  /** What was thrown, as a RequestError: anything else means that no answer came. */
  static from(error: unknown): RequestError {
    return error instanceof RequestError ? error : RequestError.unreachable(error)
  }

  /** The error in an answer's body, or one made from its status where the body is not a problem. */
  static fromBody(status: number, text: string, retryAfter?: number): RequestError {
    try {
      const problem = JSON.parse(text) as Partial<Problem>
      if (typeof problem.code === 'string' && typeof problem.kind === 'string') {
        return RequestError.fromProblem(problem as Problem)
      }
    } catch {
      // A proxy's page or an empty body: the status has to do.
    }
    const isLimit = status === 429
    const kind = isLimit ? 'limit' : 'unknown'
    const fields = { code: 'INTERNAL_ERROR', status, kind, retry: status >= 500 || isLimit, retryAfter } as const
    return new RequestError(`The server answered with status ${status}.`, fields)
  }
}

/** Sends a request; resolves with an answer of success. Throws RequestError, and the signal's reason when it was aborted. */
export async function send(
  world: ClientWorld,
  path: string,
  init: RequestInit = {},
  accept?: string,
): Promise<Response> {
  const headers = accept ? { ...(init.headers as Record<string, string>), accept } : init.headers
  try {
    const response = await world.fetch(world.baseUrl + path, headers ? { ...init, headers } : init)
    if (response.ok) return response
    const retryAfter = Number(response.headers.get('retry-after')) || undefined
    throw RequestError.fromBody(response.status, await response.text(), retryAfter)
  } catch (error) {
    init.signal?.throwIfAborted()
    throw RequestError.from(error)
  }
}

/**
 * Sends a request and reads its JSON. Resolves `undefined` for an empty answer. Throws RequestError, and the
 * signal's reason when it was aborted.
 */
export async function request<T>(world: ClientWorld, path: string, init?: RequestInit): Promise<T> {
  const response = await send(world, path, init)
  let text = ''
  try {
    text = await response.text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  } catch (error) {
    init?.signal?.throwIfAborted()
    throw text === '' ? RequestError.unreachable(error) : RequestError.fromBody(502, text)
  }
}

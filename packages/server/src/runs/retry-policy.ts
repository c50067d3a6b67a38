import { ERRORS, isHoldfastError } from '@holdfast/protocol'

/**
 * When something that failed is tried again by itself. Times are milliseconds.
 *
 * The wait before a try grows from `minMs` by `factor` to `maxMs`, and is spread by *equal jitter*: half of it is kept,
 * the other half is random (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Full jitter
 * costs a crowded server a little less, but may wait next to nothing; where tries are few, they would be used up at once.
 */
export interface RetryPolicy {
  /** Tries in all, the first included; 1: never again. */
  attempts: number
  /** Before the second try, at most; at least half of it. Default 1,000. */
  minMs?: number
  /** At most, before any try, unless the other side asked for more. Default 60,000. */
  maxMs?: number
  /** How much longer each wait is than the one before. Default 2. */
  factor?: number
}

/** Of a step that says nothing else: three tries. */
export const DEFAULT_STEP_RETRY: RetryPolicy = { attempts: 3 }

const MIN_MS = 1_000
const MAX_MS = 60_000
const FACTOR = 2
// Whoever names a time beyond any sense is asked again after this: the wait has to stay a date.
const LONGEST_MS = 30 * 24 * 3_600_000

const effectNotHad = new WeakSet<object>()

/**
 * When the next try is due after `failures` failed ones, `error` being the last; `null` where none follows, because
 * they are used up or because another one would end the same.
 *
 * `random` gives numbers in [0, 1). Where the error says how long to wait (`Retry-After`), no try is made before that;
 * the random half comes on top, so that not everybody who was told the same comes back at the same moment.
 */
export function nextTry(
  policy: RetryPolicy,
  { failures, error, random }: { failures: number; error: unknown; random: () => number },
): { delayMs: number } | null {
  if (!(failures < policy.attempts) || !isWorthAnotherTry(error)) return null
  const half = ceilingMs(policy, failures) / 2
  return { delayMs: Math.round(Math.min(Math.max(half, askedMs(error)) + half * random(), LONGEST_MS)) }
}

/** Whether the same can succeed later: of our errors the table says so; of others, unless they carry `retry: false`. */
function isWorthAnotherTry(error: unknown): boolean {
  if (isHoldfastError(error)) return ERRORS[error.code].retry
  return !(typeof error === 'object' && error !== null && 'retry' in error && error.retry === false)
}

function ceilingMs({ minMs = MIN_MS, maxMs = MAX_MS, factor = FACTOR }: RetryPolicy, failures: number): number {
  // Nothing, grown without end, is no number.
  return minMs === 0 ? 0 : Math.min(minMs * factor ** (failures - 1), maxMs)
}

function askedMs(error: unknown): number {
  const seconds = isHoldfastError(error) ? error.retryAfter : undefined
  return seconds !== undefined && seconds > 0 ? seconds * 1_000 : 0
}

/**
 * Marks an error as thrown *before* the effect: it was surely not had, and trying again is safe. For steps that are
 * `unsafe`, whose other errors leave open whether it was, so that a person has to decide.
 *
 * ```ts
 * const connection = await connect().catch((error) => { throw notDone(error) })
 * await connection.send(mail)
 * ```
 *
 * Returns the error itself; what is no object is wrapped in an `Error` that has it as its cause.
 */
export function notDone(error: unknown): object {
  const marked = typeof error === 'object' && error !== null ? error : new Error(String(error), { cause: error })
  effectNotHad.add(marked)
  return marked
}

/** Whether `error` was marked by `notDone`. */
export function isNotDone(error: unknown): boolean {
  return typeof error === 'object' && error !== null && effectNotHad.has(error)
}

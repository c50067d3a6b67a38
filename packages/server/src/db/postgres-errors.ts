import { type ErrorCode, HoldfastError } from '@holdfast/protocol'
import pg from 'pg'

/**
 * What an error of PostgreSQL or of the line to it means for what was asked:
 * - `again`: undone, because others were in the way (a deadlock, an old plan); at once it may well succeed,
 * - `later`: nothing was done, because the store takes nothing just now,
 * - `lost`: the line broke, or the session was ended; what had been sent may have been done,
 * - `final`: it will not do.
 */
export type Trouble = 'again' | 'later' | 'lost' | 'final'

/** Source: PostgreSQL documentation, Appendix A, Error Codes. */
const MEANINGS: Record<string, Trouble> = {
  '40001': 'again',
  '40P01': 'again',
  // A prepared statement of before: the table has changed since, or a pooler in between gave another session.
  '0A000': 'again',
  '26000': 'again',
  '25006': 'later',
  '53000': 'later',
  '53200': 'later',
  '53300': 'later',
  '55P03': 'later',
  '57P03': 'later',
  '57014': 'later',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P05': 'lost',
  '25P03': 'lost',
  '25P04': 'lost',
}

/** A statement that was prepared no longer fits. */
export function isStale(error: unknown): boolean {
  const state = error instanceof pg.DatabaseError ? error.code : ''
  return state === '0A000' || state === '26000'
}

/** A row was waited for, and somebody else has it still. */
export function isHeldByOthers(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '55P03'
}

export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof pg.DatabaseError)) return error instanceof HoldfastError ? 'final' : 'lost'
  const state = error.code ?? ''
  if (state === '0A000' && !/cached plan/.test(error.message)) return 'final'
  return MEANINGS[state] ?? (state.startsWith('08') ? 'lost' : 'final')
}

/** Nothing was heard for as long as an answer may take, not even that it takes too long. */
export function isSilence(error: unknown): boolean {
  const said = error instanceof HoldfastError ? error.cause : error
  // The driver has no code for it (pg, lib/client.js).
  return said instanceof Error && said.message === 'Query read timeout'
}

/** For whoever asked. `lost` is told as UNAVAILABLE here: for what cannot have been done, such as a read. */
export function translate(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  if (troubleOf(error) !== 'final') return outOfReach(error)
  const { code: state = '', message } = error as pg.DatabaseError
  const code: ErrorCode = state.startsWith('23') ? 'CONFLICT' : state === '53100' ? 'STORAGE_FULL' : 'INTERNAL_ERROR'
  return new HoldfastError(code, code === 'STORAGE_FULL' ? undefined : message, { cause: error })
}

/** Nothing was written. */
export function outOfReach(cause?: unknown): HoldfastError {
  const detail = 'The store does not answer, or takes nothing just now.'
  return new HoldfastError('UNAVAILABLE', detail, { cause, retryAfter: 1 })
}

/** A commit that was sent and never answered. */
export function outcomeUnknown(cause: unknown): HoldfastError {
  return new HoldfastError('OUTCOME_UNKNOWN', undefined, { cause, retryAfter: 1 })
}

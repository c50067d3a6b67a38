import { type Clock, HoldfastError, isHoldfastError, sleep } from '@holdfast/protocol'
import type { Database } from '../db/database.ts'
import type { Attempt } from './attempt.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import type { RunStore } from './run-store.ts'

export interface CarryOutOptions {
  db: Database
  store: RunStore
  clock: Clock
  /** Aborted when the process ends: what cannot be written then is left to its lease. */
  closing: AbortSignal
  /** Told of the run's own failure and of trouble with the store. */
  onError: (error: unknown, run: Run | null) => void
}

// A run that took its process down this often without finishing one more step is not tried again by itself.
const CRASHES_MAX = 5
// While the store takes no writes (disk full, unreachable) a run waits this long before it is tried again.
const STORE_RETRY_MS = 5_000
// What a lost connection left undone shows at once: the store itself is there.
const UNSURE_RETRY_MS = 1_000

/**
 * Carries an attempt out until its run has ended, is given back, or is another's. Never rejects. `known`: how often the
 * run took its process down; `null` where it is to be looked up, and whether the run is still this attempt's.
 */
export async function carryOut(
  attempt: Attempt,
  known: number | null,
  definition: RunDefinition,
  options: CarryOutOptions,
): Promise<void> {
  try {
    attempt.signal.throwIfAborted()
    const crashes = known ?? (await options.store.crashes(attempt.run))
    if (crashes === null) return attempt.stop('fenced')
    if (crashes >= CRASHES_MAX) throw new HoldfastError('RUN_CRASHED', `It took the server down ${crashes} times.`)
    const result = await definition.run(attempt)
    if (!attempt.hasEnded) await attempt.end({ status: 'done', result })
  } catch (error) {
    if (!attempt.hasEnded) await settle(attempt, error, options)
  }
}

/** Does what an error means for the run; again and again for as long as the store takes no writes. */
async function settle(attempt: Attempt, error: unknown, options: CarryOutOptions): Promise<void> {
  const { clock, closing, onError } = options
  if (attempt.stopped === null || attempt.stopped === 'unsure') onError(error, attempt.run)
  for (;;) {
    try {
      return await conclude(attempt, error, options)
    } catch (failed) {
      // What closes now is taken back at the next start, or when its lease ends.
      if (isHoldfastError(failed, 'FENCED') || closing.aborted) return
      onError(failed, attempt.run)
      await sleep(clock, STORE_RETRY_MS, closing).catch(() => {})
      if (closing.aborted) return
    }
  }
}

async function conclude(attempt: Attempt, error: unknown, { db, store }: CarryOutOptions): Promise<void> {
  const why = attempt.stopped
  const giveBack = async (delayMs: number) => void (await db.commit([store.giveBack(attempt.run, delayMs)]))
  if (why === 'fenced' || isHoldfastError(error, 'FENCED')) return
  if (why === 'shutdown') return giveBack(0)
  if (why === 'cancelled') return attempt.end({ status: 'cancelled' })
  // The next attempt has another number: what is still on its way of this one fails, and what was done shows.
  if (why === 'unsure' || isHoldfastError(error, 'OUTCOME_UNKNOWN')) return giveBack(UNSURE_RETRY_MS)
  if (isStoreTrouble(error)) return giveBack(STORE_RETRY_MS)
  try {
    await attempt.end(failure(error))
  } catch (failed) {
    if (!isHoldfastError(failed, 'CANCELLED')) throw failed
    await attempt.end({ status: 'cancelled' })
  }
}

// STORAGE_FULL and UNAVAILABLE say nothing about the run: it goes on when the store does.
function isStoreTrouble(error: unknown): boolean {
  return isHoldfastError(error, 'STORAGE_FULL') || isHoldfastError(error, 'UNAVAILABLE')
}

function failure(error: unknown): Outcome {
  if (error instanceof HoldfastError) return { status: 'failed', error: { code: error.code, message: error.message } }
  return { status: 'failed', error: { code: 'INTERNAL_ERROR', message: 'Something failed on our side.' } }
}

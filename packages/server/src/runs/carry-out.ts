import { type Clock, HoldfastError, isHoldfastError, sleep } from '@holdfast/protocol'
import { type Database, write } from '../db/database.ts'
import type { StreamLog } from '../log/stream-log.ts'
import type { Attempt } from './attempt.ts'
import { contextOf } from './context.ts'
import { faultOf } from './fault.ts'
import { tell } from './journal.ts'
import { freedBy, type LimitStore } from './limit-store.ts'
import { nextTry } from './retry-policy.ts'
import type { Run } from './run.ts'
import type { RunStore } from './run-store.ts'
import type { StepStore } from './step-store.ts'
import { queuedEvent } from './wakes.ts'

export interface CarryOutOptions {
  db: Database
  log: StreamLog
  store: RunStore
  steps: StepStore
  limits: LimitStore
  random: () => number
  clock: Clock
  /** Aborted when the process ends: what cannot be written then is left to its lease. */
  closing: AbortSignal
  /** It is queued again; places at these providers are free. */
  onGivenBack: (run: Run, freed: readonly string[]) => void
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
export async function carryOut(attempt: Attempt, known: number | null, options: CarryOutOptions): Promise<void> {
  try {
    attempt.signal.throwIfAborted()
    const crashes = known ?? (await options.store.crashes(attempt.run))
    if (crashes === null) return attempt.stop('fenced')
    if (crashes >= CRASHES_MAX) throw new HoldfastError('RUN_CRASHED', `It took the server down ${crashes} times.`)
    const result = await attempt.definition.run(contextOf(attempt))
    if (!attempt.hasEnded) await attempt.end({ status: 'done', result })
  } catch (error) {
    if (!attempt.hasEnded) await settle(attempt, error, options)
  }
}

/** Does what an error means for the run; again and again for as long as the store takes no writes. */
async function settle(attempt: Attempt, error: unknown, options: CarryOutOptions): Promise<void> {
  const { clock, closing, onError } = options
  // Whatever the code made of it: it gave its worker free, and goes on when what it waits for has come.
  if (attempt.stopped === 'suspended') return
  if (attempt.stopped === null || attempt.stopped === 'unsure') onError(error, attempt.run)
  for (;;) {
    try {
      return await conclude(attempt, error, options)
    } catch (failed) {
      // It was stopped on the way: what that asks for is done instead.
      if (failed === attempt.signal.reason && attempt.stopped !== null) continue
      // What closes now is taken back at the next start, or when its lease ends.
      if (isHoldfastError(failed, 'FENCED') || closing.aborted) return
      onError(failed, attempt.run)
      await sleep(clock, STORE_RETRY_MS, closing).catch(() => {})
      if (closing.aborted) return
    }
  }
}

async function conclude(attempt: Attempt, error: unknown, options: CarryOutOptions): Promise<void> {
  const why = attempt.stopped
  if (why === 'fenced' || isHoldfastError(error, 'FENCED')) return
  if (why === 'shutdown') return giveBack(attempt, 0, options)
  if (why === 'cancelled') return attempt.end({ status: 'cancelled' })
  // The next attempt has another number: what is still on its way of this one fails, and what was done shows.
  if (why === 'unsure' || isHoldfastError(error, 'OUTCOME_UNKNOWN')) return giveBack(attempt, UNSURE_RETRY_MS, options)
  if (isStoreTrouble(error)) return giveBack(attempt, STORE_RETRY_MS, options)
  if (await triesAgain(attempt, error, options)) return
  try {
    await attempt.fail(error)
  } catch (failed) {
    if (!isHoldfastError(failed, 'CANCELLED')) throw failed
    await attempt.end({ status: 'cancelled' })
  }
}

/** Whether it waits for its next try, or, having taken the server down too often, for a person. */
async function triesAgain(attempt: Attempt, error: unknown, { random }: CarryOutOptions): Promise<boolean> {
  const { run, definition } = attempt
  if (isHoldfastError(error, 'RUN_CRASHED')) return definition.poison === 'fail' ? false : attempt.park(faultOf(error))
  const policy = definition.retry
  const next = policy && nextTry(policy, { failures: run.failures + 1, error, random })
  return next ? attempt.waitForRetry(next.delayMs, faultOf(error)) : false
}

async function giveBack({ run, writes }: Attempt, delayMs: number, options: CarryOutOptions): Promise<void> {
  const { db, log, store, steps, limits } = options
  const statements = [
    store.giveBack(run, delayMs),
    store.attemptEnded(run, 'given_back'),
    steps.leaveUnsettled(run),
    limits.giveBackAll(run),
  ]
  const result = await writes.telling((told) =>
    db.commit([write(...statements), tell(log, run.id, ...told, queuedEvent(run))]),
  )
  options.onGivenBack(run, freedBy(result))
}

// STORAGE_FULL and UNAVAILABLE say nothing about the run: it goes on when the store does.
function isStoreTrouble(error: unknown): boolean {
  return isHoldfastError(error, 'STORAGE_FULL') || isHoldfastError(error, 'UNAVAILABLE')
}

import { isHoldfastError } from '@holdfast/protocol'
import type { Database, Statement, Write } from '../db/database.ts'
import { write } from '../db/database.ts'
import { withOutbox } from '../log/outbox.ts'
import type { StreamLog } from '../log/stream-log.ts'
import { causeOf } from './fault.ts'
import { type RunEventInput, tell } from './journal.ts'
import { freedBy, type LimitStore } from './limit-store.ts'
import type { Outcome, Run, RunDefinition } from './run.ts'
import type { RunStore } from './run-store.ts'
import { sql } from './sql.ts'
import type { StepStore } from './step-store.ts'

export interface EndingOptions {
  db: Database
  log: StreamLog
  store: RunStore
  steps: StepStore
  limits: LimitStore
  /** After the commit: whoever waits for this run, for its place or for its key goes on. */
  onEnded: (run: Run, outcome: Outcome) => void
  /** It held a place at that provider. */
  onFreed: (provider: string) => void
  /** Whoever waited for its key may be claimed. */
  onMoved: () => void
}

export interface End {
  /** As it stands: its working attempt, or the run that is queued or waits. */
  run: Run
  outcome: Outcome
  /** `undefined` for a kind that nobody defined. */
  definition: RunDefinition | undefined
  /** Told before the last event. */
  told?: readonly RunEventInput[]
  /** Committed with it. */
  writes?: readonly Write[]
  /** What its attempt may have left behind; absent: anything. */
  leaves?: { steps: boolean; permits: boolean }
  /** What failures of its cause have in common; absent: made of the error's code and message. */
  cause?: string | undefined
  /** Who ended it, where that was a person. */
  by?: string
}

const ANYTHING = { steps: true, permits: true }

/** The end of a run: its state, its last events, its seal and its row in the outbox are one commit. */
export class Ending {
  readonly #options: EndingOptions

  constructor(options: EndingOptions) {
    this.#options = options
  }

  /** FENCED where it does not stand like that any more, CANCELLED where a cancel was acknowledged and it is another end. */
  async commit(end: End): Promise<void> {
    const { db, log, store, onEnded, onFreed, onMoved } = this.#options
    const { run, outcome } = end
    const writes = await this.#writes(end)
    const { parentId } = run
    const toParent =
      parentId && tell(log, parentId, { type: 'child', run: run.id, name: run.name, status: outcome.status })
    const result = await db.commit(toParent ? [...writes, toParent] : writes).catch((error) => {
      // A parent that has ended hears nothing more.
      if (!toParent || !isHoldfastError(error, 'STREAM_SEALED')) throw error
      return db.commit(writes)
    })
    onEnded(run, outcome)
    // Its key is free, and whoever joined the line at this moment may not have seen that.
    void store.moveUp(run.serialKey).then((moved) => moved && onMoved())
    for (const provider of freedBy(result)) onFreed(provider)
  }

  async #writes({
    run,
    outcome,
    definition,
    told = [],
    writes = [],
    leaves = ANYTHING,
    cause: given,
    by,
  }: End): Promise<Write[]> {
    const { store, steps, limits, log } = this.#options
    const fault = outcome.status === 'failed' ? faultIn(outcome.error) : null
    const cause = fault && (given ?? causeOf(run.name, fault))
    const statements = [
      store.end(run, outcome, cause),
      ...(outcome.status === 'cancelled' ? [] : [store.notCancelled(run)]),
      ...lastProgress(run, told),
      store.attemptEnded(run, outcome.status, fault),
      // One that works waits for nothing: that was cleared when it was woken.
      ...(run.status === 'working' ? [] : [store.clearWaits(run)]),
      ...(leaves.steps ? [steps.leaveUnsettled(run)] : []),
      ...(leaves.permits ? [limits.giveBackAll(run)] : []),
      ...(run.serialKey === null ? [] : [store.promote(run.serialKey)]),
    ]
    const own = [...writes, ...((await definition?.ended?.(run, outcome)) ?? [])]
    const last = tell(log, run.id, ...told, lastEvent(outcome, cause, by))
    // The story people follow is the app's, where it has one.
    const story = own.find(({ appended }) => appended?.stream === run.stream && appended.sealed) ?? last
    return [write(...statements), ...own, last].map((each) => (each === story ? withOutbox(each, store.now()) : each))
  }
}

/** What is told of it last stands in its row as well. */
function lastProgress({ id }: Run, told: readonly RunEventInput[]): Statement[] {
  const last = told.findLast((event) => event.type === 'progress')
  return last ? [sql`UPDATE runs SET progress = ${JSON.stringify(last.progress)} WHERE id = ${id}`] : []
}

function faultIn({ code, message, retryAfter }: { code: string; message: string; retryAfter?: number | undefined }) {
  return { code, message, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

function lastEvent(outcome: Outcome, cause: string | null, by: string | undefined): RunEventInput {
  if (outcome.status === 'done') return { type: 'done' }
  if (outcome.status === 'cancelled') return { type: 'cancelled', ...(by === undefined ? {} : { by }) }
  return { type: 'failed', error: faultIn(outcome.error), cause: cause ?? '' }
}

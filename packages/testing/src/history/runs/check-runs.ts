import type { Violation, ViolationKind } from '../check-history.ts'
import type { FinalLog, ToldRun } from '../history.ts'
import type { WorkFound } from './work.ts'

/** What is left of a run after everything; `null` where it is not there. */
export type RunLeft = { found: WorkFound; log: FinalLog } | null

interface Told {
  type: string
  attempt: number
  step?: number
  status?: string
}

/**
 * Whether a run did what it was asked, and told of it: each step once and in order, in its stream as in its tables, no
 * word of an attempt after the first of a newer one, one end, sealed, and the one that was acknowledged.
 */
export function checkRun(told: ToldRun, left: RunLeft): Violation[] {
  const found: Violation[] = []
  const say = (kind: ViolationKind, text: string) => found.push({ kind, stream: told.stream, text })
  if (!left) {
    if (told.started === 'ok') say('run', 'its start was acknowledged, and it is not there')
    return found
  }
  if (told.started === 'fail') say('phantom', 'its start was refused, and it is there')
  const events = left.log.events.map((text) => JSON.parse(text) as Told)
  checkOutcome(told, left, events, say)
  checkSteps(told, left.found, events, say)
  checkAttempts(events, say)
  return found
}

type Say = (kind: ViolationKind, text: string) => void

const ENDS = new Set(['done', 'cancelled'])

function checkOutcome(told: ToldRun, { found, log }: NonNullable<RunLeft>, events: readonly Told[], say: Say): void {
  const { status, error } = found
  if (!ENDS.has(status)) say('run', `it is ${status}${error ? `: ${error}` : ''}`)
  if (told.cancelled === 'ok' && status !== 'cancelled') say('run', `its cancel was acknowledged, and it is ${status}`)
  if (told.cancelled === 'not asked' && status === 'cancelled') say('run', 'it is cancelled, and nobody cancelled it')
  const ends = events.filter(({ type }) => type === 'ended')
  if (ends.length !== 1) say('run', `its stream tells of ${ends.length} ends`)
  else if (ends[0]?.status !== status) say('run', `its stream says ${ends[0]?.status}, its row ${status}`)
  if (events.at(-1)?.type !== 'ended' || !log.sealed) say('seal', 'its stream does not end with its end, sealed')
}

function checkSteps({ steps }: ToldRun, { status, rows }: WorkFound, events: readonly Told[], say: Say): void {
  const did = events.filter(({ type }) => type === 'did')
  const shown = did.map(({ step, attempt }) => `${step} (attempt ${attempt})`).join(', ')
  if (did.some(({ step }, index) => step !== index + 1)) say('step', `its stream tells of the steps ${shown}`)
  if (status === 'done' && did.length < steps) say('step', `it is done, and of ${steps} steps told ${shown}`)
  const inTables = rows.map(({ step, attempt }) => `${step} (attempt ${attempt})`).join(', ')
  if (inTables !== shown) say('step', `its stream tells of the steps ${shown}, its table of ${inTables}`)
}

function checkAttempts(events: readonly Told[], say: Say): void {
  const late = events.findIndex(({ attempt }, index) => attempt < (events[index - 1]?.attempt ?? 0))
  if (late === -1) return
  const [before, after] = [events[late - 1], events[late]]
  say('unfenced', `attempt ${after?.attempt} wrote ${after?.type} after attempt ${before?.attempt}`)
}

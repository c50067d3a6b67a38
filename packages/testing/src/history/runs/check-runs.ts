import type { Violation, ViolationKind } from '../check-history.ts'
import type { FinalLog, ToldRun } from '../history.ts'
import type { WorkFound } from './work.ts'

/** What is left of a run after everything; `null` where it is not there. */
export type RunLeft = {
  found: WorkFound
  /** The stream of its app. */
  log: FinalLog
  /** Its own, `runs/<id>`. */
  journal: FinalLog
} | null

interface Told {
  type: string
  attempt: number
  step?: number
  status?: string
}

/**
 * Whether a run did what it was asked, and told of it: each step once and in order, in its streams as in its tables, no
 * word or row of an attempt after the first of a newer one, one end, sealed, told to the outside once, and the one that
 * was acknowledged.
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
  checkRemembered(left.found, say)
  checkJournal(left, say)
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

/** What the server has in its own tables: each row by an attempt there was, the one that is remembered to have done it. */
function checkRemembered({ status, rows, attempts, steps, outbox }: WorkFound, say: Say): void {
  for (const { step, attempt } of rows) {
    if (!attempts.some((known) => known.attempt === attempt)) say('unfenced', `there was no attempt ${attempt}`)
    const remembered = steps.find(({ key }) => key === String(step))
    if (remembered?.status === 'done' && remembered.attempt === attempt) continue
    const told = remembered ? `${remembered.status} by attempt ${remembered.attempt}` : 'not known'
    say('step', `attempt ${attempt} wrote step ${step}, which is ${told}`)
  }
  const done = steps.filter(({ status }) => status === 'done').length
  if (done !== rows.length) say('step', `${done} steps are done, and ${rows.length} rows are written`)
  if (!ENDS.has(status)) return
  for (const { attempt, outcome } of attempts) {
    if (outcome === 'working') say('run', `it has ended, and attempt ${attempt} is working`)
  }
  if (outbox !== 1) say('run', `the outside is told ${outbox} times of its end`)
}

const ENDINGS = new Set(['done', 'failed', 'cancelled'])

/** What the server tells of it: an end, once and last; each step done once; nothing of an attempt after a newer one. */
function checkJournal({ found: { status, rows }, journal }: NonNullable<RunLeft>, say: Say): void {
  const events = journal.events.map((text) => JSON.parse(text) as { type: string; attempt?: number; key?: string })
  const ends = events.filter(({ type }) => ENDINGS.has(type)).map(({ type }) => type)
  if (ends.length !== 1 || ends[0] !== status) say('run', `its own stream tells of ${ends.join(', ') || 'no end'}`)
  if (!journal.sealed || !ENDINGS.has(events.at(-1)?.type ?? ''))
    say('seal', 'its own stream does not end with its end')
  const done = events.flatMap(({ type, key }) => (type === 'step_done' ? [String(key)] : []))
  const written = rows.map(({ step }) => String(step))
  if (done.toSorted().join() !== written.toSorted().join()) {
    say('step', `its own stream tells of the steps ${done.join(', ')}, its table of ${written.join(', ')}`)
  }
  let newest = 0
  for (const { type, attempt } of events) {
    if (attempt === undefined) continue
    if (attempt < newest) say('unfenced', `in its own stream attempt ${attempt} says ${type} after attempt ${newest}`)
    newest = Math.max(newest, attempt)
  }
}

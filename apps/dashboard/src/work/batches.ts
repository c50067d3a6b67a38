import type { BatchAction, RunStatus } from '@holdfast/protocol/runs'
import { RUN_STATUSES } from '@holdfast/protocol/runs'
import type { RunCount, RunFilter, WorkApi } from './api.ts'

/** The runs that many are meant by: those of a filter, less some, or these. */
export interface RunSet {
  filter: RunFilter
  ids?: string[]
  exceptIds?: string[]
}

/** How many ids one question may name. */
const IDS_MOST = 100

/** How many runs a set holds now and how they stand, as the server counts. */
export async function countSet(
  api: WorkApi,
  { filter, ids, exceptIds }: RunSet,
  signal?: AbortSignal,
): Promise<RunCount> {
  if (ids) return countIds(api, filter, ids, signal)
  const all = await api.count(filter, signal)
  if (!exceptIds || exceptIds.length === 0) return all
  const except = await countIds(api, filter, exceptIds, signal)
  return combined(all, except, (a, b) => Math.max(0, a - b))
}

async function countIds(api: WorkApi, filter: RunFilter, ids: string[], signal?: AbortSignal): Promise<RunCount> {
  const parts: string[][] = []
  for (let at = 0; at < ids.length; at += IDS_MOST) parts.push(ids.slice(at, at + IDS_MOST))
  const counts = await Promise.all(parts.map((part) => api.count({ ...filter, ids: part.join(',') }, signal)))
  return counts.reduce((sum, one) => combined(sum, one, (a, b) => a + b), NONE)
}

const NONE: RunCount = { count: 0, byStatus: {} as RunCount['byStatus'] }

function combined(a: RunCount, b: RunCount, join: (a: number, b: number) => number): RunCount {
  const byStatus = RUN_STATUSES.map((one): [RunStatus, number] => [
    one,
    join(a.byStatus[one] ?? 0, b.byStatus[one] ?? 0),
  ])
  return { count: join(a.count, b.count), byStatus: Object.fromEntries(byStatus) as RunCount['byStatus'] }
}

const OPEN: readonly RunStatus[] = ['queued', 'working', 'quiet', 'stalled', 'lost', 'waiting']
const BEGUN: readonly RunStatus[] = ['working', 'quiet', 'stalled']

/** Of how many the action makes something else, at most; the rest stay as they are. */
export function fitting(action: BatchAction, { byStatus }: RunCount): number {
  return sum(byStatus, action === 'retry' ? ['failed', 'cancelled'] : OPEN)
}

/** What becomes of a set, in sentences. */
export function consequences(action: BatchAction, count: RunCount): string[] {
  const fit = fitting(action, count)
  const rest = count.count - fit
  const begun = sum(count.byStatus, BEGUN)
  const said: Record<BatchAction, string[]> = {
    cancel: [
      `${runs(fit)} end${fit === 1 ? 's' : ''} as cancelled.`,
      begun > 0
        ? `${begun.toLocaleString('en')} of them ${are(begun)} at work: what the step at work has done so far is lost.`
        : '',
      fit > 0 ? 'Finished steps are kept, for a retry.' : '',
    ],
    pause: [
      `${runs(fit)} stop${fit === 1 ? 's' : ''} until resumed.`,
      begun > 0
        ? `${begun.toLocaleString('en')} of them ${are(begun)} at work: the step at work is done again from its beginning.`
        : '',
    ],
    resume: [`Those of ${runs(fit)} that are paused go on in their queues.`],
    retry: [
      `${runs(fit)} ${are(fit)} tried again, each as a new run that goes on after the steps that were finished.`,
      fit > 0 ? 'Those that were tried again already stay as they are.' : '',
    ],
    priority: [
      `${runs(fit)} that ${fit === 1 ? 'has' : 'have'} not ended ${fit === 1 ? 'gets' : 'get'} this priority.`,
    ],
  }
  const left =
    rest > 0
      ? `${runs(rest)} ${action === 'retry' ? `did not fail and ${stay(rest)}` : `${has(rest)} ended and ${stay(rest)}`} as ${rest === 1 ? 'it is' : 'they are'}.`
      : ''
  return [...said[action], left].filter((sentence) => sentence !== '')
}

/** `1 run`, `1,240 runs`. */
export function runs(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'run' : 'runs'}`
}

const are = (count: number) => (count === 1 ? 'is' : 'are')
const has = (count: number) => (count === 1 ? 'has' : 'have')
const stay = (count: number) => (count === 1 ? 'stays' : 'stay')

function sum(byStatus: RunCount['byStatus'], statuses: readonly RunStatus[]): number {
  return statuses.reduce((all, status) => all + (byStatus[status] ?? 0), 0)
}

/** The verb on a button, and what is said while it goes on and when it is over. */
export const BATCH_WORDS: Record<BatchAction, { verb: string; going: string; over: string }> = {
  cancel: { verb: 'Cancel', going: 'Cancelling', over: 'cancelled' },
  pause: { verb: 'Pause', going: 'Pausing', over: 'paused' },
  resume: { verb: 'Resume', going: 'Resuming', over: 'resumed' },
  retry: { verb: 'Retry', going: 'Trying again', over: 'tried again' },
  priority: { verb: 'Set priority of', going: 'Setting the priority of', over: 'given another priority' },
}

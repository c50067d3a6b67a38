import { expect, it } from 'vitest'
import { canonical, type ToldRun } from '../history.ts'
import { checkRun, type RunLeft } from './check-runs.ts'
import type { WorkFound } from './work.ts'

type Did = [type: string, attempt: number, step?: number]

const begun: Did[] = [
  ['began', 1],
  ['did', 1, 1],
]
const whole: Did[] = [...begun, ['did', 1, 2], ['ended', 1]]

interface Given {
  told?: Partial<ToldRun>
  status?: string
  /** Rows in its table; default those its stream tells of. */
  rows?: [step: number, attempt: number][]
  sealed?: boolean
  /** The events of its own stream; default those that belong to the others. */
  journal?: readonly object[]
  /** Instead of what the server would have. */
  found?: Partial<WorkFound>
}

/** What is found of a run of two steps whose stream holds these events. */
function found(events: readonly Did[] | null, given: Given = {}): string[] {
  const { told, status = 'done', rows, sealed = true } = given
  const run: ToldRun = { id: 'r', stream: 'work/r', steps: 2, started: 'ok', cancelled: 'not asked', ...told }
  const texts = (events ?? []).map(([type, attempt, step]) =>
    canonical({ type, attempt, ...(step ? { step } : {}), ...(type === 'ended' ? { status } : {}) }),
  )
  const told_ = (events ?? []).flatMap(([, attempt, step]) => (step ? [[step, attempt] as const] : []))
  const written = (rows ?? told_).map(([step, attempt]) => ({ step, attempt }))
  const left: RunLeft = events && {
    found: { ...serverHas(events, status, written), rows: written, ...given.found },
    log: { stream: 'work/r', incarnation: 7, events: texts, sealed },
    journal: {
      ...{ stream: 'runs/r', incarnation: 8, sealed },
      events: (given.journal ?? serverTells(events, status, written)).map(canonical),
    },
  }
  return [...new Set(checkRun(run, left).map(({ kind }) => kind))]
}

type Row = WorkFound['rows'][number]

/** What the server's own tables hold of such a run. */
function serverHas(events: readonly Did[], status: string, rows: readonly Row[]): WorkFound {
  const numbers = [...new Set(events.map(([, attempt]) => attempt))]
  const attempts = numbers.map((attempt, index) => ({
    attempt,
    outcome: index === numbers.length - 1 ? status : 'lost',
  }))
  const steps = rows.map(({ step, attempt }) => ({ key: String(step), status: 'done', attempt }))
  return { status, error: null, rows, attempts, steps, outbox: 1 }
}

/** What the server tells of it in the run's own stream. */
function serverTells(events: readonly Did[], status: string, rows: readonly Row[]): object[] {
  const began = events.filter(([type]) => type === 'began').map(([, attempt]) => ({ type: 'working', attempt }))
  const done = rows.map(({ step, attempt }) => ({ type: 'step_done', key: String(step), attempt }))
  const inOrder = [...began, ...done].sort((a, b) => a.attempt - b.attempt)
  return [{ type: 'queued' }, ...inOrder, ...events.filter(([type]) => type === 'ended').map(() => ({ type: status }))]
}

it('[HIST16] a run that did each step once, over however many attempts, is in order', () => {
  expect(found(whole)).toEqual([])
  expect(found([...begun, ['began', 3], ['did', 3, 2], ['ended', 3]])).toEqual([])
  expect(found([...begun, ['ended', 1]], { status: 'cancelled', told: { cancelled: 'ok' } })).toEqual([])
  expect(found(null, { told: { started: 'unknown' } })).toEqual([])
})

it('[HIST16] a step done twice is found, one left out, one out of order, and one its tables do not know', () => {
  expect(found([...begun, ['did', 1, 1], ['did', 1, 2], ['ended', 1]])).toEqual(['step'])
  expect(found([...begun, ['ended', 1]])).toEqual(['step'])
  expect(
    found([
      ['began', 1],
      ['did', 1, 2],
      ['did', 1, 1],
      ['ended', 1],
    ]),
  ).toEqual(['step'])
  expect(found(whole, { rows: [[1, 1]] })).toEqual(['step'])
  expect(
    found(whole, {
      rows: [
        [1, 1],
        [2, 1],
        [2, 1],
      ],
    }),
  ).toEqual(['step'])
})

it('[HIST16] a word of an attempt after the first of a newer one is found', () => {
  expect(found([...begun, ['began', 2], ['did', 1, 2], ['ended', 2]])).toEqual(['unfenced'])
  expect(
    found([
      ['began', 1],
      ['began', 2],
      ['did', 2, 1],
      ['did', 2, 2],
      ['ended', 1],
    ]),
  ).toEqual(['unfenced'])
})

it('[HIST16] a run that is lost, never ends, ends twice or otherwise than was acknowledged, is found', () => {
  expect(found(null)).toEqual(['run'])
  expect(found(begun, { status: 'working', sealed: false })).toEqual(['run', 'seal'])
  expect(found(whole, { status: 'failed' })).toEqual(['run'])
  expect(found([...whole, ['ended', 1]])).toEqual(['run'])
  expect(found(whole, { told: { cancelled: 'ok' } })).toEqual(['run'])
  expect(found(whole, { status: 'cancelled' })).toEqual(['run'])
  expect(found(whole, { told: { cancelled: 'late' } })).toEqual([])
  expect(found(whole, { sealed: false })).toEqual(['seal'])
  expect(found(whole, { told: { started: 'fail' } })).toEqual(['phantom'])
})

it('[HIST20] a row of an attempt there never was, or that is remembered otherwise, is found', () => {
  expect(found(whole, { found: { attempts: [{ attempt: 2, outcome: 'done' }] } })).toEqual(['unfenced'])
  const steps = [
    { key: '1', status: 'done', attempt: 1 },
    { key: '2', status: 'done', attempt: 2 },
  ]
  expect(found(whole, { found: { steps } })).toEqual(['step'])
  expect(found(whole, { found: { steps: steps.slice(0, 1) } })).toEqual(['step'])
})

it('[HIST20] an end that the outside is told of twice or never, or that leaves an attempt at work, is found', () => {
  expect(found(whole, { found: { outbox: 2 } })).toEqual(['run'])
  expect(found(whole, { found: { outbox: 0 } })).toEqual(['run'])
  expect(found(whole, { found: { attempts: [{ attempt: 1, outcome: 'working' }] } })).toEqual(['run'])
})

it('[HIST20] a stream of the run’s own that ends twice or not at all, doubles a step or hears an old attempt, is found', () => {
  const queued = { type: 'queued' }
  const first = { type: 'working', attempt: 1 }
  const one = { type: 'step_done', key: '1', attempt: 1 }
  const two = { type: 'step_done', key: '2', attempt: 1 }
  const done = { type: 'done' }
  expect(found(whole, { journal: [queued, first, one, two, done] })).toEqual([])
  expect(found(whole, { journal: [queued, first, one, two, done, done] })).toEqual(['run'])
  expect(found(whole, { journal: [queued, first, one, two] })).toEqual(['run', 'seal'])
  expect(found(whole, { journal: [queued, first, one, two, { type: 'failed' }] })).toEqual(['run'])
  expect(found(whole, { journal: [queued, first, one, one, two, done] })).toEqual(['step'])
  const late = [queued, first, { type: 'lost', attempt: 1 }, { type: 'working', attempt: 2 }, one, two, done]
  expect(found(whole, { journal: late })).toEqual(['unfenced'])
})

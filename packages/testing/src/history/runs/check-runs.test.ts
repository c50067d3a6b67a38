import { expect, it } from 'vitest'
import { canonical, type ToldRun } from '../history.ts'
import { checkRun, type RunLeft } from './check-runs.ts'

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
}

/** What is found of a run of two steps whose stream holds these events. */
function found(events: readonly Did[] | null, { told, status = 'done', rows, sealed = true }: Given = {}): string[] {
  const run: ToldRun = { id: 'r', stream: 'work/r', steps: 2, started: 'ok', cancelled: 'not asked', ...told }
  const texts = (events ?? []).map(([type, attempt, step]) =>
    canonical({ type, attempt, ...(step ? { step } : {}), ...(type === 'ended' ? { status } : {}) }),
  )
  const told_ = (events ?? []).flatMap(([, attempt, step]) => (step ? [[step, attempt] as const] : []))
  const left: RunLeft = events && {
    found: { status, error: null, rows: (rows ?? told_).map(([step, attempt]) => ({ step, attempt })) },
    log: { stream: 'work/r', incarnation: 7, events: texts, sealed },
  }
  return [...new Set(checkRun(run, left).map(({ kind }) => kind))]
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

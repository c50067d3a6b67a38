import { INITIAL_RUN_STATE, type RunState, type StepView } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { withRunning } from './with-running.ts'

const stepOf = (key: string, change: Partial<StepView> = {}): StepView => ({
  key,
  status: 'done',
  effect: 'idempotent',
  provider: null,
  runId: 'r1',
  reused: false,
  attempt: 1,
  tries: 1,
  startedAt: '2026-11-22T00:00:00.000Z',
  endedAt: '2026-11-22T00:00:01.000Z',
  error: null,
  retryAt: null,
  output: null,
  ...change,
})

const running = (...steps: [key: string, time: number][]): RunState => ({
  ...INITIAL_RUN_STATE,
  attempt: 2,
  steps: {
    ...INITIAL_RUN_STATE.steps,
    running: steps.map(([key, time]) => ({ key, try: time, since: '2026-11-22T00:00:02.000Z', provider: 'apollo' })),
  },
})

describe('steps with those that run', () => {
  it('[PG61] have the ones only the stream knows, last', () => {
    const steps = withRunning([stepOf('a')], running(['b', 1]), 'r1')
    expect(steps.map(({ key, status, attempt, provider }) => [key, status, attempt, provider])).toEqual([
      ['a', 'done', 1, null],
      ['b', 'working', 2, 'apollo'],
    ])
  })

  it('[PG61] show another try of one that failed as working, and leave what was read since', () => {
    const failed = stepOf('a', { status: 'failed', retryAt: '2026-11-22T00:00:02.000Z' })
    const [again] = withRunning([failed], running(['a', 2]), 'r1')
    expect(again).toMatchObject({ status: 'working', tries: 2, endedAt: null, retryAt: null })
    expect(withRunning([stepOf('a')], running(['a', 1]), 'r1')).toEqual([stepOf('a')])
    expect(withRunning([stepOf('a')], null, 'r1')).toEqual([stepOf('a')])
  })
})

import type { StepView } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { stepLookOf } from './step-looks.ts'

const failed: StepView = {
  key: 'fetch',
  status: 'failed',
  effect: 'idempotent',
  provider: null,
  runId: 'r1',
  reused: false,
  attempt: 1,
  tries: 1,
  startedAt: '2026-11-22T00:00:00.000Z',
  endedAt: '2026-11-22T00:00:01.000Z',
  error: { code: 'TIMEOUT', message: 'It took too long.' },
  retryAt: null,
  output: null,
}

describe('how a step stands', () => {
  it('[PG61] tells one whose worker went from one that failed, and that from one that is tried again', () => {
    expect(stepLookOf(failed).word).toBe('Failed')
    expect(stepLookOf({ ...failed, endedAt: null, error: null }).word).toBe('Cut off')
    expect(stepLookOf({ ...failed, retryAt: '2026-11-22T00:00:02.000Z' }).word).toBe('Tried again soon')
  })
})

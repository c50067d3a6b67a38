import { INITIAL_RUN_STATE, type RunDetails, type RunProgress, type RunState } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { joinRun, signOf } from './join-run.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 0, 0, seconds)).toISOString()

const DETAILS: RunDetails = {
  id: 'r1',
  name: 'enrich',
  version: 1,
  status: 'waiting',
  since: at(10),
  waits: [{ kind: 'sleep', name: 'rest', until: at(60) }],
  why: 'It sleeps.',
  queue: 'enrich',
  priority: 5,
  position: null,
  attempt: 1,
  worker: null,
  progress: null,
  error: null,
  cause: null,
  runStream: 'runs/r1',
  stream: 'runs/r1',
  retryOf: null,
  retriedBy: null,
  parentId: null,
  scheduleId: null,
  cancelRequested: false,
  paused: false,
  revision: 3,
  createdAt: at(0),
  dueAt: at(0),
  startedAt: at(1),
  endedAt: null,
  input: {},
  result: null,
  attempts: [],
  line: [],
  children: [],
  commands: ['cancel', 'pause'],
}

const stateOf = (change: Partial<RunState>): RunState => ({ ...INITIAL_RUN_STATE, since: at(10), ...change })

const progressOf = (percent: number, message: string): RunProgress => ({
  percent,
  phase: null,
  done: 0,
  total: null,
  unit: null,
  rate: null,
  left: null,
  message,
})

describe('a run as its stream and an answer tell it', () => {
  it('[PG60] stands as the newer of the two says', () => {
    const later = joinRun(DETAILS, stateOf({ status: 'working', since: at(20), attempt: 2, worker: 'w' }))
    expect(later).toMatchObject({ status: 'working', since: at(20), attempt: 2, worker: 'w', waits: [], why: null })
    expect(joinRun(DETAILS, stateOf({ status: 'working', since: at(5) }))).toMatchObject({ status: 'waiting' })
    expect(joinRun(DETAILS, null)).toBe(DETAILS)
    expect(joinRun(DETAILS, INITIAL_RUN_STATE)).toBe(DETAILS)
  })

  it('[PG60] has ended once either says so, and then takes nothing but a retry', () => {
    const failed = { code: 'FAULT', message: 'broke' }
    const told = stateOf({ status: 'failed', since: at(30), endedAt: at(30), error: failed })
    expect(joinRun(DETAILS, told)).toMatchObject({ status: 'failed', error: failed, endedAt: at(30), commands: [] })
    const done: RunDetails = { ...DETAILS, status: 'done', since: at(30), commands: ['retry'] }
    const before = stateOf({ status: 'working', since: at(30) })
    expect(joinRun(done, before)).toMatchObject({ status: 'done', commands: ['retry'] })
  })

  it('[PG60] has the progress that is further, of two alike that of the stream', () => {
    const joined = (known: number, told: number) =>
      joinRun({ ...DETAILS, progress: progressOf(known, 'known') }, stateOf({ progress: progressOf(told, 'told') }))
        .progress?.message
    expect([joined(40, 30), joined(30, 40), joined(40, 40)]).toEqual(['known', 'told', 'told'])
  })

  it('[PG60] is read anew when something has changed that its stream tells in part only, not for progress', () => {
    const state = stateOf({ status: 'working' })
    expect(signOf({ ...state, progress: progressOf(3, '') })).toBe(signOf(state))
    const command = { id: 'c1', command: 'pause', by: 'user:ada', at: at(11) }
    expect(signOf({ ...state, commands: [command] })).not.toBe(signOf(state))
    expect(signOf({ ...state, steps: { ...state.steps, unknown: 1 } })).not.toBe(signOf(state))
  })
})

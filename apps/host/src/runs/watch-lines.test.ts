import { stripVTControlCharacters } from 'node:util'
import { type RunEvent, type RunProgress, type RunState, runStream } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { textWidth } from '../text-width.ts'
import { eventLines, stateLines } from './watch-lines.ts'

const NOW = Date.UTC(2026, 0, 1, 12, 0, 30)
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString()
const said = (event: RunEvent) => eventLines(event, 'r1', NOW).map(stripVTControlCharacters)

const progress: RunProgress = {
  percent: 42.9,
  phase: 'read',
  done: 12,
  total: 80,
  unit: 'files',
  rate: 3.4,
  left: { seconds: 130, low: 125, high: 135 },
  message: null,
}

function stateAfter(...events: RunEvent[]): RunState {
  return events.reduce((state, event) => runStream.apply(state, event), runStream.initial)
}

describe('eventLines', () => {
  it.each<[RunEvent, string]>([
    [{ type: 'working', timestamp: at(5), attempt: 2, worker: 'node-1' }, 'Working, attempt 2, at node-1'],
    [{ type: 'quiet', timestamp: at(5), attempt: 1, since: at(4) }, 'Quiet: no sign of life since 12:00:04'],
    [{ type: 'lost', timestamp: at(5), attempt: 1 }, 'Lost: its worker is gone; another one takes it'],
    [
      { type: 'waiting', timestamp: at(5), waits: [{ kind: 'event', name: 'approval', question: 'Send it?' }] },
      'Waiting: it asks: Send it?; npx holdfast run approve|reject r1',
    ],
    [
      { type: 'waiting', timestamp: at(5), waits: [{ kind: 'event', name: 'the size' }] },
      `Waiting: it waits for "the size"; npx holdfast run answer r1 'the size'`,
    ],
    [
      { type: 'waiting', timestamp: at(5), waits: [{ kind: 'sleep', name: 'pause', until: at(50) }] },
      'Waiting: it sleeps for 20 s',
    ],
    [
      {
        type: 'waiting',
        timestamp: at(5),
        waits: [{ kind: 'retry', name: 'read', until: at(34), error: { code: 'TIMEOUT', message: 'Too slow.' } }],
      },
      'Waiting: it waits for the next try of the step read in 4 s: Too slow. (TIMEOUT)',
    ],
    [
      { type: 'step_done', timestamp: at(5), key: 'read', attempt: 1, try: 1, startedAt: at(4), ms: 1234 },
      'Step read 1.2 s',
    ],
    [
      {
        type: 'step_failed',
        timestamp: at(5),
        key: 'read',
        attempt: 1,
        try: 1,
        startedAt: at(4),
        ms: 9,
        error: { code: 'TIMEOUT', message: 'Too slow.' },
        retryAt: at(34),
      },
      'Step read failed Too slow. (TIMEOUT); tried again in 4 s',
    ],
    [
      { type: 'step_unknown', timestamp: at(5), key: 'mail', attempt: 1 },
      'Step mail: nobody knows whether it was done; npx holdfast run decide r1 mail done|repeat|fail',
    ],
    [{ type: 'log', timestamp: at(5), level: 'warn', message: 'half of it' }, 'warn: half of it'],
    [{ type: 'commanded', timestamp: at(5), id: 'c', command: 'cancel', by: 'ann' }, 'cancel, by ann'],
  ])('[HOST26] tells what happened in the words of the page: %j', (event, text) => {
    expect(said(event)).toEqual([`12:00:05  ${text}`])
  })

  it('[HOST14] prints nothing a terminal would act on', () => {
    expect(said({ type: 'log', timestamp: at(5), level: 'info', message: 'a\x1b[2Jb' })).toEqual(['12:00:05  a�[2Jb'])
  })

  it('[HOST26] says nothing of what the lines below show, nor of the end, which is told with what came of it', () => {
    expect(said({ type: 'progress', timestamp: at(5), progress })).toEqual([])
    expect(said({ type: 'done', timestamp: at(5) })).toEqual([])
  })
})

describe('stateLines', () => {
  const state = stateAfter(
    { type: 'working', timestamp: at(1), attempt: 1, worker: 'node-1' },
    { type: 'progress', timestamp: at(2), progress },
    { type: 'step_started', timestamp: at(10), key: 'read', attempt: 1, try: 1, effect: 'idempotent' },
  )

  it('[HOST26] shows how far the run is, what it does and what is left', () => {
    expect(stateLines(state, 'r1', 120, NOW).map(stripVTControlCharacters)).toEqual([
      '━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌  42 %  Working  read  12 of 80 files  3.4 files/s  about 2 m 10 s left',
      '  read  20 s',
    ])
  })

  it.each([40, 60, 80, 200])('[HOST26] no line is wider than %i columns', (columns) => {
    for (const line of stateLines(state, 'r1', columns, NOW)) {
      expect(textWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(columns)
    }
  })

  it.each([
    [1, 'Working  1 step done'],
    [2, 'Working  2 steps done'],
  ])('[HOST26] counts the steps of a run that says no progress: %i', (done, line) => {
    const working = stateAfter({ type: 'working', timestamp: at(1), attempt: 1, worker: 'node-1' })
    const shown = stateLines({ ...working, steps: { ...working.steps, done } }, 'r1', 120, NOW)
    expect(shown.map(stripVTControlCharacters)).toEqual([line])
  })

  it('[HOST26] says what the run waits for, and with which command it is given that', () => {
    const waiting = stateAfter(
      { type: 'queued', timestamp: at(1), name: 'mail', version: 1, queue: 'mail', priority: 0 },
      { type: 'waiting', timestamp: at(2), waits: [{ kind: 'decision', name: 'send it' }] },
    )
    expect(stateLines(waiting, 'r1', 200, NOW).map(stripVTControlCharacters)).toEqual([
      'To decide',
      `  it waits for a decision, nobody knows whether the step send it was done; npx holdfast run decide r1 'send it' done|repeat|fail`,
    ])
  })
})

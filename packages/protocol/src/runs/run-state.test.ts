import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conflate } from '../conflate.ts'
import type { EventBase } from '../define-stream.ts'
import { hasEnded, RUN_STATUSES, type RunProgress, type RunState, runStream } from './index.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
/** As it is stored: checked and completed by the definition. */
const event = (fields: Record<string, unknown> & { type: string }, second = 0) =>
  runStream.parse({ timestamp: at(second), ...fields } as never, 0) as EventBase

const queued = event({ type: 'queued', name: 'mail', version: 2, queue: 'slow', priority: 5 })
const working = event({ type: 'working', attempt: 1, worker: 'w1' }, 1)
const started = (key: string, second = 2) =>
  event({ type: 'step_started', key, attempt: 1, try: 1, effect: 'idempotent' }, second)
const fold = (...events: EventBase[]): RunState => events.reduce(runStream.apply, runStream.initial)

const progress = (percent: number): RunProgress => ({
  percent,
  phase: 'read',
  done: percent,
  total: 100,
  unit: 'files',
  rate: null,
  left: null,
  message: null,
})
const fault = { code: 'UNAVAILABLE', message: 'Not now.', retryAfter: 3 }

// --- any event at all ---

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('a', 'b', '\u0001'.repeat(9_000), '💥'.repeat(5_000)),
)
const whole = fc.nat()
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const stamp = fc.nat(100_000).map(at)
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const anyFault = fc.record({ code: text, message: text, retryAfter: some(number) })
const anyWait = fc.oneof(
  fc.record({ kind: fc.constant('event'), name: text, question: some(text), until: some(text) }),
  fc.record({ kind: fc.constant('sleep'), name: text, until: text }),
  fc.record({ kind: fc.constant('retry'), name: text, until: text, error: anyFault }),
  fc.record({ kind: fc.constantFrom('provider', 'child', 'decision'), name: text }),
  fc.record({ kind: fc.constantFrom('paused', 'version') }),
  fc.record({ kind: fc.constant('parked'), error: anyFault }),
)
const anyProgress = fc.record({
  percent: fc.double({ min: 0, max: 100, noNaN: true }),
  phase: fc.option(text),
  done: number,
  total: fc.option(number),
  unit: fc.option(text),
  rate: fc.option(number),
  left: fc.option(fc.record({ seconds: number, low: number, high: number })),
  message: fc.option(text),
})
const tried = { key: text, attempt: whole, try: whole }
const ofType: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  queued: fc.record({
    name: text,
    version: whole,
    queue: text,
    priority: number,
    dueAt: some(text),
    retryOf: some(text),
    parent: some(text),
  }),
  working: fc.record({ attempt: whole, worker: text }),
  quiet: fc.record({ attempt: whole, since: text }),
  stalled: fc.record({ attempt: whole, since: text }),
  lost: fc.record({ attempt: whole }),
  waiting: fc.record({ waits: fc.array(anyWait, { maxLength: 60 }) }),
  progress: fc.record({ progress: anyProgress }),
  step_started: fc.record({ ...tried, effect: fc.constantFrom('idempotent', 'unsafe'), provider: some(text) }),
  step_done: fc.record({ ...tried, startedAt: text, ms: number, provider: some(text) }),
  step_failed: fc.record({ ...tried, startedAt: text, ms: number, error: anyFault, retryAt: some(text) }),
  step_reused: fc.record({ key: text, attempt: whole, run: text }),
  step_unknown: fc.record({ key: text, attempt: whole, error: some(anyFault) }),
  step_decided: fc.record({ key: text, decision: fc.constantFrom('done', 'repeat', 'fail'), by: text }),
  log: fc.record({ level: fc.constantFrom('debug', 'error'), message: text }),
  commanded: fc.record({ id: text, command: text, name: some(text), by: text }),
  child: fc.record({ run: text, name: text, status: fc.constantFrom('queued', 'done', 'failed', 'cancelled') }),
  done: fc.record({}),
  failed: fc.record({ error: anyFault, cause: text }),
  cancelled: fc.record({ by: some(text) }),
}
const types = Object.keys(ofType)
const eventOf = (type: string) =>
  fc
    .tuple(ofType[type] as fc.Arbitrary<object>, stamp)
    .map(([fields, timestamp]) => event({ ...fields, type, timestamp }))
const anyEvent = fc.constantFrom(...types).chain(eventOf)
const anyEvents = fc.array(anyEvent, { maxLength: 100 })
/** Of few types, so that events of one type follow each other. */
const alikeEvents = fc
  .uniqueArray(fc.constantFrom(...types), { minLength: 1, maxLength: 2 })
  .chain((few) => fc.array(fc.oneof(...[...few, 'progress'].map(eventOf)), { maxLength: 30 }))

describe('foldRun', () => {
  it('[RUNS1] tells how a run stands after each event that says so, and since when', () => {
    const kinds: [EventBase, Partial<RunState>][] = [
      [
        queued,
        { status: 'queued', name: 'mail', version: 2, queue: 'slow', priority: 5, queuedAt: at(0), since: at(0) },
      ],
      [working, { status: 'working', attempt: 1, worker: 'w1', startedAt: at(1), since: at(1) }],
      [event({ type: 'quiet', attempt: 1, since: at(2) }, 60), { status: 'quiet', since: at(2), worker: 'w1' }],
      [event({ type: 'stalled', attempt: 1, since: at(2) }, 240), { status: 'stalled', since: at(2), worker: 'w1' }],
      [event({ type: 'working', attempt: 1, worker: 'w1' }, 250), { status: 'working', startedAt: at(1) }],
      [event({ type: 'lost', attempt: 1 }, 300), { status: 'lost', worker: null, attempt: 1 }],
      [event({ type: 'working', attempt: 2, worker: 'w2' }, 301), { status: 'working', attempt: 2, worker: 'w2' }],
      [
        event({ type: 'waiting', waits: [{ kind: 'event', name: 'approval', question: 'Send it?' }] }, 302),
        { status: 'waiting', worker: null, waits: [{ kind: 'event', name: 'approval', question: 'Send it?' }] },
      ],
      [
        event({ type: 'queued', name: 'mail', version: 2, queue: 'slow', priority: 9 }, 303),
        { status: 'queued', waits: [], priority: 9, queuedAt: at(0), startedAt: at(1), worker: null },
      ],
      [event({ type: 'working', attempt: 3, worker: 'w1' }, 304), { status: 'working', attempt: 3, startedAt: at(1) }],
    ]
    let state = runStream.initial
    for (const [next, expected] of kinds) {
      state = runStream.apply(state, next)
      expect(state).toMatchObject(expected)
    }
    const ends: [EventBase, Partial<RunState>][] = [
      [event({ type: 'done' }, 400), { status: 'done', error: null }],
      [event({ type: 'failed', error: fault, cause: 'c' }, 400), { status: 'failed', error: fault }],
      [event({ type: 'cancelled', by: 'u1' }, 400), { status: 'cancelled', error: null }],
    ]
    for (const [end, expected] of ends) {
      const ended = runStream.apply(runStream.apply(state, started('send')), end)
      expect(ended).toMatchObject({ ...expected, endedAt: at(400), since: at(400), worker: null, waits: [] })
      expect(ended.steps.running).toEqual([])
      expect(runStream.isTerminal(end.type) && hasEnded(ended.status)).toBe(true)
    }
    const seen = [...kinds, ...ends].map(([next]) => next.type)
    expect(RUN_STATUSES.filter((status) => !seen.includes(status))).toEqual([])
  })

  it('[RUNS1] a run whose attempt gave it back, was lost or waits has nobody who works at it', () => {
    const busy = fold(queued, working, started('a'))
    for (const next of [queued, event({ type: 'lost', attempt: 1 }), event({ type: 'waiting', waits: [] })]) {
      const state = runStream.apply(busy, next)
      expect(state).toMatchObject({ worker: null, steps: { running: [] }, attempt: 1 })
    }
    // A new attempt begins without the steps of the one before; a sign of life of the same one keeps them.
    expect(runStream.apply(busy, event({ type: 'working', attempt: 2, worker: 'w2' })).steps.running).toEqual([])
    expect(runStream.apply(busy, working).steps.running).toHaveLength(1)
  })

  it('[RUNS2] counts steps, children and lines, and lists the steps that run', () => {
    const tried = { attempt: 1, try: 1, startedAt: at(2), ms: 5 }
    const child = (status: string) => event({ type: 'child', run: 'r', name: 'part', status })
    const state = fold(
      queued,
      working,
      started('a', 2),
      event({ type: 'step_started', key: 'b', attempt: 1, try: 1, effect: 'unsafe', provider: 'llm' }, 3),
      started('c', 4),
      event({ type: 'step_failed', key: 'a', error: fault, retryAt: at(9), ...tried }, 5),
      event({ type: 'step_started', key: 'a', attempt: 1, try: 2, effect: 'idempotent' }, 9),
      event({ type: 'step_done', key: 'c', ...tried }, 10),
      event({ type: 'step_reused', key: 'd', attempt: 1, run: 'r0' }, 10),
      event({ type: 'step_unknown', key: 'e', attempt: 1 }, 11),
      event({ type: 'step_unknown', key: 'f', attempt: 1 }, 11),
      event({ type: 'step_decided', key: 'e', decision: 'done', by: 'u1' }, 12),
      event({ type: 'log', level: 'info', message: 'a line' }, 12),
      child('queued'),
      child('queued'),
      child('done'),
    )
    expect(state.steps).toEqual({
      done: 1,
      failed: 1,
      reused: 1,
      unknown: 1,
      running: [
        { key: 'b', try: 1, since: at(3), provider: 'llm' },
        { key: 'a', try: 2, since: at(9), provider: null },
      ],
    })
    expect(state).toMatchObject({ logs: 1, children: { total: 2, done: 1, failed: 0, cancelled: 0 } })
  })

  it('[RUNS2] keeps the newest commands, the progress, and what it tries again or belongs to', () => {
    const commands = Array.from({ length: 25 }, (_, index) => {
      return event({ type: 'commanded', id: `c${index}`, command: 'pause', by: 'u1' }, index)
    })
    const first = event({
      type: 'queued',
      name: 'mail',
      version: 2,
      queue: 'slow',
      priority: 0,
      retryOf: 'r0',
      parent: 'p',
    })
    const state = fold(first, ...commands, event({ type: 'progress', progress: progress(40) }), queued)
    expect(state.commands.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => `c${index + 5}`))
    expect(state.commands[0]).toEqual({ id: 'c5', command: 'pause', by: 'u1', at: at(5) })
    expect(state).toMatchObject({ progress: progress(40), retryOf: 'r0', parent: 'p' })
  })

  it('[RUNS3] the state stays below 64 KB, whatever the events hold', () => {
    const size = (state: RunState) => Buffer.byteLength(JSON.stringify(state))
    fc.assert(
      fc.property(anyEvents, (events) => {
        expect(size(fold(...events))).toBeLessThan(65_536)
      }),
      { numRuns: 200 },
    )
    // As much of everything as there can be.
    const long = '\u0001'.repeat(9_000)
    const most = Array.from({ length: 300 }, (_, index) => `${index}${long}`)
    const error = { code: long, message: long, retryAfter: -1.5e-300 }
    const name = { name: long, queue: long, retryOf: long, parent: long }
    const step = { attempt: Number.MAX_SAFE_INTEGER, try: Number.MAX_SAFE_INTEGER }
    const full = fold(
      event({ type: 'queued', version: 1, priority: -1.5e-300, ...name }),
      event({ type: 'progress', progress: { ...progress(1), phase: long, unit: long, message: long } }),
      ...most.map((id) => event({ type: 'commanded', id, command: long, by: long })),
      event({ type: 'failed', error, cause: long }),
      event({ type: 'waiting', waits: most.map((key) => ({ kind: 'retry', name: key, until: long, error })) }),
      event({ type: 'working', worker: long, attempt: 2 }),
      ...most.map((key) => event({ type: 'step_started', key, effect: 'unsafe', provider: long, ...step })),
    )
    const waits = fold(
      event({ type: 'waiting', waits: most.map((key) => ({ kind: 'retry', name: key, until: long, error })) }),
    )
    expect(full.steps.running).toHaveLength(20)
    expect(waits.waits).toHaveLength(20)
    expect(size({ ...full, waits: waits.waits })).toBeLessThan(65_536)
  })

  it('[RUNS3] cuts a text only where it is too long, and never within a character', () => {
    const state = fold(
      event({ type: 'queued', name: '💥'.repeat(100), version: 1, queue: 'a'.repeat(200), priority: 0 }),
    )
    expect(state.queue).toBe('a'.repeat(200))
    expect(state.name).toBe(`${'💥'.repeat(49)}…`)
    // A step whose key was cut is still known by it.
    const key = 'k'.repeat(5_000)
    const running = fold(queued, working, started(key))
    expect(running.steps.running[0]?.key).toBe(`${'k'.repeat(297)}…`)
    const done = event({ type: 'step_done', key, attempt: 1, try: 1, startedAt: at(2), ms: 1 })
    expect(runStream.apply(running, done).steps).toMatchObject({ done: 1, running: [] })
  })

  it('[RUNS4] of progress only the newest counts: who is sent no other has the same state', () => {
    fc.assert(
      fc.property(alikeEvents, (events) => {
        const kept = conflate(events, (one) => runStream.replacementKey(one))
        expect(fold(...kept)).toEqual(fold(...events))
      }),
      { numRuns: 300 },
    )
    const three = [1, 2, 3].map((percent) => event({ type: 'progress', progress: progress(percent) }))
    expect(conflate(three, (one) => runStream.replacementKey(one))).toEqual([three[2]])
  })

  it('[RUNS5] an event of a newer server changes nothing', () => {
    fc.assert(
      fc.property(anyEvents, fc.string(), (events, type) => {
        fc.pre(!Object.hasOwn(ofType, type))
        const state = fold(...events)
        expect(runStream.apply(state, { type, timestamp: at(0), status: 'done' } as EventBase)).toBe(state)
      }),
    )
    for (const type of ['toString', '__proto__', 'constructor', 'step_']) {
      expect(runStream.apply(runStream.initial, { type, timestamp: at(0) })).toBe(runStream.initial)
    }
  })

  it('[RUNS6] knows every event the stream declares, and folds each without changing what was before', () => {
    expect(Object.keys(ofType).sort()).toEqual(Object.keys(runStream.events).sort())
    fc.assert(
      fc.property(anyEvents, anyEvent, (events, next) => {
        const state = fold(...events)
        const before = structuredClone(state)
        expect(RUN_STATUSES).toContain(runStream.apply(state, next).status)
        expect(state).toEqual(before)
      }),
    )
  })
})

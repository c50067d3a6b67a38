import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { IngestionEventEmitter } from './emitter.ts'
import { createEmitterWorld, type EmitterWorld, PROJECT } from './fixtures/fake-context.ts'
import type { IngestionEvent, IngestionResult, Phase, PhaseMetrics } from './streams.ts'

let world: EmitterWorld
beforeAll(async () => {
  world = await createEmitterWorld()
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => world.fill(false))

const metrics = (filesDone: number): PhaseMetrics => ({
  filesTotal: 1000,
  filesDone,
  filesFailed: 0,
  filesSkipped: 0,
  bytesTotal: 0,
  bytesDone: 0,
  chunks: 0,
  currentFile: null,
  ratePerSecond: 0,
  secondsLeft: null,
})
const result: IngestionResult = {
  ingestionId: 'i',
  files: { total: 1, done: 1, failed: 0, skipped: 0 },
  bytes: 1,
  chunks: 1,
  seconds: 1,
}

type Progress = IngestionEvent & { type: 'progress_update' }
const isProgress = (event: IngestionEvent): event is Progress => event.type === 'progress_update'
const done = (events: IngestionEvent[]) => events.filter(isProgress).map((event) => event.metrics.filesDone)
const at = (event: IngestionEvent) => Date.parse(event.timestamp)

describe('IngestionEventEmitter', () => {
  it('[P4a] tells a phase once, with its name, however many attempts begin it', async () => {
    const ingestion = await world.ingestion()
    const first = await ingestion.attempt()
    await first.emitPhaseStarted(PROJECT, 1, 'Looking')
    const second = await ingestion.attempt()
    await second.emitPhaseStarted(PROJECT, 1, 'Looking')
    await second.emitPhaseStarted(PROJECT, 2, 'Reading')
    const events = await ingestion.events()
    expect(events).toMatchObject([
      { type: 'phase_started', phase: 1, phaseName: 'discover', message: 'Looking' },
      { type: 'phase_started', phase: 2, phaseName: 'extract', message: 'Reading' },
    ])
  })

  it('[P4b] tells a report with its phase, percent and metrics', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    await emitter.emitPhaseStarted(PROJECT, 1, 'Looking')
    emitter.emitProgressUpdate(PROJECT, 1, 12.345, metrics(7))
    await world.pass(500)
    const [, progress] = await ingestion.events()
    expect(progress).toMatchObject({ type: 'progress_update', phase: 1, progressPercent: 12.3, metrics: metrics(7) })
    expect(progress && at(progress)).toBe(world.clock.now())
  })

  it('[ING26] what was counted never falls within a phase, also where another attempt counts it again', async () => {
    const ingestion = await world.ingestion()
    const first = await ingestion.attempt()
    await first.emitPhaseStarted(PROJECT, 1, 'Looking')
    first.emitProgressUpdate(PROJECT, 1, 40, { ...metrics(400), filesFailed: 3, bytesDone: 9000 })
    await world.pass(500)
    const second = await ingestion.attempt()
    second.emitProgressUpdate(PROJECT, 1, 1, metrics(10))
    await world.pass(500)
    second.emitProgressUpdate(PROJECT, 1, 45, { ...metrics(450), filesFailed: 9, bytesDone: 9500 })
    await world.pass(500)
    // In the next phase every file is to be dealt with again.
    await second.emitPhaseStarted(PROJECT, 2, 'Reading')
    second.emitProgressUpdate(PROJECT, 2, 0, metrics(0))
    await world.pass(500)
    const told = (await ingestion.events()).filter(isProgress)
    expect(told.map((event) => [event.metrics.filesDone, event.metrics.filesFailed, event.metrics.bytesDone])).toEqual([
      [400, 3, 9000],
      [400, 3, 9000],
      [450, 9, 9500],
      [0, 0, 0],
    ])
  })

  it('[P4c] ends with the result, as the last event of a sealed stream', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    await emitter.emitPhaseStarted(PROJECT, 1, 'Looking')
    await emitter.emitComplete(PROJECT, result)
    emitter.emitProgressUpdate(PROJECT, 1, 99, metrics(9))
    await world.pass(5_000)
    const events = await ingestion.events()
    expect(events.map(({ type }) => type)).toEqual(['phase_started', 'ingestion_complete'])
    expect(events.at(-1)).toMatchObject({ result })
    expect(await ingestion.isSealed()).toBe(true)
  })

  it('[P4d] ends with an error of its phase, with what can be tried again', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    const error = {
      errorCode: 'SOURCE_UNREACHABLE',
      message: 'Nobody answers.',
      recoverable: true,
      retryOptions: { scopes: ['all' as const], after: 30 },
    }
    await emitter.emitError(PROJECT, 1, error)
    const events = await ingestion.events()
    expect(events).toMatchObject([{ type: 'error', phase: 1, ...error }])
    expect(await ingestion.isSealed()).toBe(true)
  })

  it('[P4f] makes one of the updates within 500 ms, and it is the last', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    await world.pass(600)
    for (let report = 1; report <= 49; report += 1) {
      emitter.emitProgressUpdate(PROJECT, 1, report, metrics(report))
      await world.pass(10)
    }
    expect(done(await ingestion.events())).toEqual([1])
    await world.pass(500)
    expect(done(await ingestion.events())).toEqual([1, 49])
  })

  it('[P4g] tells the last value of a phase also when the next has begun', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    emitter.emitProgressUpdate(PROJECT, 1, 50, metrics(1))
    emitter.emitProgressUpdate(PROJECT, 1, 100, metrics(2))
    await emitter.emitPhaseStarted(PROJECT, 2, 'Reading')
    emitter.emitProgressUpdate(PROJECT, 2, 10, metrics(3))
    emitter.emitProgressUpdate(PROJECT, 2, 20, metrics(4))
    await world.pass(10_000)
    const progress = (await ingestion.events()).filter(isProgress)
    expect(progress.map(({ phase, metrics }) => [phase, metrics.filesDone])).toEqual([
      [1, 2],
      [2, 4],
    ])
    expect(world.clock.pending).toBeLessThan(5)
  })

  it('[P4h] has what waits told by the terminal event, each phase in its order', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    for (const phase of [1, 2, 3, 4] as const) {
      await emitter.emitPhaseStarted(PROJECT, phase, 'Now')
      emitter.emitProgressUpdate(PROJECT, phase, 100, metrics(phase))
    }
    await emitter.emitComplete(PROJECT, result)
    const events = await ingestion.events()
    expect(done(events)).toEqual([1, 2, 3, 4])
    expect(events.at(-1)?.type).toBe('ingestion_complete')
  })

  it('[P4g] tells the last value of a phase also when the disk was full at first', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    await emitter.emitPhaseStarted(PROJECT, 1, 'Looking')
    emitter.emitProgressUpdate(PROJECT, 1, 100, metrics(1))
    world.fill(true)
    await world.pass(600)
    await expect(emitter.emitPhaseStarted(PROJECT, 2, 'Reading')).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    emitter.emitProgressUpdate(PROJECT, 2, 10, metrics(2))
    await world.pass(5_600)
    emitter.emitProgressUpdate(PROJECT, 2, 20, metrics(3))
    await world.pass(600)
    world.fill(false)
    await world.pass(2_000)
    expect(done(await ingestion.events())).toEqual([1, 3])
    await world.pass(5_000)
    expect((await ingestion.row()).metrics).toContain('"filesDone":3')
  })

  it('[P4g] tells with the end what a full disk kept from being told', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    emitter.emitProgressUpdate(PROJECT, 1, 100, metrics(1))
    world.fill(true)
    await world.pass(600)
    await expect(emitter.emitComplete(PROJECT, result)).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    world.fill(false)
    await emitter.emitComplete(PROJECT, result)
    const events = await ingestion.events()
    expect([done(events), events.at(-1)?.type]).toEqual([[1], 'ingestion_complete'])
  })

  it('[ING4] never lets a percent fall, within an attempt or from one to the next', async () => {
    const ingestion = await world.ingestion()
    const first = await ingestion.attempt()
    await first.emitPhaseStarted(PROJECT, 1, 'Looking')
    first.emitProgressUpdate(PROJECT, 1, 60, metrics(6))
    await world.pass(500)
    first.emitProgressUpdate(PROJECT, 1, 30, metrics(3))
    await world.pass(500)
    const second = await ingestion.attempt()
    second.emitProgressUpdate(PROJECT, 1, 5, metrics(0))
    await world.pass(500)
    second.emitProgressUpdate(PROJECT, 1, 250, metrics(10))
    await world.pass(500)
    const percents = (await ingestion.events()).filter(isProgress).map((event) => event.progressPercent)
    expect(percents).toEqual([60, 60, 60, 100])
  })

  it('[ING4] writes nothing once another attempt has begun', async () => {
    const ingestion = await world.ingestion()
    const first = await ingestion.attempt()
    await first.emitPhaseStarted(PROJECT, 1, 'Looking')
    first.emitProgressUpdate(PROJECT, 1, 60, metrics(6))
    const second = await ingestion.attempt()
    await world.pass(6_000)
    await expect(first.emitPhaseStarted(PROJECT, 2, 'Late')).rejects.toMatchObject({ code: 'FENCED' })
    await expect(first.emitComplete(PROJECT, result)).rejects.toMatchObject({ code: 'FENCED' })
    expect(await ingestion.events()).toHaveLength(1)
    expect((await ingestion.row()).metrics).toBeNull()
    await second.emitComplete(PROJECT, result)
    expect(await ingestion.events()).toHaveLength(2)
  })
})

describe('The table ingestion_progress', () => {
  it('[P5a] is written on each phase start', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    const seen: unknown[] = []
    for (const phase of [1, 2, 3, 4] as const) {
      await world.pass(10)
      await emitter.emitPhaseStarted(PROJECT, phase, 'Now')
      const { current_phase, progress_percent, updated_at } = await ingestion.row()
      expect(updated_at).toBe(world.clock.now())
      seen.push([current_phase, progress_percent])
    }
    // Weighted 10, 50, 20, 20.
    expect(seen).toEqual([
      [1, 0],
      [2, 10],
      [3, 60],
      [4, 80],
    ])
  })

  it('[P5b] gets a snapshot of the metrics every five seconds while there is something new', async () => {
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    await emitter.emitPhaseStarted(PROJECT, 1, 'Looking')
    const snapshots: [number, number | null][] = []
    let known: string | null = null
    const begun = world.clock.now()
    for (let tick = 0; tick < 260; tick += 1) {
      if (tick < 160) emitter.emitProgressUpdate(PROJECT, 1, tick / 2, metrics(tick))
      await world.pass(100)
      const { metrics: text } = await ingestion.row()
      if (text === known) continue
      known = text
      snapshots.push([world.clock.now() - begun, text === null ? null : JSON.parse(text).filesDone])
    }
    expect(snapshots).toEqual([
      [5_000, 49],
      [10_000, 99],
      [15_000, 149],
      [20_000, 159],
    ])
  })

  it('[P5b] leaves no timer behind when it has ended', async () => {
    const before = world.clock.pending
    const ingestion = await world.ingestion()
    const emitter = await ingestion.attempt()
    emitter.emitProgressUpdate(PROJECT, 1, 1, metrics(1))
    await emitter.emitComplete(PROJECT, result)
    expect(world.clock.pending).toBe(before)
  })
})

type Step = { kind: 'report'; percent: number } | { kind: 'pass'; ms: number } | { kind: 'next' } | { kind: 'crash' }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      percent: fc.double({ min: 0, max: 100, noNaN: true }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 900 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'next' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
)

describe('Any order of reports, pauses, phases and crashes', () => {
  it('[P4e] tells at most two progress events in any second, loses no last value, and never falls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const ingestion = await world.ingestion()
        let emitter: IngestionEventEmitter = await ingestion.attempt()
        let phase: Phase = 1
        let reports = 0
        const last = new Map<Phase, number>()
        await emitter.emitPhaseStarted(PROJECT, phase, 'Now')
        for (const action of steps) {
          if (action.kind === 'pass') await world.pass(action.ms)
          if (action.kind === 'report') {
            reports += 1
            last.set(phase, reports)
            emitter.emitProgressUpdate(PROJECT, phase, action.percent, metrics(reports))
          }
          if (action.kind === 'next' && phase < 4) {
            phase = (phase + 1) as Phase
            await emitter.emitPhaseStarted(PROJECT, phase, 'Now')
          }
          if (action.kind === 'crash') {
            emitter = await ingestion.attempt()
            // What a dead attempt had not told is not lost: the next one reports it anew.
            last.clear()
            await emitter.emitPhaseStarted(PROJECT, phase, 'Now')
          }
        }
        const before = (await ingestion.events()).length
        await emitter.emitComplete(PROJECT, result)
        check(await ingestion.events(), before, last)
      }),
      { numRuns: 300, seed: 4 },
    )
  })
})

function check(events: IngestionEvent[], told: number, last: Map<Phase, number>): void {
  const times = events.slice(0, told).filter(isProgress).map(at)
  for (const [index, time] of times.entries()) {
    expect((times[index + 2] ?? Number.POSITIVE_INFINITY) - time, 'three within a second').toBeGreaterThanOrEqual(1000)
  }
  const flushed = events.slice(told).filter(isProgress)
  expect(new Set(flushed.map(({ phase }) => phase)).size).toBe(flushed.length)
  for (const phase of [1, 2, 3, 4] as const) {
    const own = events.filter(isProgress).filter((event) => event.phase === phase)
    const percents = own.map((event) => event.progressPercent)
    expect(percents).toEqual([...percents].sort((a, b) => a - b))
    if (last.has(phase)) expect(own.at(-1)?.metrics.filesDone).toBe(last.get(phase))
    const starts = events.filter((event) => event.type === 'phase_started' && event.phase === phase)
    expect(starts.length).toBeLessThanOrEqual(1)
  }
  expect(events.at(-1)?.type).toBe('ingestion_complete')
  expect(events.filter(({ type }) => type === 'ingestion_complete')).toHaveLength(1)
}

import { conflate } from '@holdfast/protocol'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type IngestionEvent,
  IngestionResult,
  type IngestionState,
  ingestionStream,
  PhaseMetrics,
  projectStream,
  projectsStream,
  RetryOptions,
} from './streams.ts'

const metrics: PhaseMetrics = {
  filesTotal: 10,
  filesDone: 3,
  filesFailed: 1,
  filesSkipped: 2,
  bytesTotal: 1000,
  bytesDone: 400,
  chunks: 12,
  currentFile: 'docs/a.md',
  ratePerSecond: 4.5,
  secondsLeft: null,
}
const result: IngestionResult = {
  ingestionId: 'i1',
  files: { total: 10, done: 7, failed: 1, skipped: 2 },
  bytes: 1000,
  chunks: 12,
  seconds: 1.5,
}
const started = { type: 'phase_started', phase: 1, phaseName: 'discover', message: 'Looking' } as const
const progress = { type: 'progress_update', phase: 1, progressPercent: 40, metrics } as const
const complete = { type: 'ingestion_complete', result } as const
const failed = { type: 'error', phase: 2, errorCode: 'INTERNAL_ERROR', message: 'No.', recoverable: true } as const

type Input = Parameters<typeof ingestionStream.parse>[0]
const parse = (event: unknown) => ingestionStream.parse(event as Input, Date.UTC(2026, 0, 1))
const refused = (event: unknown) => {
  try {
    parse(event)
  } catch (error) {
    return (error as { errors?: { field: string }[] }).errors?.map(({ field }) => field) ?? []
  }
  return expect.fail(`${JSON.stringify(event)} was taken`)
}
const fold = (events: object[], from: IngestionState = ingestionStream.initial) =>
  events.reduce<IngestionState>(
    (state, event, index) =>
      ingestionStream.apply(state, { timestamp: `2026-01-01T00:00:0${index}.000Z`, ...event } as IngestionEvent),
    from,
  )

describe('The events of an ingestion', () => {
  it('[P1a] phase_started has a phase of 1 to 4, its name and a message', () => {
    expect(parse(started)).toEqual({ ...started, timestamp: '2026-01-01T00:00:00.000Z' })
    expect(refused({ ...started, phase: 0 })).toContain('phase')
    expect(refused({ ...started, phase: 5 })).toContain('phase')
    expect(refused({ ...started, phaseName: 'nap' })).toEqual(['phaseName'])
    expect(refused({ type: 'phase_started', phase: 1, phaseName: 'discover' })).toEqual(['message'])
  })

  it('[P1b] progress_update has a percent of 0 to 100 and metrics', () => {
    expect(parse(progress)).toMatchObject(progress)
    expect(refused({ ...progress, progressPercent: 100.1 })).toEqual(['progressPercent'])
    expect(refused({ ...progress, progressPercent: -1 })).toEqual(['progressPercent'])
    expect(refused({ ...progress, progressPercent: Number.NaN })).toEqual(['progressPercent'])
    expect(refused({ ...progress, metrics: null })).toEqual(['metrics'])
  })

  it('[P1c] ingestion_complete has a result, and ends the stream', () => {
    expect(parse(complete)).toMatchObject(complete)
    expect(refused({ type: 'ingestion_complete' })).toEqual(['result'])
    expect(ingestionStream.isTerminal('ingestion_complete')).toBe(true)
  })

  it('[P1d] error has phase, code, message and whether it can be recovered from, and ends the stream', () => {
    const full = { ...failed, retryOptions: { scopes: ['all', 'phase', 'file'], after: 30 } }
    expect(parse(failed)).toMatchObject(failed)
    expect(parse(full)).toMatchObject(full)
    expect(refused({ type: 'error', phase: 2 })).toEqual(['errorCode', 'message', 'recoverable'])
    expect(ingestionStream.isTerminal('error')).toBe(true)
    expect(ingestionStream.isTerminal('progress_update')).toBe(false)
  })

  it('[P1e] are typed by their schemas', () => {
    expectTypeOf<Extract<IngestionEvent, { type: 'progress_update' }>>().toMatchTypeOf<{
      timestamp: string
      phase: 1 | 2 | 3 | 4
      progressPercent: number
      metrics: PhaseMetrics
    }>()
    expectTypeOf<IngestionEvent['type']>().toEqualTypeOf<
      'phase_started' | 'progress_update' | 'ingestion_complete' | 'error'
    >()
    // A type of its own for each; a wrong one would not compile.
    expectTypeOf<PhaseMetrics['secondsLeft']>().toEqualTypeOf<number | null>()
  })

  it('[P1f] are refused by the writer where a field is wrong, named to the field', () => {
    expect(refused({ ...progress, metrics: { ...metrics, filesDone: -1, ratePerSecond: 'fast' } })).toEqual([
      'metrics.filesDone',
      'metrics.ratePerSecond',
    ])
    expect(() => parse({ type: 'phase_paused' })).toThrow(/no event/)
    expect(() => parse({ type: 'toString' })).toThrow(/no event/)
  })

  it('[P1f] from a newer version are read all the same: unknown fields are kept out, unknown types fold to nothing', () => {
    expect(parse({ ...started, mood: 'good' })).not.toHaveProperty('mood')
    const known = fold([started])
    expect(fold([{ type: 'phase_paused', phase: 1 }], known)).toBe(known)
  })

  it('[P1g] PhaseMetrics names every count, the file, the rate and the time left', () => {
    expect(Object.keys(PhaseMetrics.shape)).toEqual(Object.keys(metrics))
    for (const name of Object.keys(metrics)) {
      const { [name as keyof PhaseMetrics]: _, ...rest } = metrics
      expect(PhaseMetrics.safeParse(rest).success, name).toBe(false)
    }
    expect(PhaseMetrics.safeParse({ ...metrics, filesTotal: 1.5 }).success).toBe(false)
  })

  it('[P1h] IngestionResult has counts of files that add up to what it says', () => {
    expect(IngestionResult.parse(result)).toEqual(result)
    expect(IngestionResult.safeParse({ ...result, files: { total: 1 } }).success).toBe(false)
  })

  it('[P1i] RetryOptions takes the three scopes and a wait, and no others', () => {
    expect(RetryOptions.parse({ scopes: ['all', 'phase', 'file'] })).toEqual({ scopes: ['all', 'phase', 'file'] })
    expect(RetryOptions.safeParse({ scopes: ['everything'] }).success).toBe(false)
    expect(RetryOptions.safeParse({ after: 3 }).success).toBe(false)
  })
})

describe('The state folded from them', () => {
  it('[ING3] begins queued, works from the first phase on, and is done at the end', () => {
    expect(ingestionStream.initial).toMatchObject({ status: 'queued', currentPhase: 0, phases: [] })
    const working = fold([started, progress])
    expect(working).toMatchObject({
      status: 'working',
      currentPhase: 1,
      metrics,
      startedAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:01.000Z',
      completedAt: null,
    })
    const done = fold([started, progress, complete])
    expect(done).toMatchObject({ status: 'done', result, completedAt: '2026-01-01T00:00:02.000Z' })
    expect(done.phases.map(({ percent }) => percent)).toEqual([100])
  })

  it('[ING3] is cancelled by an error of that code, and failed by any other', () => {
    expect(fold([started, { ...failed, errorCode: 'CANCELLED' }])).toMatchObject({ status: 'cancelled' })
    const { type: _, ...error } = failed
    expect(fold([started, failed])).toMatchObject({ status: 'failed', error })
  })

  it('[ING3] keeps the newest phase on top when a late report of an earlier one comes', () => {
    const second = { ...started, phase: 2, phaseName: 'extract' }
    const late = { ...progress, progressPercent: 90, metrics: { ...metrics, filesDone: 10 } }
    const own = { ...progress, phase: 2, progressPercent: 5, metrics: { ...metrics, filesDone: 1 } }
    const state = fold([started, progress, second, own, late])
    expect(state.currentPhase).toBe(2)
    expect(state.metrics?.filesDone).toBe(1)
    expect(state.phases.map(({ percent }) => percent)).toEqual([100, 5])
    expect(state.phases[0]?.metrics?.filesDone).toBe(10)
  })

  it('[ING3] counts of a phase that begins only what it has done, and keeps what it has when it is taken up again', () => {
    const second = { ...started, phase: 2, phaseName: 'extract' }
    const looked = {
      ...progress,
      metrics: { ...metrics, filesDone: 38, bytesDone: 900, currentFile: 'z', ratePerSecond: 70 },
    }
    const begun = fold([started, looked, second]).metrics
    expect(begun).toMatchObject({ filesDone: 0, bytesDone: 0, currentFile: null, ratePerSecond: 0, secondsLeft: null })
    expect(begun).toMatchObject({ filesTotal: metrics.filesTotal, filesFailed: metrics.filesFailed })
    const own = { ...progress, phase: 2, metrics: { ...metrics, filesDone: 5 } }
    expect(fold([started, looked, second, own, second]).metrics?.filesDone).toBe(5)
  })

  it('[ING3] never lets a percent fall', () => {
    const state = fold([started, progress, { ...progress, progressPercent: 10 }])
    expect(state.phases[0]?.percent).toBe(40)
  })
})

describe('The story of a project', () => {
  it('[ING3] tells which ingestion works, which is the newest and which wait', () => {
    const tell = (...events: [string, string][]) =>
      events.reduce(
        (state, [type, ingestionId]) =>
          projectStream.apply(state as never, { type, timestamp: '', ingestionId, status: 'done' } as never),
        projectStream.initial,
      )
    expect(tell(['ingestion_queued', 'a'], ['ingestion_started', 'a'], ['ingestion_queued', 'b'])).toEqual({
      activeIngestionId: 'a',
      newestIngestionId: 'b',
      queued: ['b'],
    })
    expect(tell(['ingestion_queued', 'a'], ['ingestion_ended', 'a'])).toEqual({
      activeIngestionId: null,
      newestIngestionId: 'a',
      queued: [],
    })
    const many = Array.from({ length: 300 }, (_, n) => ['ingestion_queued', `i${n}`] as [string, string])
    expect(tell(...many).queued).toHaveLength(100)
  })

  it('[ING3] and of all projects never end', () => {
    for (const type of Object.keys(projectStream.events)) expect(projectStream.isTerminal(type)).toBe(false)
    for (const type of Object.keys(projectsStream.events)) expect(projectsStream.isTerminal(type)).toBe(false)
    expect(projectsStream.name({})).toBe('operators/projects')
  })
})

describe('Conflation of an ingestion', () => {
  it('[ING14] the fold of what a conflating reader gets is the fold of all, as long as no percent falls', () => {
    const percent = fc.record({ phase: fc.integer({ min: 1, max: 4 }), by: fc.integer({ min: 0, max: 9 }) })
    const step = fc.oneof(
      { arbitrary: percent, weight: 6 },
      { arbitrary: fc.constantFrom('start' as const, 'end' as const), weight: 1 },
    )
    let left = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const percents = [0, 0, 0, 0, 0]
        let phase = 0
        const events = steps.map((step, index) => {
          const timestamp = new Date(index).toISOString()
          if (step === 'end') return { ...failed, timestamp }
          if (step === 'start') {
            phase = (phase % 4) + 1
            return { ...started, phase, timestamp, message: `phase ${phase}` }
          }
          const progressPercent = Math.min(100, (percents[step.phase] ?? 0) + step.by)
          percents[step.phase] = progressPercent
          return { ...progress, phase: step.phase, progressPercent, metrics: { ...metrics, chunks: index }, timestamp }
        })
        const kept = conflate(events, (event) => ingestionStream.replacementKey(event))
        left += events.length - kept.length
        expect(fold([...kept])).toEqual(fold(events))
      }),
    )
    expect(left).toBeGreaterThan(0)
  })
})

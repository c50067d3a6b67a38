import { ManualClock } from '@holdfast/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { IngestionEventEmitter } from './emitter.ts'
import { countersFrom, PhaseMeter } from './phase-meter.ts'
import type { PhaseMetrics } from './streams.ts'

let clock: ManualClock
let reports: { percent: number; metrics: PhaseMetrics }[]
const last = () => reports.at(-1)

beforeEach(() => {
  clock = new ManualClock()
  reports = []
})

const nothing = { filesDone: 0, filesFailed: 0, filesSkipped: 0, bytesTotal: 0, bytesDone: 0, chunks: 0 }

function meter(start: Partial<PhaseMetrics> & { filesTotal: number }): PhaseMeter {
  const emitProgressUpdate: IngestionEventEmitter['emitProgressUpdate'] = (_, __, percent, metrics) => {
    reports.push({ percent, metrics })
  }
  const emitter = { emitProgressUpdate } as unknown as IngestionEventEmitter
  return new PhaseMeter({ emitter, projectId: 'p', phase: 2, clock, start: { ...nothing, ...start } })
}

describe('PhaseMeter', () => {
  it('[ING4] counts a phase half by files and half by bytes', () => {
    const phase = meter({ filesTotal: 2, bytesTotal: 1000 })
    phase.begin('small')
    phase.done('small', 100)
    expect(last()?.percent).toBeCloseTo((50 + 10) / 2)
    phase.begin('large')
    phase.done('large', 900)
    expect(last()?.percent).toBe(100)
  })

  it('[ING4] counts rejections by what their code says, and passages', () => {
    const phase = meter({ filesTotal: 4 })
    phase.done('a', 0, 5)
    phase.rejected('b', 0, { rejected: 'CORRUPT' })
    phase.rejected('c', 0, { rejected: 'UNCHANGED' })
    expect(last()).toMatchObject({
      percent: 75,
      metrics: { filesDone: 1, filesFailed: 1, filesSkipped: 1, chunks: 5 },
    })
  })

  it('[ING4] names a file it works on, and none between files', () => {
    const phase = meter({ filesTotal: 3 })
    phase.begin('a')
    phase.begin('b')
    expect(last()?.metrics.currentFile).toBe('b')
    phase.done('b', 0)
    expect(last()?.metrics.currentFile).toBe('a')
    phase.done('a', 0)
    expect(last()?.metrics.currentFile).toBeNull()
  })

  it('[ING4] tells the rate of the last seconds, and the time left once it can be known', () => {
    const phase = meter({ filesTotal: 100 })
    for (let file = 1; file <= 20; file += 1) {
      clock.advance(100)
      phase.done(`${file}`, 0)
      if (file === 10) expect(last()?.metrics.secondsLeft).toBeNull()
    }
    expect(last()?.metrics).toMatchObject({ ratePerSecond: 10, secondsLeft: 8 })
    for (let file = 21; file <= 40; file += 1) {
      clock.advance(500)
      phase.done(`${file}`, 0)
    }
    expect(last()?.metrics.ratePerSecond).toBeCloseTo(2, 0)
  })

  it('[ING4] taken up in the middle estimates from what this attempt did', () => {
    const phase = meter({ filesTotal: 100, filesDone: 50 })
    for (let file = 1; file <= 10; file += 1) {
      clock.advance(1000)
      phase.done(`${file}`, 0)
    }
    expect(last()).toMatchObject({ percent: 60, metrics: { ratePerSecond: 1, secondsLeft: 40 } })
  })

  it('[ING4] is at a hundred when it is complete, whatever was counted', () => {
    const phase = meter({ filesTotal: 0 })
    phase.begin('a')
    phase.complete()
    expect(last()).toMatchObject({ percent: 100, metrics: { currentFile: null, secondsLeft: 0 } })
  })

  it('[ING4] starts from what the table says lies behind', () => {
    const of = (files: number) => ({ files, bytes: files * 10 })
    const byStatus = { found: of(5), extracted: of(4), chunked: of(3), done: of(2), skipped: of(1), failed: of(6) }
    const counts = { total: 21, bytes: 210, chunks: 9, byStatus }
    expect(countersFrom(counts, ['chunked', 'done'])).toEqual({
      filesTotal: 21,
      filesDone: 5,
      filesFailed: 6,
      filesSkipped: 1,
      bytesTotal: 210,
      bytesDone: 120,
      chunks: 9,
    })
  })
})

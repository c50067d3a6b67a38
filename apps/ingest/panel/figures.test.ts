import { expect, it } from 'vitest'
import { ingestionStream, type PhaseMetrics } from '../streams.ts'
import type { IngestionView } from '../view.ts'
import { figuresOf, figuresOfView, filesText, phaseText } from './figures.ts'

const metrics: PhaseMetrics = {
  filesTotal: 120,
  filesDone: 30,
  filesFailed: 3,
  filesSkipped: 1,
  bytesTotal: 10,
  bytesDone: 5,
  chunks: 0,
  currentFile: 'a.md',
  ratePerSecond: 12.5,
  secondsLeft: 9,
}

it('[ING28] the stream and the answer of the server make the same figures of one ingestion', () => {
  const at = '2026-01-01T00:00:00.000Z'
  const started = { type: 'phase_started', phase: 2, phaseName: 'extract', message: 'm', timestamp: at } as const
  const update = { type: 'progress_update', phase: 2, progressPercent: 50, metrics, timestamp: at } as const
  const first = { ...started, phase: 1, phaseName: 'discover' } as const
  const state = [first, started, update].reduce(ingestionStream.apply, ingestionStream.initial)
  const figures = figuresOf(state)
  expect(figures).toMatchObject({
    status: 'working',
    percent: 35,
    phase: 'extract',
    total: 120,
    dealtWith: 34,
    failed: 3,
  })
  expect(filesText(figures, String)).toBe('34 of 120 files')
  expect(phaseText(figures, true)).toBe('Extract: 9 s left')
  expect(phaseText(figures, false)).toBe('Extract')
  const last = { ...update, metrics: { ...metrics, secondsLeft: 0.9 } }
  expect(phaseText(figuresOf(ingestionStream.apply(state, last)), true)).toBe('Extract')
  const { phases: _, ...known } = state
  const view = { ...known, progressPercent: 35 } as unknown as IngestionView
  expect(figuresOfView(view)).toEqual(figures)
})

import { IDLE } from '@holdfast/client'
import type { FileGroup, FileView } from '@holdfast/ingest/view'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { completed, failedWith, progressed, started, stateAfter } from '../fixtures/ingestion.ts'
import { jsonReport } from './json-report.ts'
import { liveReport } from './live-report.ts'
import { plainReport } from './plain-report.ts'
import type { Beginning, Summary } from './report.ts'

const beginning: Beginning = {
  label: '/srv/handbook',
  projectName: 'handbook',
  serverUrl: 'http://127.0.0.1:4000',
  isOwnServer: false,
  isResumed: false,
  isBehind: false,
}
const groups: FileGroup[] = [
  { status: 'done', code: null, files: 305 },
  { status: 'failed', code: 'CORRUPT', files: 2 },
  { status: 'failed', code: 'NEEDS_OCR', files: 1 },
  { status: 'skipped', code: 'UNCHANGED', files: 12 },
]
const end = completed(3)
const summary: Summary = {
  ingestionId: 'i1',
  projectId: 'p1',
  projectName: 'handbook',
  status: 'done',
  exitCode: 4,
  result: end.type === 'ingestion_complete' ? end.result : null,
  error: null,
  groups,
}

async function* failedFiles({ code, files }: FileGroup): AsyncIterable<FileView> {
  for (let index = 0; index < files; index += 1) {
    const reason = code === 'CORRUPT' ? 'It is damaged and cannot be read. Bad \x1b[31mheader.' : null
    yield { path: `${code}-${index}.pdf`, code, reason } as FileView
  }
}

function outputs() {
  const written = { out: '', err: '' }
  const stdout = { write: (text: string) => (written.out += text) }
  const stderr = { write: (text: string) => (written.err += text) }
  return { written, stdout, stderr }
}

const waiting = { ...IDLE, state: 'reconnecting', attempt: 2, retryAt: Date.now() + 3_500 } as const

describe('plainReport', () => {
  it('[HOST9] has a line when a phase begins and one for each tenth of it', () => {
    const { written, stdout, stderr } = outputs()
    const report = plainReport(stdout, stderr)
    report.begin(beginning)
    written.out = ''
    const percents = [0, 4, 9.9, 10, 15, 31, 100, 100]
    const events = [started(2), ...percents.map((percent) => progressed(2, percent))]
    for (const event of events) report.event(event, '0', stateAfter(event))
    expect(written.out.split('\n').map((line) => line.split(',')[0])).toEqual([
      'Extract: Doing extract',
      'Extract 10 %',
      'Extract 30 %',
      'Extract 100 %',
      '',
    ])
    expect(written.out).toContain('Extract 10 %, 166 of 320 files, 41.2 files/s, 1 m 04 s left\n')
  })

  it('[HOST9] sums up, lists the failed files by cause with what each adds to it, and counts the skipped', async () => {
    const { written, stdout, stderr } = outputs()
    await plainReport(stdout, stderr).end(summary, failedFiles)
    expect(written.out).toBe(`
Done in 1 m 04 s: 307 files done, 3 failed, 10 skipped, 4\u2009120 passages, 1.2 MB.

Failed
  CORRUPT  It is damaged and cannot be read.  2 files
    CORRUPT-0.pdf  Bad �[31mheader.
    CORRUPT-1.pdf  Bad �[31mheader.
  NEEDS_OCR  Its pages are pictures: there is no text to read without OCR.  1 file
    NEEDS_OCR-0.pdf

Skipped
  UNCHANGED  Unchanged since it was last ingested.  12 files
`)
  })

  it('[HOST9] says where and why it failed, with the code', async () => {
    const { written, stdout, stderr } = outputs()
    const { error } = stateAfter(started(1), failedWith('SOURCE_UNREACHABLE', 'example.org did not answer.'))
    const failed: Summary = { ...summary, status: 'failed', result: null, error, groups: [] }
    await plainReport(stdout, stderr).end(failed, failedFiles)
    expect(written.out).toBe('\nFailed in extract: example.org did not answer. (SOURCE_UNREACHABLE)\n')
  })

  it('[HOST11] tells a wait for the next attempt with its number and seconds, apart from the output', () => {
    const { written, stdout, stderr } = outputs()
    plainReport(stdout, stderr).connection(waiting)
    expect(written).toEqual({ out: '', err: 'holdfast: reconnecting (attempt 2, in 4 s)\n' })
  })

  it('[HOST12] says how to follow and cancel what it leaves to the server', () => {
    const { written, stdout, stderr } = outputs()
    const where = { serverUrl: 'http://127.0.0.1:4000', dataDir: '/data', stream: 'projects/p1/ingestions/i1' }
    plainReport(stdout, stderr).left(summary, { ...where, isOwnServer: false })
    expect(written.out).toContain('holdfast tail projects/p1/ingestions/i1\n')
    expect(written.out).toContain('http://127.0.0.1:4000/projects/p1\n')
  })
})

describe('jsonReport', () => {
  it('[HOST10] has each event with its offset and last the summary, and nothing else', async () => {
    const { written, stdout, stderr } = outputs()
    const report = jsonReport(stdout, stderr)
    report.begin(beginning)
    report.event(started(1), '0000000000000001_0000000000000001', stateAfter(started(1)))
    report.connection(waiting)
    await report.end(summary, failedFiles)
    const lines = written.out.trimEnd().split('\n')
    expect(JSON.parse(lines[0] ?? '')).toEqual({ ...started(1), offset: '0000000000000001_0000000000000001' })
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      type: 'summary',
      status: 'done',
      exitCode: 4,
      ingestionId: 'i1',
      projectId: 'p1',
      projectName: 'handbook',
      files: { total: 320, done: 307, failed: 3, skipped: 10 },
      seconds: 64,
      error: null,
      skipped: { UNCHANGED: 12 },
    })
    expect(JSON.parse(lines[1] ?? '').failed).toHaveLength(3)
    expect(lines).toHaveLength(2)
  })
})

describe('liveReport', () => {
  function watched() {
    const { written, stdout } = outputs()
    const clock = new ManualClock()
    const report = liveReport({ output: stdout, columns: () => 120, clock })
    report.begin(beginning)
    written.out = ''
    return { written, clock, report }
  }

  it('[HOST8] draws at most ten times a second, and only what changed', () => {
    const { written, clock, report } = watched()
    for (let percent = 1; percent <= 50; percent += 1)
      report.event(started(1), '', stateAfter(started(1), progressed(1, percent)))
    expect(written.out).toBe('')
    clock.advance(100)
    expect(written.out.split('\x1b[?2026h')).toHaveLength(2)
    expect(written.out).toContain(' 50 %')
    clock.advance(1000)
    expect(written.out.split('\x1b[?2026h')).toHaveLength(2)
  })

  it('[HOST11] counts the seconds to the next attempt down, and takes the line away when it is good again', () => {
    const { written, clock, report } = watched()
    report.connection({ ...IDLE, state: 'reconnecting', attempt: 3, retryAt: clock.now() + 4000, since: clock.now() })
    clock.advance(100)
    expect(written.out).toContain('Connection lost, reconnecting (attempt 3, in 4 s)')
    clock.advance(2000)
    expect(written.out).toContain('(attempt 3, in 2 s)')
    written.out = ''
    report.connection({ ...IDLE, state: 'connected', since: clock.now() })
    clock.advance(100)
    expect(written.out).toContain('\x1b[5A')
    expect(written.out).not.toContain('Connection lost')
  })

  it('[HOST8] shows the last state before the summary, gives the cursor back and draws no more', async () => {
    const { written, clock, report } = watched()
    const state = stateAfter(started(1), started(2), started(3), started(4), end)
    report.event(end, '', state)
    await report.end(summary, failedFiles)
    expect(written.out.split('100 %')).toHaveLength(5)
    expect(written.out.indexOf('\x1b[?25h')).toBeLessThan(written.out.indexOf('Done in'))
    expect(clock.pending).toBe(0)
    const length = written.out.length
    report.close()
    expect(written.out).toHaveLength(length)
  })
})

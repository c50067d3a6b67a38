import { describe, expect, it } from 'vitest'
import { completed, failedWith, progressed, started, stateAfter } from '../fixtures/ingestion.ts'
import { textWidth } from '../text-width.ts'
import { progressLines } from './progress-lines.ts'

const half = stateAfter(started(1, 0), progressed(1, 100), started(2, 3), progressed(2, 52.9))

describe('progressLines', () => {
  it('[HOST8] has one line per phase: name, bar, percent, counts, rate, time left, current file', () => {
    const [discover, extract, chunk, index] = progressLines(half, 160)
    expect(discover).toMatch(/^ {2}Discover {2}━{24} 100 % {2}166\/320 {2}took 3 s$/)
    expect(extract).toMatch(
      /^ {2}Extract {3}━{12}╌{12} {2}52 % {2}166\/320 {2}41\.2 files\/s {2}1 m 04 s left {2}handbook\//,
    )
    expect(chunk).toMatch(/^ {2}Chunk {5}╌{24} waits$/)
    expect(index).toMatch(/^ {2}Index {5}╌{24} waits$/)
  })

  it('[HOST8] keeps the end of a path that does not fit', () => {
    expect(progressLines(half, 100)[1]).toMatch(/ {2}…\S*everything\.pdf$/)
  })

  it('[HOST8] is never wider than the terminal leaves room for, however narrow that is', () => {
    const wide = { currentFile: '文書/'.repeat(60) }
    const state = stateAfter(started(1, 0), started(2), progressed(2, 33, wide), started(3), progressed(3, 5, wide))
    for (let columns = 28; columns <= 200; columns += 1) {
      for (const line of progressLines(state, columns)) expect(textWidth(line)).toBeLessThan(columns)
    }
  })

  it('[HOST14] shows a file whose name holds an escape sequence as text', () => {
    const state = stateAfter(started(1), progressed(1, 5, { currentFile: 'a\x1b[2J.md' }))
    expect(progressLines(state, 120)[0]).not.toContain('\x1b')
  })

  it('[HOST8] says where it stopped, and that everything is done, without colour', () => {
    const stopped = stateAfter(started(1), started(2), progressed(2, 40), failedWith('SOURCE_UNREACHABLE', 'gone'))
    expect(progressLines(stopped, 100)[1]).toContain(' 40 %')
    const done = progressLines(stateAfter(started(1), started(2), started(3), started(4), completed()), 100)
    for (const line of done) expect(line).toContain('100 %')
  })
})
